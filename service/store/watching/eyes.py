"""The eyes of the watch: one look at the installation, whatever the number of its jobs."""

from __future__ import annotations

import json
from typing import Any

from service.domain.watching.sight import Sight
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs, scored
from service.store.server.kind import server_info
from service.store.server.redis_clock import ms_of
from service.store.watermark import note_memory

STALE_MS = 86_400_000
"""An address that took no alert so long ago, and got none since, may be gone from the settings."""

DROPPED_MS = 60_000
"""For so long after an alert was dropped that is a trouble."""


def look(scripts: Scripts) -> Sight:
    """Look at schedulers, workers, what is due, what waits, unsent alerts, and at Redis' memory and its saving.

    Args:
        scripts: the scripts of this installation.

    Raises:
        StoreUnavailable: Redis is away.
    """
    keys = scripts.keys
    unsaved, memory = _unsaved(scripts), note_memory(scripts)
    clock, schedulers, workers, due, queued, running, unsent, known, dropped = ask(
        scripts, ("TIME",), ("ZRANGE", keys.schedulers, 0, -1, "WITHSCORES"),
        ("ZRANGE", keys.workers, 0, -1, "WITHSCORES"), ("ZRANGE", keys.due, 0, 0, "WITHSCORES"),
        ("ZRANGE", keys.queued, 0, 0, "WITHSCORES"), ("ZCARD", keys.leases), ("HGETALL", keys.alerts_unsent),
        ("HGETALL", keys.troubles), ("HMGET", keys.alerts_dropped, "count", "at"),
    )  # fmt: skip
    now = ms_of(clock)
    first_due, first_queued = scored(due), scored(queued)
    return Sight(
        now=now,
        schedulers=_beats(schedulers),
        workers=_beats(workers),
        oldest_due=int(first_due[0][1]) if first_due else None,
        oldest_queued=(_text(first_queued[0][0]), int(first_queued[0][1])) if first_queued else None,
        running=int(running),
        unsaved=unsaved,
        memory=memory,
        unsent={_text(name): found for name, text in pairs(unsent).items() if (found := _failure(text, now))},
        dropped=_dropped(dropped, now),
        known=frozenset(map(_text, pairs(known))),
    )


def _beats(rows: Any) -> dict[str, int]:
    return {_text(name): int(beat) for name, beat in scored(rows)}


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def _failure(text: bytes, now: int) -> tuple[int, str] | None:
    """Read since when, and why, an address takes no alerts; None if that is long ago, or the text is not ours."""
    try:
        found = json.loads(text)
        return (int(found["since"]), str(found["why"])) if abs(now - int(found["last"])) < STALE_MS else None
    except (ValueError, TypeError, LookupError):
        return None


def _dropped(found: Any, now: int) -> int:
    try:
        count, at = (int(text) for text in found)
    except (ValueError, TypeError):
        return 0  # none ever, or outside hands have damaged it
    return count if abs(now - at) < DROPPED_MS else 0


def _unsaved(scripts: Scripts) -> tuple[str, ...]:
    """Return why Redis does not save its data, by its own account; nothing if this user may not use INFO."""
    told = server_info(scripts.client, "persistence") or {}
    found = []
    if told.get("rdb_last_bgsave_status", "ok") != "ok":
        found.append("its last snapshot failed")
    if told.get("aof_last_write_status", "ok") != "ok":
        found.append("it cannot write its append-only file")
    return tuple(found)
