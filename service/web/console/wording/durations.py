"""Durations as people write them: `1 h 30 min`. The form of a job reads them back (static/form.js)."""

from __future__ import annotations

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
"""Unit -> seconds, the longest first."""
SUFFIX = "_seconds"
"""Ends the names of fields that are durations."""


def is_duration(name: str) -> bool:
    """Tell whether a field's value is a number of seconds, by the field's name."""
    return name.endswith(SUFFIX)


def written(seconds: int | float | None) -> str:
    """Write a duration.

    Args:
        seconds: the duration; what is no whole number of seconds stays as it is.

    Returns:
        `1 d`, `1 h 30 min`, `0 s`; empty for None.
    """
    if seconds is None:
        return ""
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds <= 0:
        return f"{seconds} s"
    parts, left = [], seconds
    for unit, length in UNITS:
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)
