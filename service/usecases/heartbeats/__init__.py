"""Use cases of heartbeat jobs."""
