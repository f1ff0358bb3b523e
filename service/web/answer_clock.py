"""Time limit for clients that do not read their answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 15.0
"""How long all waits of one answer may take together."""
BYTES_PER_SECOND = 16 * 1024
"""A client earns time back at this rate, up to the whole patience. A client that reads this fast is never given up."""
HURRIED_SECONDS = 3.0
"""How long the server waits for a client that takes nothing while others need its thread."""
LOOK_SECONDS = 0.25
"""How often it checks whether others need the thread; the connection must have this time-out."""


class AnswerLate(OSError):
    """The client did not read its answer in time."""


class PatientSocket:
    """A connection that sends one answer. Only time in which bytes wait to be sent counts.

    Args:
        sock: the connection, with a time-out of `LOOK_SECONDS`. Calls that this class does not define go to it.
        is_needed: tells whether others wait for this thread.
        now: reads a monotonic clock, seconds.
    """

    def __init__(self, sock: Any, is_needed: Callable[[], bool], now: Callable[[], float] = time.monotonic) -> None:
        self._sock = sock
        self._is_needed = is_needed
        self._now = now
        self._patience = PATIENCE_SECONDS

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        """Send all bytes.

        Raises:
            AnswerLate: the client did not take them in time.
            OSError: the connection broke.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[self._send(rest) :]

    def _send(self, piece: memoryview) -> int:
        since = now = self._now()
        while True:
            try:
                sent = int(self._sock.send(piece))
            except TimeoutError:
                sent = 0
            before, now = now, self._now()
            self._patience -= now - before
            if sent:
                self._patience = min(PATIENCE_SECONDS, self._patience + sent / BYTES_PER_SECOND)
                return sent
            if self._patience <= 0 or (now - since >= HURRIED_SECONDS and self._is_needed()):
                raise AnswerLate
