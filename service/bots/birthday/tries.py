"""The order of a run's letters, and the times of further tries after a refusal for now. Pure: the time is passed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush

from service.bots.birthday.birthdays import Greeting

PAUSES = (60.0, 300.0, 900.0)
"""Seconds from each refusal to the next try. Greylisting servers accept a letter after a minute or more."""
TRY_SECONDS = 30.0
"""The least time that a run must have left for another try. If a run is interrupted while it sends, nobody knows
whether the letter was sent."""


def pause_after(refusals: int, time_left: float) -> float | None:
    """Return the seconds until the next try; None if this was the last.

    Args:
        refusals: how often the letter was refused, from 1 on.
        time_left: seconds that the run has left.
    """
    pause = PAUSES[refusals - 1] if refusals <= len(PAUSES) else None
    return None if pause is None or pause + TRY_SECONDS > time_left else pause


@dataclass(slots=True)
class Try:
    """One letter to send.

    Args:
        greeting: whom it greets.
        refusals: how often it was refused for now.
        due: when to try it next, in seconds since the run's start.
        reason: the last refusal.
    """

    greeting: Greeting
    refusals: int = 0
    due: float = 0.0
    reason: str = ""


class Tries:
    """The letters of a run, in order.

    Args:
        greetings: the people, the first one first.
    """

    def __init__(self, greetings: Iterable[Greeting]) -> None:
        self._fresh = deque(Try(greeting) for greeting in greetings)
        self._waiting: list[tuple[float, int, Try]] = []
        self._serial = 0
        self._given_up: list[Try] = []

    def first(self, room: int) -> Try | None:
        """Return the letter to try next: an untried one, then the one that is due first.

        Args:
            room: how many letters may still be sent. A waiting letter keeps its place until it is given up, so that no
                later letter is sent in its stead.
        """
        if self._fresh and room > len(self._waiting):
            return self._fresh[0]
        return self._waiting[0][2] if self._waiting and room > 0 else None

    def take(self, one: Try) -> Try:
        """Take out the letter that `first` returned."""
        if one.refusals:
            heappop(self._waiting)
        else:
            self._fresh.popleft()
        return one

    def put_off(self, one: Try, reason: str, elapsed: float, time_left: float) -> float | None:
        """Record that a taken letter was refused for now.

        Args:
            one: the letter.
            reason: the server's reason.
            elapsed: seconds since the run's start.
            time_left: seconds that the run has left.

        Returns:
            Seconds until the next try; None if this was the last.
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
        """Record that a taken letter is not tried again."""
        self._given_up.append(one)

    @property
    def fresh(self) -> int:
        """How many letters were not tried yet."""
        return len(self._fresh)

    @property
    def waiting(self) -> int:
        """How many letters wait for another try."""
        return len(self._waiting)

    @property
    def refused(self) -> list[Try]:
        """The letters that were refused for now and not sent since."""
        return [*self._given_up, *(one for _, _, one in sorted(self._waiting))]
