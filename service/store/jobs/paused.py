"""Views of jobs with the pauses in force that cover them.

Pauses are few, and mostly no pause is in force: then nothing is parsed, no time is read, and a view stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from service.domain.pauses.pause import Pause, covering, last_end, parse_stored
from service.domain.timestamps import format_ms
from service.store.scripts import Scripts
from service.store.server.redis_clock import RedisClock


def stored_texts(answer: Any) -> Sequence[bytes]:
    """Return the pauses of an answer to `HVALS`; none if outside hands have made the key another type."""
    return answer if isinstance(answer, list) else ()


def with_pauses(scripts: Scripts, jobs: Sequence[bytes], texts: Sequence[bytes]) -> Sequence[bytes]:
    """Add to the views of jobs that pauses cover: `paused`, their ids, first the one that decides, and `paused_until`.

    Args:
        scripts: on the connection that reads the time.
        jobs: views, JSON.
        texts: the stored pauses.

    Returns:
        The views, in order; the same if no pause is in force.

    Raises:
        StoreUnavailable: Redis is away.
    """
    stored = [pause for text in texts if (pause := parse_stored(text)) is not None]
    if not stored or not jobs:
        return jobs
    now = RedisClock(scripts.client).now_ms()
    active = [pause for pause in stored if pause.end_at(now) is None]
    return [_with_pauses(job, active, now) for job in jobs] if active else jobs


def _with_pauses(job: bytes, active: Sequence[Pause], now_ms: int) -> bytes:
    shown = orjson.loads(job)
    found = covering(active, now_ms, shown["id"], shown["labels"], shown["bot_type"])
    if not found:
        return job
    until = last_end(found)
    more = orjson.dumps(
        {"paused": [pause.id for pause in found], "paused_until": None if until is None else format_ms(until)}
    )
    return b"%b, %b" % (job[:-1], more[1:])
