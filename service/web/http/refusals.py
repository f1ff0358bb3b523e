"""Record of refused keys: a line a minute in the log, and a count in the metrics, so that guessing leaves a trace."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from service.errors import ServiceError
from service.seldom import Seldom
from service.store.server.connection import ClientError

log = logging.getLogger(__name__)

SETTLE_SECONDS = 1.0


class Refusals:
    """The refused keys of one process.

    A stranger costs Redis nothing: the count is written when somebody with the key asks, at most once a second.

    Args:
        add: adds to the installation's count in Redis; None for no count.
        clock: monotonic seconds.
    """

    def __init__(self, add: Callable[[int], None] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._add = add
        self._clock = clock
        self._lock = threading.Lock()
        self._unsettled = 0
        self._next_at = float("-inf")
        self._lines = Seldom(log, logging.WARNING, clock)

    @property
    def is_unsettled(self) -> bool:
        """Whether there is a count to write."""
        return self._unsettled > 0

    def note(self, address: str) -> None:
        """Record a wrong key.

        Args:
            address: the sender's address; behind a proxy that is the proxy's.
        """
        with self._lock:
            self._unsettled += 1
        self._lines.note(f"A wrong API key from {address} was refused")

    def settle(self) -> None:
        """Write the count to Redis. A count that Redis does not take is kept for the next time."""
        if self._add is None or not self._unsettled:
            return
        with self._lock:
            now = self._clock()
            if now < self._next_at:
                return
            count, self._unsettled, self._next_at = self._unsettled, 0, now + SETTLE_SECONDS
        try:
            self._add(count)
        except (ServiceError, ClientError):
            with self._lock:
                self._unsettled += count
