"""Occurrences of closed days: which land on another day, where, and which stay and are skipped.

A day is closed as a whole, by the job's calendar, in the job's zone. `options.on_closed` says what becomes of its
occurrences: they stay, and are skipped (`skip`), or they move to the next or the previous open day at the same time of
day (`next_open`, `previous_open`), by at most 31 days; beyond that they stay. One that lands on another is one with it.
Days are moved first. An occurrence outside of the open hours of its day, wherever it landed, is closed likewise: no
move of whole days could help it.

Whatever day `home` sends a day's occurrences to, later days' never land earlier. So the occurrences that land on one
day come from a few neighbouring days, and all that follows walks from day to day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Literal, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from service.domain.schedules.wall_clock import instant_of
from service.domain.schedules.workdays import Calendar

LONGEST_MOVE = 31
"""Days by which an occurrence moves at most."""
OnClosed = Literal["skip", "next_open", "previous_open"]
Base = Callable[[int], int | None]
"""Finds the first occurrence of the schedule itself strictly after an instant, epoch seconds."""
TimesOf = Callable[[int], Sequence[time]]
"""Lists the times of day that an occurrence of the schedule stands for, in order."""

_DAY = timedelta(days=1)
_CHANGE = 7200
"""Seconds by which the time of day may be off on a day with a change of the clocks."""


@runtime_checkable
class OpenHours(Protocol):
    """A calendar whose days are open for a part of the day only."""

    def outside_hours(self, local: datetime) -> str | None:
        """Return why a time of an open day is closed; None if it is open."""

    @property
    def opens_at(self) -> int:
        """The minute of the day at which days open."""


@dataclass(frozen=True, slots=True)
class Landing:
    """An occurrence where it landed, epoch seconds. `moved_from`: where the schedule has it, if that is elsewhere."""

    at: int
    moved_from: int | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """A calendar and a job's choice, in the job's zone. `times_of`: None for the time on the clock."""

    calendar: Calendar
    on_closed: OnClosed
    zone: ZoneInfo
    times_of: TimesOf | None = None

    def reason(self, at: int) -> str | None:
        """Return why an occurrence that landed there is closed; None if it runs."""
        local = datetime.fromtimestamp(at, self.zone)
        why = self.calendar.closed(local.date())
        if why is None and isinstance(self.calendar, OpenHours):
            why = self.calendar.outside_hours(local)
        return why

    def next_landing(self, base: Base, after: int) -> Landing | None:
        """Find the first landing strictly after an instant, epoch seconds."""
        if self.on_closed == "skip":
            upcoming = base(after)
            return None if upcoming is None else Landing(upcoming)
        day: date | None = self._day(after)
        while day is not None:
            landings = [self._first(base, source, day, after) for source in self._sources(day)]
            if found := min((one for one in landings if one is not None), key=_order, default=None):
                return found
            day = self._next_day(base, day)
        return None

    def closed_until(self, at: int) -> int:
        """Return the last instant up to which all that lands is closed, given that what landed at `at` is.

        It is in the same day: the end of a closed day, the last moment before a day opens, or the day's end.
        """
        local = datetime.fromtimestamp(at, self.zone)
        day, minutes = local.date(), 0
        if self.calendar.closed(day) is None and isinstance(self.calendar, OpenHours):
            opening = self.calendar.opens_at
            minutes = opening if local.hour * 60 + local.minute < opening else 0
        if minutes:
            return max(at, instant_of(datetime.combine(day, time(minutes // 60, minutes % 60)), self.zone) - 1)
        following = _shifted(day, 1)
        return at if following is None else max(at, self._start(following) - 1)

    def home(self, day: date) -> date:
        """Return the day on which a day's occurrences land: itself if it is open, or nowhere else is within reach."""
        return (
            day if self.on_closed == "skip" else _home(self.calendar, 1 if self.on_closed == "next_open" else -1, day)
        )

    def _sources(self, day: date) -> Iterator[date]:
        """List the days whose occurrences land on a day."""
        if self.home(day) != day:
            return
        yield day
        step = -1 if self.on_closed == "next_open" else 1
        other = _shifted(day, step)
        while other is not None and self.home(other) == day:
            yield other
            other = _shifted(other, step)

    def _next_day(self, base: Base, day: date) -> date | None:
        """Find the first later day on which something lands."""
        source: date | None = day
        if self.on_closed == "next_open" and self.home(day) > day:
            while (other := _shifted(source, -1)) is not None and self.home(other) > day:
                source = other
        else:
            while source is not None and self.home(source) <= day:
                source = _shifted(source, 1)
        upcoming = None if source is None else base(self._start(source) - 1)
        if upcoming is None:
            return None
        return max(self.home(self._day(upcoming)), _shifted(day, 1) or date.max)

    def _first(self, base: Base, source: date, day: date, after: int) -> Landing | None:
        """Find the first occurrence of one day that lands on another strictly after an instant."""
        if source == day:
            upcoming = base(max(after, self._start(day) - 1))
            return None if upcoming is None or self._day(upcoming) != day else Landing(upcoming)
        landings = self._moves(base, source, day, self._begin(source, day, after))
        first = next((one for one in landings if one.at > after), None)
        if first is None or not self._changes(source):
            return first
        # The clock shows some times twice: a later occurrence may have an earlier time of day.
        latest = (first.moved_from or 0) + _CHANGE
        near = takewhile(lambda one: (one.moved_from or 0) <= latest, landings)
        return min([first, *(one for one in near if one.at > after)], key=_order)

    def _moves(self, base: Base, source: date, day: date, begin: int) -> Iterator[Landing]:
        """Yield the landings on `day` of the occurrences of `source` after `begin`."""
        upcoming = base(begin)
        while upcoming is not None and self._day(upcoming) == source:
            for at in self._moved(upcoming, day):
                yield Landing(at, upcoming)
            upcoming = base(upcoming)

    def _begin(self, source: date, day: date, after: int) -> int:
        """Return an instant shortly before the first occurrence of `source` that lands on `day` after `after`."""
        start = self._start(source) - 1
        local = datetime.fromtimestamp(after, self.zone)
        if local.date() < day:
            return start
        return max(
            start, instant_of(datetime.combine(source, local.time()), self.zone) - 1 - _CHANGE * self._changes(source)
        )

    def _changes(self, day: date) -> bool:
        start = datetime.fromtimestamp(self._start(day), self.zone)
        return start.utcoffset() != (start + _DAY).utcoffset()

    def _moved(self, occurrence: int, day: date) -> list[int]:
        if self.times_of is None:
            times: Sequence[time] = [datetime.fromtimestamp(occurrence, self.zone).time().replace(fold=0)]
        else:
            times = self.times_of(occurrence)
        return [instant_of(datetime.combine(day, one), self.zone) for one in times]

    def _day(self, instant: int) -> date:
        return datetime.fromtimestamp(instant, self.zone).date()

    def _start(self, day: date) -> int:
        return instant_of(datetime(day.year, day.month, day.day), self.zone)


@lru_cache(maxsize=16384)
def _home(calendar: Calendar, step: int, day: date) -> date:
    """Find the nearest open day in a direction; a day without one within reach stays where it is."""
    if calendar.closed(day) is None:
        return day
    for days in range(1, LONGEST_MOVE + 1):
        other = _shifted(day, step * days)
        if other is not None and calendar.closed(other) is None:
            return other
    return day


def _order(landing: Landing) -> tuple[int, bool]:
    """Order by the instant; of two that are one, the one that did not move counts."""
    return landing.at, landing.moved_from is not None


def _shifted(day: date | None, days: int) -> date | None:
    """Return a day before or after another one; None beyond the calendar's years."""
    try:
        return None if day is None else day + timedelta(days=days)
    except OverflowError:
        return None
