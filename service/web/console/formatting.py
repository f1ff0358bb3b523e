"""Template filters: times, durations, states and results as people read them."""

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
    "rehearsed": "◌",
    "disabled": "‖",
    "ended": "■",
    "broken": "✗",
    "paused": "‖",
    "late": "!",
    "slow": "!",
    "empty": "!",
    "good": "✓",
    "warning": "!",
    "bad": "✗",
}
"""Status -> the sign beside its colour: colour alone must not carry a meaning."""

SKIP_REASONS = {
    "overlap": "the previous run was still running",
    "misfire": "too late: its grace time was over",
    "coalesced": "a newer occurrence ran instead",
    "paused": "its job was paused",
    "missed": "missed, and not caught up",
    "closed": "its calendar was closed",
    "waiting_limit": "1,000 runs were already waiting",
    "edited": "somebody skipped this occurrence",
    "disabled": "it was moved, and its job was off then",
    "clock": "decided while Redis' clock was ahead; it will be due again",
}
DROP_REASONS = {
    "changed": "due while no scheduler was up, and then the job was changed",
    "calendar": "due while no scheduler was up, and then its calendar was changed",
    "clock": "due while no scheduler was up, and then the clock was set right",
}
"""Why nobody has decided an occurrence that was due."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def duration(ms: int | float | None) -> str:
    """Format a duration: `1.2 s`, `3 min 5 s`, `2 h 4 min`; None is a dash."""
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
    """Count in words: `1 job`, `2 jobs`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def sign(status: str | None) -> str:
    """Return the sign that stands beside a status' colour."""
    return STATUS_SIGNS.get(status or "", "·")


def stamp(timestamp: str | None) -> str:
    """Format a timestamp of the API, without its zone (UTC): `2025-01-15 08:00:00`; None is a dash."""
    return "–" if timestamp is None else timestamp.replace("T", " ")


def local(timestamp: str) -> str:
    """Format a local timestamp: `2025-03-30T03:00:00+02:00` becomes `Sun 2025-03-30 03:00:00 +02:00`."""
    day = datetime.fromisoformat(timestamp)
    return f"{_DAYS[day.weekday()]} {timestamp[:10]} {timestamp[11:19]} {timestamp[19:]}"


def why_not(occurrence: Mapping[str, Any]) -> str:
    """Say in a few words why an occurrence did not run as the schedule has it; nothing where its fate says so."""
    fate, reason, pause = occurrence["fate"], occurrence.get("reason"), occurrence.get("pause")
    if fate == "closed":
        return str(occurrence.get("closed") or "a closed day")
    if fate == "paused" and pause:
        return str(pause["reason"])
    if pause and fate in ("ran", "moved"):
        return f"held by a pause: {pause['reason']}"
    if fate == "dropped":
        return DROP_REASONS.get(reason or "", DROP_REASONS["changed"])
    if reason is None or fate == "ran":
        return reason or ""
    return str(SKIP_REASONS.get(reason, reason))


def as_json(value: Any) -> str:
    """Format a value as JSON, as in a definition."""
    return json.dumps(value, ensure_ascii=False)


def summary(run: Mapping[str, Any]) -> str:
    """Summarize a run's error, progress or result in a few words."""
    if run["error"]:
        return _cut(run["error"])
    if run["reason"] and run["started_at"]:
        return _cut(f"Skipped: {run['reason']}")
    if run["reason"] == "closed":
        return f"closed: {run.get('closed', 'by its calendar')}"
    if run["reason"] == "paused" and run.get("pause"):
        return _cut(f"paused: {run['pause']['reason']}")
    if run.get("held_by"):
        return _cut(f"on hold by a pause: {run['pause']['reason']}" if run.get("pause") else "on hold by a pause")
    if run["reason"]:
        return SKIP_REASONS.get(run["reason"], str(run["reason"]))
    progress = run.get("progress")
    if run["status"] == "running" and progress:
        return f"{progress['done']} of {progress['total']}"
    if run["messages_sent"] or run["profiles_visited"]:
        counts = ((run["messages_sent"], "message"), (run["profiles_visited"], "profile"))
        return ", ".join(plural(count, word) for count, word in counts if count)
    result = run["result"]
    if not result:
        return ""
    if result.get("dry_run"):
        return "rehearsed"
    if result.get("already"):
        return f"{result['already']} already greeted"
    told = ((name.replace("_", " "), value) for name, value in result.items() if isinstance(value, int | float))
    return _cut(", ".join(f"{name} {_said(value)}" for name, value in told))


def _said(value: float) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _cut(text: str, limit: int = 140) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


FILTERS: dict[str, Callable[..., Any]] = {
    "duration": duration,
    "json": as_json,
    "local": local,
    "plural": plural,
    "sign": sign,
    "stamp": stamp,
    "summary": summary,
    "why_not": why_not,
}
