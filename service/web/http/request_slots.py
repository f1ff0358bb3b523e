"""Slots for requests that take long: a limit, so that they never take the threads that other requests need."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar, cast

import falcon

from service.errors import ServiceError

Source = TypeVar("Source")


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
        """Take a slot. Returns False if none is free."""
        return self._free.acquire(blocking=False)

    def require(self) -> None:
        """Take a slot.

        Raises:
            Busy: none is free.
        """
        if not self.take():
            raise Busy("Too many requests are waiting or streaming; try again soon")

    def release(self) -> None:
        """Give a slot back."""
        self._free.release()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a slot while the body runs.

        Raises:
            Busy: none is free.
        """
        self.require()
        try:
            yield
        finally:
            self.release()

    @contextmanager
    def held_while_sent(self, resp: falcon.Response) -> Iterator[None]:
        """Hold a slot until the answer that the body prepares has been sent, whether whole or as a stream.

        Raises:
            Busy: none is free.
        """
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


class HeldSlot:
    """A slot that was taken before, and is given back once.

    Args:
        slots: where the slot was taken.
    """

    def __init__(self, slots: RequestSlots) -> None:
        self._slots: RequestSlots | None = slots

    def close(self) -> None:
        """Give the slot back. The server calls this when an answer is over, for whatever reason."""
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()


class HeldStream(HeldSlot, Iterator[bytes]):
    """A streamed answer that gives its slot back when the server closes it, whether or not it was read to its end.

    Args:
        pieces: the answer.
        slots: where its slot was taken.
    """

    def __init__(self, pieces: Iterator[bytes], slots: RequestSlots) -> None:
        super().__init__(slots)
        self._pieces = pieces

    def __next__(self) -> bytes:
        return next(self._pieces)


class SlowResource(Generic[Source]):
    """Base of resources whose answers take long. A subclass declares its own `access`.

    Args:
        source: the use cases that answer.
        slots: where each request takes one; with none free, it is answered 503.
    """

    def __init__(self, source: Source, slots: RequestSlots) -> None:
        self._source = source
        self._slots = slots


class DownloadResource(SlowResource[Source]):
    """Base of resources that answer with a file of any length.

    A subclass declares its own `access`, prepares the file in `on_head`, and calls `send` in `on_get`.
    """

    def on_head(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Prepare the file. A HEAD request takes no slot, since nothing is sent."""
        raise NotImplementedError

    def send(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send the file, holding a slot meanwhile.

        Raises:
            Busy: no slot is free.
        """
        with self._slots.held_while_sent(resp):
            self.on_head(req, resp)
