"""Pings of other monitors about each run of a job: its `ping_urls`."""
