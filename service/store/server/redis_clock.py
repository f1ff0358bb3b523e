"""Redis' `TIME`, the one clock of the service: processes on different machines agree on what is due."""

from __future__ import annotations

import time

from redis import Redis

from service.store.server.exchange import repeatable
from service.store.server.translation import translate_errors

RECKONED_SECONDS = 1.0


class RedisClock:
    """A `service.clock.Clock`; one round trip a reading.

    Args:
        client: the connection that is asked.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client

    def now_ms(self) -> int:
        """The time in ms. Raises StoreUnavailable."""
        with translate_errors():
            seconds, micros = repeatable(self._client.time)
        return int(seconds) * 1000 + int(micros) // 1000


class Reckoning:
    """Redis' time as it can be reckoned from its last word, without asking again.

    It is not ahead: the word was on its way for a while before its age began to count. Only if Redis' clock was set
    back since, or this machine's runs faster, can it be; so whoever acts upon it has Redis look at it.
    """

    def __init__(self) -> None:
        self._word: tuple[int, float] | None = None

    def note(self, now_ms: int) -> None:
        """Redis has just answered that this is its time."""
        self._word = now_ms, time.monotonic()

    def now_ms(self) -> int | None:
        """The time in ms; None if Redis' last word is older than `RECKONED_SECONDS`."""
        if self._word is None:
            return None
        then, since = self._word
        age = time.monotonic() - since
        return then + int(age * 1000) if age <= RECKONED_SECONDS else None
