"""How long a request's body may take to come: one deadline for all of it, however it is cut into pieces."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

BODY_SECONDS = 15.0
"""What every body has, however short."""
BYTES_PER_SECOND = 16 * 1024
"""What has come earns more time at this rate. What is only declared earns none: anybody can declare."""


class BodyLate(Exception):
    """The body did not come in time."""


class Socket(Protocol):
    """What is used of a socket."""

    def recv(self, size: int, /) -> bytes:
        """Up to `size` bytes."""

    def sendall(self, data: bytes, /) -> None:
        """All of `data`."""

    def settimeout(self, seconds: float | None, /) -> None:
        """For how long `recv` and `send` wait."""


class TimedSocket:
    """A connection, read from for one body.

    Args:
        sock: the connection.
        seconds: what the body has before any of it has come.
        afterwards: the connection's time-out for all else, seconds.
        welcome: what is sent before the first piece is waited for.
        now: reads a clock that never goes back, seconds.
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
        """The next piece.

        Raises:
            BodyLate: it has not come by the deadline.
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
