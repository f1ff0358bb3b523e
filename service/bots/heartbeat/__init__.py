"""The heartbeat bot."""
