"""Log lines about events that strangers can cause at will: one line at once, then one a minute that counts the rest."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from weakref import WeakSet

EVERY_SECONDS = 60.0


class Seldom:
    """The lines of one kind, in one process.

    Args:
        log: where they are written.
        level: their level, as `logging` numbers it.
        clock: monotonic seconds.
    """

    def __init__(self, log: logging.Logger, level: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._level = level
        self._clock = clock
        self._lock = threading.Lock()
        self._untold = 0
        self._last = ""
        self._next_at = float("-inf")
        _ALL.add(self)

    def note(self, sentence: str) -> None:
        """Log an event, now or with the others of this minute.

        Args:
            sentence: without a full stop; of a minute's sentences the last is logged.
        """
        with self._lock:
            self._untold += 1
            self._last = sentence
        self.tell()

    def tell(self) -> None:
        """Log the line that is due, if one is."""
        with self._lock:
            now = self._clock()
            if not self._untold or now < self._next_at:
                return
            sentence, more = self._last, self._untold - 1
            self._untold, self._next_at = 0, now + EVERY_SECONDS
        self._log.log(self._level, "%s%s", sentence, f", and {more:,} more in the last minute" if more else "")


_ALL: WeakSet[Seldom] = WeakSet()


def tell_all() -> None:
    """Log each line that is due in this process; call this now and then, so that the last ones are logged too."""
    for lines in list(_ALL):
        lines.tell()
