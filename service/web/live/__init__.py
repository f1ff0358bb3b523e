"""Runs followed live: logs as server-sent events, and requests that wait for a run's end."""
