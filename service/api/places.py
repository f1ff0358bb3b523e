"""Requests that take their time: only so many at once, so that they never take the threads that others need."""

from __future__ import annotations

import threading

from service.errors import ServiceError


class Busy(ServiceError):
    """All places are taken; one will be free soon."""


class Places:
    """The places of one process, for waits, streams and test messages together.

    Args:
        count: half of the process' threads.
    """

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)

    def take(self) -> bool:
        """Takes a place; false if there is none."""
        return self._free.acquire(blocking=False)

    def require(self) -> None:
        """Takes a place. Raises Busy."""
        if not self.take():
            raise Busy("Too many requests wait or stream at the moment; try again soon")

    def release(self) -> None:
        """Gives a place back."""
        self._free.release()
