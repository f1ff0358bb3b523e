"""One at a time, in all processes: turns at what several runs must not do at once, such as asking one host."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from service.bots.protocol import Memory
from service.errors import ServiceError

LOOK_AGAIN = 0.25
"""Seconds after which a waiting run looks again whether it was asked to stop, or its turn has come."""


class Stopped(Exception):
    """The run was asked to stop."""


class Turns:
    """The turns of one run.

    Args:
        memory: what the runs share; without it, turns are this object's alone.
        cancelled: asked while waiting.
        seconds: for how long a turn is kept if its run dies in it; longer than it ever takes.
    """

    def __init__(self, memory: Memory | None, cancelled: Callable[[], bool], seconds: float) -> None:
        self._memory = memory
        self._cancelled = cancelled
        self._seconds = seconds
        self._ended: dict[str, float] = {}

    def take(self, key: str, gap: float = 0.0) -> None:
        """Waits until it is this run's turn; what it has already, it renews.

        Args:
            key: at what.
            gap: seconds that must have passed since the last turn at it ended.

        Raises:
            Stopped: the run was asked to stop.
        """
        while (left := self._left(key, gap)) > 0:
            if self._cancelled():
                raise Stopped
            time.sleep(min(left, LOOK_AGAIN))

    def end(self, key: str) -> None:
        """Lets the next one have its turn."""
        self._ended[key] = time.monotonic()
        if self._memory is not None:
            with suppress(ServiceError):  # it lapses by itself
                self._memory.end_turn(key)

    def _left(self, key: str, gap: float) -> float:
        if self._memory is not None:
            return self._memory.take_turn(key, self._seconds, gap)
        ended = self._ended.get(key)
        return 0.0 if ended is None else ended + gap - time.monotonic()
