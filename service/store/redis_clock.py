"""Redis' `TIME`, the one clock of the service: processes on different machines agree on what is due."""

from __future__ import annotations

from redis import Redis

from service.store.connection import repeatable, translate_errors


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
