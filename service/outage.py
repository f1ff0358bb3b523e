"""Telling that Redis is away or refuses, without filling the log: a line at once, and one a minute while it lasts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

REPEAT_SECONDS = 60.0
"""The same trouble is told no more often than this by one process."""


class Outage:
    """What one process has told of the trouble that it met.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, float] = {}
        self._lock = threading.Lock()
        self._open = False

    def tell(self, log: logging.Logger, error: Exception, doing: str, ids: Mapping[str, str] | None = None) -> bool:
        """Warns of an error, unless it was told within the last minute.

        Args:
            log: where it was met.
            error: what happened; its text tells one trouble from another.
            doing: what the process does about it.
            ids: what the line has beside it.

        Returns:
            Whether it was told.
        """
        now, trouble = self._clock(), str(error)
        with self._lock:
            if now - self._told.get(trouble, -REPEAT_SECONDS) < REPEAT_SECONDS:
                return False
            self._told = {text: at for text, at in self._told.items() if now - at < REPEAT_SECONDS} | {trouble: now}
            self._open = True
        log.warning("%s: %s", doing, trouble, extra=dict(ids or {}))
        return True

    def over(self, log: logging.Logger) -> None:
        """Tells that Redis takes writes again, if something else was told."""
        with self._lock:
            told, self._open = self._open, False
        if told:
            log.info("Redis answers again")


outage = Outage()
"""This process'."""
