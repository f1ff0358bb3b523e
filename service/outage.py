"""Telling that Redis is away or refuses, without filling the log: a line at once, and one a minute while it lasts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

REPEAT_SECONDS = 60.0
"""The same trouble is told no more often than this by one part of a process."""


class Outage:
    """What one process has told of the trouble that it met.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self._open = False

    def tell(self, log: logging.Logger, error: Exception, doing: str, ids: Mapping[str, str] | None = None) -> bool:
        """Warns of an error, unless it was told there within the last minute.

        Args:
            log: where it was met; one part of the process does not speak for another.
            error: what happened; its text tells one trouble from another.
            doing: what the process does about it.
            ids: what the line has beside it.

        Returns:
            Whether it was told.
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
        """Tells that Redis answers again, if something else was told. To be called after a write that Redis took."""
        with self._lock:
            told, self._open = self._open, False
        if told:
            log.info("Redis answers again")


outage = Outage()
"""This process'."""
