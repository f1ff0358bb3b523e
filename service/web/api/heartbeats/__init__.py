"""Routes of heartbeat jobs."""
