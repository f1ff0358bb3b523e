"""Heartbeat jobs: work that others do elsewhere, and report by pings. Pure."""
