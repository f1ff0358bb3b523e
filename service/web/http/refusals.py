"""Keys that were refused: a line a minute in the log, and a count in the metrics, so that guessing leaves a trace."""

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
    """Those of one process.

    A stranger costs Redis nothing: what was counted is written when somebody with the key asks, at most once a second.

    Args:
        add: adds to the installation's count, in Redis; without it there is none.
        clock: monotonic seconds.
    """

    def __init__(self, add: Callable[[int], None] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._add = add
        self._clock = clock
        self._lock = threading.Lock()
        self._unsettled = 0
        self._next_at = float("-inf")
        self._lines = Seldom(log, logging.WARNING, clock)

    def note(self, address: str) -> None:
        """Take note of a wrong key.

        Args:
            address: where it came from; behind a proxy that is the proxy's.
        """
        with self._lock:
            self._unsettled += 1
        self._lines.note(f"A wrong API key from {address} was refused")

    def settle(self) -> None:
        """Write what was counted, if something was; what Redis does not take is kept for the next time."""
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
