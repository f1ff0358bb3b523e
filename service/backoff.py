"""Pauses between tries that grow from try to try: the one place where a pause is doubled.

Used by every loop that tries again: until Redis answers, until a process stays up, until an alert is taken, until a run
has ended. The delay before a failed run is tried again is a rule of the domain instead (`service.domain.retries`).
"""

from __future__ import annotations


class Backoff:
    """Growing pauses, up to a longest one.

    The caller does the waiting, since only the caller knows what may end it early: `stop.wait(backoff.next())`.

    Args:
        first: seconds of the first pause, ≥ 0.
        longest: seconds that no pause exceeds.
        factor: how many times longer each pause is than the one before, ≥ 1.
    """

    def __init__(self, first: float, longest: float, factor: float = 2.0) -> None:
        self._first = first
        self._longest = longest
        self._factor = factor
        self._pause = first

    def next(self) -> float:
        """Return the seconds to wait now, and lengthen the pause after it."""
        pause = min(self._pause, self._longest)
        self._pause = min(pause * self._factor, self._longest)
        return pause

    def reset(self) -> None:
        """Begin with the first pause again, after a try that succeeded."""
        self._pause = self._first
