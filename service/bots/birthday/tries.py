"""Which letter is sent next, and when one that was refused for now is tried again. Pure: the time is passed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush

from service.bots.birthday.birthdays import Greeting

PAUSES = (60.0, 300.0, 900.0)
"""Seconds from each refusal to the next try: greylisting servers take after a minute, or some, what they refused."""
TRY_SECONDS = 30.0
"""Nothing is tried again with less of the run's time left: a run that is interrupted while it sends leaves it unknown
whether it has."""


def pause_after(refusals: int, time_left: float) -> float | None:
    """Seconds until the next try; None if there is none.

    Args:
        refusals: how often it was refused, from 1 on.
        time_left: seconds of the run.
    """
    pause = PAUSES[refusals - 1] if refusals <= len(PAUSES) else None
    return None if pause is None or pause + TRY_SECONDS > time_left else pause


@dataclass(slots=True)
class Try:
    """A letter that is to be sent.

    Args:
        refusals: how often it was refused for now.
        due: when it is to be tried, seconds since the run's start.
        reason: why it was refused last.
    """

    greeting: Greeting
    refusals: int = 0
    due: float = 0.0
    reason: str = ""


class Tries:
    """The letters that a run has to send, in order.

    Args:
        greetings: those, the first one first.
    """

    def __init__(self, greetings: Iterable[Greeting]) -> None:
        self._fresh = deque(Try(greeting) for greeting in greetings)
        self._waiting: list[tuple[float, int, Try]] = []
        self._serial = 0
        self._given_up: list[Try] = []

    def first(self, room: int) -> Try | None:
        """What is to be tried next: what was not tried yet, and then what waits, whichever is due first.

        Args:
            room: how many may still be sent. What waits keeps its place until it is given up, so that what comes
                later in order is not sent in its stead.
        """
        if self._fresh and room > len(self._waiting):
            return self._fresh[0]
        return self._waiting[0][2] if self._waiting and room > 0 else None

    def take(self, one: Try) -> Try:
        """Takes out what `first` answered."""
        if one.refusals:
            heappop(self._waiting)
        else:
            self._fresh.popleft()
        return one

    def put_off(self, one: Try, reason: str, elapsed: float, time_left: float) -> float | None:
        """Notes that what was taken was refused for now. Returns the pause until it is tried again, or None.

        Args:
            elapsed, time_left: seconds since the run's start, and until its end.
        """
        one.refusals, one.reason = one.refusals + 1, reason
        pause = pause_after(one.refusals, time_left)
        if pause is None:
            self._given_up.append(one)
        else:
            one.due, self._serial = elapsed + pause, self._serial + 1
            heappush(self._waiting, (one.due, self._serial, one))
        return pause

    def give_up(self, one: Try) -> None:
        """Notes that what was taken is not tried again."""
        self._given_up.append(one)

    @property
    def fresh(self) -> int:
        """How many were not tried."""
        return len(self._fresh)

    @property
    def waiting(self) -> int:
        """How many are to be tried again."""
        return len(self._waiting)

    @property
    def refused(self) -> list[Try]:
        """What was refused for now and not sent since."""
        return [*self._given_up, *(one for _, _, one in sorted(self._waiting))]
