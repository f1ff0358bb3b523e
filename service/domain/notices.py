"""Notices about Redis' clock and data set, and their sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.domain.timestamps import format_ms

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
HEARTBEAT_SECONDS = 2
"""Seconds for which one of the leader's heartbeats stands."""

CLOCK_ADVICE = (
    "Check the times of the runs in that period and the host's time service (NTP), then acknowledge: "
    "bot-scheduler acknowledge"
)
DATA_ADVICE = (
    "Compare the jobs with an earlier export (bot-scheduler apply --dry-run -f FILE), "
    "then acknowledge: bot-scheduler acknowledge"
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of Redis' clock; times are ms.

    Args:
        by_ms: forward, or, where negative, back.
        before_ms: the time that it showed, or would have shown, just before.
        landed_ms: the time that it showed then.
    """

    by_ms: int
    before_ms: int
    landed_ms: int


@dataclass(frozen=True, slots=True)
class WentBack:
    """The data went back: to an older state, or to another data set.

    Args:
        at_ms: when a process noticed it.
        seen: `other` (another data set, or none) or `older`.
        beats: by how many of the leader's heartbeats the data is older, if it is.
    """

    at_ms: int
    seen: str
    beats: int


@dataclass(frozen=True, slots=True)
class Notices:
    """The notices that somebody has to look at.

    Args:
        went_back: how the data went back; None if it did not.
        steps: the clock's recent steps, the newest first.
    """

    went_back: WentBack | None = None
    steps: tuple[Step, ...] = ()


def length(ms: int) -> str:
    """Write a duration in its two largest units, rounded."""
    seconds = abs(ms) // 1000
    sizes = [size for _, size in UNITS if size <= seconds] or [1]
    smallest = sizes[:2][-1]
    seconds = (seconds + smallest // 2) // smallest * smallest
    parts = []
    for unit, size in UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


def stepped(step: Step) -> str:
    """Put a step of the clock into a sentence."""
    way = "forward" if step.by_ms > 0 else "back"
    before, landed = format_ms(step.before_ms), format_ms(step.landed_ms)
    return f"Redis' clock was set {way} by {length(step.by_ms)}: at {before} UTC it went to {landed} UTC"


def went_back(seen: WentBack) -> str:
    """Put into a sentence that the data went back."""
    since = f"noticed at {format_ms(seen.at_ms)} UTC"
    if seen.seen == "older":
        lost = length(seen.beats * HEARTBEAT_SECONDS * 1000)
        return (
            f"The data in Redis went back by about {lost} of the schedulers' work, {since}: writes in "
            "between are lost, and deleted data may be back"
        )
    return (
        f"The data in Redis is another data set than before, or an empty one, {since}: jobs may be gone, and deleted "
        "ones back"
    )


def shown(notices: Notices) -> dict[str, Any]:
    """Return the fields of the health answer: a time and a sentence each; None without notices."""
    back, newest = notices.went_back, notices.steps[0] if notices.steps else None
    return {
        "data_went_back": back and {"at": format_ms(back.at_ms), "detail": went_back(back)},
        "clock_stepped": newest and shown_step(newest),
    }


def shown_step(step: Step) -> dict[str, str]:
    """Describe one step of the clock for an answer."""
    return {"at": format_ms(step.landed_ms), "detail": stepped(step)}


def acknowledged(notices: Notices) -> dict[str, Any]:
    """Return the answer to an acknowledgement."""
    return {
        "data_went_back": shown(notices)["data_went_back"],
        "clock_steps": [shown_step(step) for step in notices.steps],
    }
