"""Redis' `TIME`, the one clock of the service: processes on different machines agree on what is due."""

from __future__ import annotations

import time
from collections.abc import Sequence

from redis import Redis

from service.store.server.exchange import execute, repeatable
from service.store.server.translation import translate_errors

VALID_SECONDS = 1.0
"""Age up to which an estimate from Redis' last answer is good enough."""


def ms_of(redis_time: Sequence[int | bytes]) -> int:
    """Turn an answer to `TIME`, seconds and microseconds, into whole milliseconds, rounded down."""
    seconds, micros = redis_time
    return int(seconds) * 1000 + int(micros) // 1000


def seconds_of(redis_time: Sequence[int | bytes]) -> float:
    """Turn an answer to `TIME` into seconds."""
    seconds, micros = redis_time
    return int(seconds) + int(micros) / 1_000_000


class RedisClock:
    """A `service.clock.Clock`; each reading is one round trip.

    Args:
        client: the connection that asks.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client

    def now_ms(self) -> int:
        """Read the time in ms. Raises StoreUnavailable."""
        with translate_errors():
            return ms_of(repeatable(lambda: execute(self._client, "TIME")))


class ClockEstimate:
    """Redis' time, estimated from its last answer without asking again.

    The estimate is not ahead: the answer was under way before its age began to count. It can only be ahead if somebody
    has set Redis' clock back since, or if this machine's clock runs faster. So code that acts on it has Redis check it.
    """

    def __init__(self) -> None:
        self._answer: tuple[int, float] | None = None

    def note(self, now_ms: int) -> None:
        """Remember that Redis has just given this time."""
        self._answer = now_ms, time.monotonic()

    def now_ms(self) -> int | None:
        """Estimate the time in ms; None if Redis' last answer is older than `VALID_SECONDS`."""
        if self._answer is None:
            return None
        then, since = self._answer
        age = time.monotonic() - since
        return then + int(age * 1000) if age <= VALID_SECONDS else None
