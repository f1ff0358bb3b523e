"""Requests that take their time: only so many at once, so that they never take the threads that others need."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import falcon

from service.errors import ServiceError


class Busy(ServiceError):
    """All slots are taken; one will be free soon."""


class RequestSlots:
    """The slots of one process, for waits, streams, test messages, imports, exports and documents together.

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

    @contextmanager
    def held_while_sent(self, resp: falcon.Response) -> Iterator[None]:
        """A place until the answer that is put together in this is sent, be it whole or a stream. Raises Busy."""
        self.require()
        try:
            yield
        except BaseException:
            self.release()
            raise
        if resp.stream is None:
            self.release()
        else:
            resp.stream = HeldStream(cast(Iterator[bytes], resp.stream), self)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A place for as long as this lasts. Raises Busy."""
        self.require()
        try:
            yield
        finally:
            self.release()


class HeldStream(Iterator[bytes]):
    """A streamed answer that gives its place back when the server closes it, be it read to its end or not.

    Args:
        slots: where its slot was taken.
    """

    def __init__(self, pieces: Iterator[bytes], slots: RequestSlots) -> None:
        self._pieces = pieces
        self._slots: RequestSlots | None = slots

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """Called by the server when the answer is over, however it came about."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()
