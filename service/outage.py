"""Log lines about a Redis that is away or refuses: one at once, and one a minute while it lasts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

REPEAT_SECONDS = 60.0
"""One part of a process logs the same trouble no more often than this."""


class Outage:
    """The troubles that one process has logged.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self._open = False

    def tell(self, log: logging.Logger, error: Exception, doing: str, ids: Mapping[str, str] | None = None) -> bool:
        """Log a warning of an error, unless the same logger did so within the last minute.

        Args:
            log: the logger of the part that met the error; parts log the same trouble each for itself.
            error: the error; its text distinguishes one trouble from another.
            doing: what the process does about it.
            ids: the fields of the log line.

        Returns:
            Whether it was logged.
        """
        now, trouble = self._clock(), (log.name, str(error))
        with self._lock:
            if now - self._told.get(trouble, -REPEAT_SECONDS) < REPEAT_SECONDS:
                return False
            self._told = {told: at for told, at in self._told.items() if now - at < REPEAT_SECONDS} | {trouble: now}
            self._open = True
        log.warning("%s: %s", doing, error, extra=dict(ids or {}))
        return True

    def over(self, log: logging.Logger) -> None:
        """Log that Redis answers again, if trouble was logged. Call this after a write that Redis took."""
        with self._lock:
            told, self._open = self._open, False
        if told:
            log.info("Redis answers again")


outage = Outage()
"""The one of this process."""
