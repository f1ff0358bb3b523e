"""Time limit for clients that do not read their answers."""

from __future__ import annotations

PATIENCE_SECONDS = 15.0
"""How long bytes may wait for a client that takes none."""
BYTES_PER_SECOND = 16 * 1024
"""A client earns time back at this rate, up to the whole patience. A client that reads this fast is never given up."""


class Patience:
    """The patience with one client. Only time in which bytes wait for it counts."""

    __slots__ = ("_left", "_seen_at", "_taken")

    def __init__(self) -> None:
        self._seen_at: float | None = None
        self._taken = 0
        self._left = PATIENCE_SECONDS

    def is_over(self, now: float, written: int, waiting: int) -> bool:
        """Tell whether to give the client up. Ask this a few times while bytes wait.

        Args:
            now: a monotonic clock, seconds.
            written: bytes that were ever written to the client.
            waiting: how many of them it has not taken yet.
        """
        if not waiting:
            self._seen_at = None
            return False
        taken = written - waiting
        if self._seen_at is None:
            self._left = PATIENCE_SECONDS
        else:
            earned = (taken - self._taken) / BYTES_PER_SECOND
            self._left = min(PATIENCE_SECONDS, self._left - (now - self._seen_at) + earned)
        self._seen_at, self._taken = now, taken
        return self._left <= 0
