"""Deadline of a request's body: one for the whole body, however many pieces it comes in."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

BODY_SECONDS = 15.0
"""The time that every body has, however short it is."""
BYTES_PER_SECOND = 16 * 1024
"""Bytes that have come earn more time at this rate. A declared length earns none, since anybody can declare."""


class BodyLate(Exception):
    """The body did not come in time."""


class Socket(Protocol):
    """The part of a socket that this module uses."""

    def recv(self, size: int, /) -> bytes:
        """Receive up to `size` bytes."""

    def sendall(self, data: bytes, /) -> None:
        """Send all of `data`."""

    def settimeout(self, seconds: float | None, /) -> None:
        """Set how long `recv` and `send` wait."""


class TimedSocket:
    """A connection that receives one body.

    Args:
        sock: the connection.
        seconds: the time before the first byte must have come.
        afterwards: the connection's time-out for everything else, seconds.
        now: reads a monotonic clock, seconds.
        welcome: bytes to send before it waits for the first piece.
    """

    def __init__(
        self,
        sock: Socket,
        seconds: float,
        afterwards: float,
        now: Callable[[], float] = time.monotonic,
        welcome: bytes = b"",
    ) -> None:
        self._sock = sock
        self._afterwards = afterwards
        self._now = now
        self._welcome = welcome
        self._deadline = now() + seconds

    def recv(self, size: int) -> bytes:
        """Receive the next piece.

        Raises:
            BodyLate: no piece has come by the deadline.
            OSError: the connection broke.
        """
        left = self._deadline - self._now()
        if left <= 0:
            raise BodyLate
        self._sock.settimeout(left)
        try:
            if self._welcome:
                welcome, self._welcome = self._welcome, b""
                self._sock.sendall(welcome)
            piece = self._sock.recv(size)
        except TimeoutError:
            raise BodyLate from None
        finally:
            self._sock.settimeout(self._afterwards)
        self._deadline += len(piece) / BYTES_PER_SECOND
        return piece
