"""Calendars of days off in Redis, and the jobs that are planned by them."""
