"""How times, durations and states read on a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

STATUS_SIGNS = {
    "success": "✓",
    "failed": "✗",
    "running": "▶",
    "queued": "…",
    "cancelled": "⊘",
    "skipped": "↷",
    "scheduled": "◷",
    "disabled": "⏸",
    "ended": "■",
    "broken": "⚠",
}
"""Colour is never the only sign."""


def duration(ms: int | float | None) -> str:
    """`1.2 s`, `3 min 5 s`, `2 h 4 min`; a dash where there is none."""
    if ms is None:
        return "–"
    seconds = ms / 1000
    if ms < 1000:
        return f"{ms:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 job`, `2 jobs`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def sign(status: str | None) -> str:
    """The mark that stands beside a status' colour."""
    return STATUS_SIGNS.get(status or "", "·")


def stamp(timestamp: str | None) -> str:
    """A timestamp of the API for people: `2025-01-15 08:00:00`, UTC; a dash where there is none."""
    return "–" if timestamp is None else timestamp.replace("T", " ")


FILTERS: dict[str, Callable[..., Any]] = {"duration": duration, "plural": plural, "sign": sign, "stamp": stamp}
