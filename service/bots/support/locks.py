"""Locks shared by all runs, of all processes, such as those that keep runs from asking one host at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from bot_scheduler import Memory, ServiceError

LOOK_AGAIN = 0.25
"""Seconds between two looks of a waiting run at whether it was asked to stop, or the lock is free."""


class Stopped(Exception):
    """The run was asked to stop."""


class Locks:
    """The locks of one run.

    Args:
        memory: holds the locks of all runs. Without it, the locks are this object's alone.
        cancelled: whether the run was asked to stop; called while waiting.
        seconds: how long a lock stays taken if its run dies; longer than any use of it.
    """

    def __init__(self, memory: Memory | None, cancelled: Callable[[], bool], seconds: float) -> None:
        self._memory = memory
        self._cancelled = cancelled
        self._seconds = seconds
        self._released: dict[str, float] = {}

    def acquire(self, key: str, gap: float = 0.0) -> None:
        """Wait for the lock and take it, or renew it if this run has it.

        Args:
            key: the lock's name.
            gap: seconds that must have passed since the lock was last released.

        Raises:
            Stopped: the run was asked to stop.
        """
        while (left := self._left(key, gap)) > 0:
            if self._cancelled():
                raise Stopped
            time.sleep(min(left, LOOK_AGAIN))

    def release(self, key: str) -> None:
        """Let the next run have the lock."""
        self._released[key] = time.monotonic()
        if self._memory is not None:
            with suppress(ServiceError):  # the lock expires by itself
                self._memory.end_turn(key)

    def _left(self, key: str, gap: float) -> float:
        """Try to take the lock. Return the seconds until it is free at the latest; 0 if it is taken now."""
        if self._memory is not None:
            return self._memory.take_turn(key, self._seconds, gap)
        released = self._released.get(key)
        return 0.0 if released is None else released + gap - time.monotonic()
