"""Backfills: what is asked for, and which instants it means. Pure."""
