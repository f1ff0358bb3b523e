"""Intervals: the longest one, and their form in words. Short on purpose: two modules need them before definitions."""

from __future__ import annotations

import json

LONGEST_INTERVAL = 366 * 86400
"""Seconds: 366 days."""


def as_interval(seconds: int) -> str:
    """Write an interval for people: `the schedule type "interval" with {"hours": 1, "minutes": 30}`.

    Args:
        seconds: its length, at least 1.
    """
    hours, rest = divmod(seconds, 3600)
    parts = {"hours": hours, "minutes": rest // 60, "seconds": rest % 60}
    return f'the schedule type "interval" with {json.dumps({name: value for name, value in parts.items() if value})}'
