"""How times, durations and states read on a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

STATUS_SIGNS = {
    "success": "✓",
    "failed": "✗",
    "running": "▶",
    "queued": "…",
    "cancelled": "⊘",
    "skipped": "↷",
    "scheduled": "◷",
    "disabled": "‖",
    "ended": "■",
    "broken": "✗",
    "good": "✓",
    "warning": "!",
    "bad": "✗",
}
"""Colour is never the only sign."""

SKIPS = {
    "overlap": "the one before was still going on",
    "misfire": "found later than its grace",
    "coalesced": "a newer one ran in its place",
    "missed": "missed, and not caught up with",
    "waiting_limit": "1,000 runs were waiting already",
    "clock": "decided while Redis' clock was ahead; it comes again",
}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


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


def local(timestamp: str) -> str:
    """`2025-03-30T03:00:00+02:00` for people: `Sun 2025-03-30 03:00:00 +02:00`."""
    day = datetime.fromisoformat(timestamp)
    return f"{_DAYS[day.weekday()]} {timestamp[:10]} {timestamp[11:19]} {timestamp[19:]}"


def as_json(value: Any) -> str:
    """A value as it stands in a definition."""
    return json.dumps(value, ensure_ascii=False)


def outcome_words(run: Mapping[str, Any]) -> str:
    """What came of a run, in a few words."""
    if run["error"]:
        return _cut(run["error"])
    if run["reason"]:
        return SKIPS.get(run["reason"], str(run["reason"]))
    progress = run.get("progress")
    if run["status"] == "running" and progress:
        return f"{progress['done']} of {progress['total']}"
    done = [
        plural(run[count], *words)
        for count, words in (("messages_sent", ("message",)), ("profiles_visited", ("profile",)))
        if run[count]
    ]
    if done:
        return ", ".join(done)
    result = run["result"]
    if not result:
        return ""
    if result.get("dry_run"):
        return "rehearsed"
    return _cut(", ".join(f"{name} {value}" for name, value in result.items() if isinstance(value, int | float)))


def _cut(text: str, limit: int = 140) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


FILTERS: dict[str, Callable[..., Any]] = {
    "duration": duration,
    "json": as_json,
    "local": local,
    "outcome_words": outcome_words,
    "plural": plural,
    "sign": sign,
    "stamp": stamp,
}
