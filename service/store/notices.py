"""Notices about the clock and the data set, kept until somebody acknowledges them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from service.domain.notices import Notices, Step, WentBack
from service.store.audit.entries import entry_of
from service.store.keys import Keys
from service.store.scripts import Scripts

RECENT_MS = 86_400_000
"""Ms for which a step of the clock is shown, unless somebody acknowledges it earlier."""
FIELDS_OF_DATA = ("went_back_at", "went_back", "went_back_beats")
FIELDS_OF_CLOCK = ("steps", "acknowledged")


def notice_commands(keys: Keys) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the commands that read the notices, for any pipeline."""
    return ("HMGET", keys.data, *FIELDS_OF_DATA), ("HMGET", keys.clock, *FIELDS_OF_CLOCK)


def read_notices(now_ms: int, data: Any, clock: Any) -> Notices:
    """Read the notices from the answers to `notice_commands`; none if outside hands have damaged them."""
    try:
        return Notices(_went_back(data), _recent(now_ms, *clock))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Notices()


def acknowledge(scripts: Scripts) -> Notices:
    """Acknowledge all notices. Returns them.

    Raises:
        StoreUnavailable: Redis is away.
    """
    entry = entry_of("notices.acknowledge", "")
    now, data, steps, acknowledged = scripts.run("acknowledge", entry.text)
    notices = read_notices(int(now), data, (steps, acknowledged))
    if notices != Notices():
        entry.log()
    return notices


def _went_back(data: Sequence[bytes | None]) -> WentBack | None:
    at, seen, beats = data
    return None if at is None or seen is None else WentBack(int(at), seen.decode(), int(beats or 0))


def _recent(now_ms: int, steps: bytes | None, acknowledged: bytes | None) -> tuple[Step, ...]:
    seen = int(acknowledged or 0)
    found = [
        (int(step["number"]), Step(int(step["by"]), int(step["before"]), int(step["landed"])))
        for step in (json.loads(steps) if steps else [])
    ]
    return tuple(step for number, step in found if number > seen and _is_recent(step, now_ms))


def _is_recent(step: Step, now_ms: int) -> bool:
    """Return whether a step is recent; one end of it may lie in a time that the clock has left again."""
    return min(abs(now_ms - step.before_ms), abs(now_ms - step.landed_ms)) < RECENT_MS
