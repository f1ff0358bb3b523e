"""For how long a client that does not take its answer is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 15.0
"""For how long, all waits of one answer together."""
BYTES_PER_SECOND = 16 * 1024
"""What is taken gives time back at this rate, up to the whole patience: who reads as fast is never given up."""
HURRIED_SECONDS = 3.0
"""For how long a client that takes nothing is waited for while others wait for a thread."""
LOOK_SECONDS = 0.25
"""How often it is looked whether others do: the time-out that the connection must have."""


class AnswerLate(OSError):
    """The client did not take its answer in time."""


class PatientSocket:
    """A connection, written to for one answer. Time in which nothing waits to be sent does not count.

    Args:
        sock: the connection, with a time-out of `LOOK_SECONDS`; all that is not named here goes to it.
        is_needed: whether others wait for this thread.
        now: reads a clock that never goes back, seconds.
    """

    def __init__(self, sock: Any, is_needed: Callable[[], bool], now: Callable[[], float] = time.monotonic) -> None:
        self._sock = sock
        self._is_needed = is_needed
        self._now = now
        self._patience = PATIENCE_SECONDS

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        """Send it all.

        Raises:
            AnswerLate: it was not taken in time.
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
