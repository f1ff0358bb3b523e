"""Walks a recurrence rule with `dateutil`, on local times and never from its start.

A rule without COUNT is walked from the period that the given time is in. One with COUNT is listed whole, once.
Where a rule chooses days, and times of the day for each of them, `dateutil` walks the days alone: it would make and
pass over all times of a year, half a million and more, to find the next one.

A rule may look through centuries for a time that never comes, in a loop that yields nothing. The interval that
`dateutil` adds in each of its steps counts them here, and ends the search after a bounded number; that is the same for
everyone, whatever machine it is. A test holds this behaviour of the library.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import lru_cache
from itertools import islice, product
from typing import Any

from dateutil.rrule import rrule, weekday

from service.domain.schedules.types.recurrence.rule import (
    DAILY,
    HOURLY,
    MINUTELY,
    MONTHLY,
    SECONDLY,
    WEEKLY,
    YEARLY,
    Rule,
)
from service.errors import ScheduleError

EFFORT = 200_000
"""The most effort of one search; a fraction of a second."""
MORE_EFFORT = 2_000
"""The effort that is worth it for each further time, beside the first."""
COST = {YEARLY: 100, MONTHLY: 50, WEEKLY: 8, DAILY: 2, HOURLY: 2, MINUTELY: 2, SECONDLY: 2}
"""The effort of one step; that of a year looks at each of its days, and so does each of its positions (BYSETPOS)."""
AT_ONCE = {YEARLY: 4, MONTHLY: 12, WEEKLY: 16, DAILY: 32, HOURLY: 64, MINUTELY: 64, SECONDLY: 64}
"""Times that one search finds, for the questions that follow."""
_UNITS = {DAILY: timedelta(days=1), HOURLY: timedelta(hours=1), MINUTELY: timedelta(minutes=1),
          SECONDLY: timedelta(seconds=1)}  # fmt: skip
_SECOND = timedelta(seconds=1)
_TIMES = ("byhour", "byminute", "bysecond")


_SECONDS = (366 * 86400, 31 * 86400, 7 * 86400, 86400, 3600, 60, 1)
"""About the length of each period, from a year to a second."""


def effort_of(rule: Rule, seconds: int) -> int:
    """Estimate the effort to find a rule's next time that is so many seconds away."""
    return (1 + seconds // (_SECONDS[rule.freq] * rule.interval)) * _cost_of(rule)


def _cost_of(rule: Rule) -> int:
    """Return the effort of one step."""
    return COST[rule.freq] * (1 + len(rule.bysetpos) // 4)


class TooFar(Exception):
    """A search went beyond its effort."""


class _Steps(int):
    """An interval that counts the steps that are made with it."""

    left = 0
    cost = 1

    @classmethod
    def of(cls, rule: Rule) -> _Steps:
        """Return the rule's interval."""
        steps = cls(rule.interval)
        steps.left, steps.cost = EFFORT, _cost_of(rule)
        return steps

    def _step(self) -> None:
        self.left -= self.cost
        if self.left < 0:
            raise TooFar

    def __radd__(self, other: int) -> int:
        self._step()
        return int(self) + other

    def __mul__(self, other: int) -> int:
        self._step()
        return int(self) * other


class Walk:
    """The local times of a rule, from a start on.

    Args:
        rule: the rule.
        start: its first possible time (DTSTART), which also says what its parts leave open.
    """

    def __init__(self, rule: Rule, start: datetime) -> None:
        self._rule = rule
        self._start = start
        self._known: tuple[datetime, tuple[datetime, ...]] = (datetime.max, ())

    def next_wall(self, wall: datetime) -> datetime | None:
        """Find the first time after another one.

        Raises:
            ScheduleError: it is too far away.
        """
        since, times = self._known
        if not (since <= wall and times and wall < times[-1]):
            since, times = self._known = self._found_after(wall)
        place = bisect_right(times, wall)
        return times[place] if place < len(times) else None

    def _found_after(self, wall: datetime) -> tuple[datetime, tuple[datetime, ...]]:
        rule, start = self._rule, self._start
        if rule.count is not None:
            return datetime.min, _limited(rule, start)
        steps = _Steps.of(rule)
        later = (one for one in _times(rule, start, _period(rule, start, wall), steps) if one > wall)
        return wall, _listed(later, steps, AT_ONCE[rule.freq])


class DayWalk:
    """The same of a rule that chooses days and times of the day: the days are walked, and each has all the times.

    Args:
        rule: the rule, of days or more at a time, without BYSETPOS and COUNT.
        start: as for `Walk`.
    """

    def __init__(self, rule: Rule, start: datetime) -> None:
        whole = replace(rule, byhour=(0,), byminute=(0,), bysecond=(0,))
        self._days = Walk(whole, start.replace(hour=0, minute=0, second=0))
        self._from, self._until = start, rule.until or datetime.max
        hours, minutes = rule.byhour or (start.hour,), rule.byminute or (start.minute,)
        self._times = [time(*each) for each in product(hours, minutes, rule.bysecond or (start.second,))]

    def next_wall(self, wall: datetime) -> datetime | None:
        """Find the first time after another one; as `Walk.next_wall`."""
        wall = max(wall, self._from - _SECOND)
        midnight = datetime.combine(wall, time())
        day = self._days.next_wall(midnight - _SECOND)
        if day == midnight and wall.time() >= self._times[-1]:
            day = self._days.next_wall(midnight)
        if day is None:
            return None
        later = 0 if day > midnight else bisect_right(self._times, wall.time())
        found = datetime.combine(day, self._times[later])
        return found if found <= self._until else None


@lru_cache(maxsize=4096)
def walk_of(rule: Rule, start: datetime) -> Walk | DayWalk:
    """Return the walk of a rule; it keeps what it found last."""
    by_days = rule.freq < HOURLY and not rule.bysetpos and rule.count is None
    return DayWalk(rule, start) if by_days else Walk(rule, start)


@lru_cache(maxsize=256)
def _limited(rule: Rule, start: datetime) -> tuple[datetime, ...]:
    steps = _Steps.of(rule)
    return _listed(_times(rule, start, start, steps), steps, None)


def _listed(times: Iterator[datetime], steps: _Steps, count: int | None) -> tuple[datetime, ...]:
    """List so many times, or those that little effort finds after the first; without a count, all of them."""
    found: list[datetime] = []
    try:
        for one in islice(times, count):
            found.append(one)
            if count is not None:
                steps.left = min(steps.left, MORE_EFFORT)
    except TooFar:
        if count is None or not found:
            raise ScheduleError("The rule's next time is too far away to be found, or never comes") from None
    except ValueError:  # a combination of parts that yields no time
        pass
    return tuple(found)


def _times(rule: Rule, start: datetime, begin: datetime, steps: _Steps) -> Iterator[datetime]:
    """Yield the times from `begin` on, which is `start` or the beginning of a later period."""
    given: dict[str, Any] = {
        "bymonth": rule.bymonth, "byweekno": rule.byweekno, "byyearday": rule.byyearday,
        "bymonthday": rule.bymonthday, "byhour": rule.byhour, "byminute": rule.byminute, "bysecond": rule.bysecond,
        "bysetpos": rule.bysetpos,
    }  # fmt: skip
    given["byweekday"] = tuple(weekday(day, nth or None) for day, nth in rule.bydays)
    parts = {name: value for name, value in given.items() if value}
    yield from rrule(rule.freq, begin, steps, rule.wkst, rule.count, rule.until, **{**_implied(rule, start), **parts})


def _implied(rule: Rule, start: datetime) -> dict[str, Any]:
    """Return the parts that follow from the start, as RFC 5545 says."""
    found: dict[str, Any] = {}
    if not (rule.byweekno or rule.byyearday or rule.bymonthday or rule.bydays):
        if rule.freq == YEARLY and not rule.bymonth:
            found["bymonth"] = start.month
        if rule.freq in (YEARLY, MONTHLY):
            found["bymonthday"] = start.day
        if rule.freq == WEEKLY:
            found["byweekday"] = start.weekday()
    times = (("byhour", start.hour, HOURLY), ("byminute", start.minute, MINUTELY), ("bysecond", start.second, SECONDLY))
    return found | {name: value for name, value, freq in times if rule.freq < freq}


def spelled_out(rule: Rule, start: datetime | None) -> Rule:
    """Return the rule with the days and the time of day that follow from its start; without one, the time is 0:00."""
    found: dict[str, Any] = {}
    for name, value in _implied(rule, start or datetime.min).items():
        field, item = ("bydays", (value, 0)) if name == "byweekday" else (name, value)
        known = rule.freq <= DAILY if field in _TIMES else start is not None
        if known and not getattr(rule, field):
            found[field] = (item,)
    return replace(rule, **found)


def _period(rule: Rule, start: datetime, wall: datetime) -> datetime:
    """Return the beginning of the rule's last period that begins no later than `wall`; at least its start."""
    if wall <= start:
        return start
    step = rule.interval
    if rule.freq == YEARLY:
        years = (wall.year - start.year) // step * step
        return datetime(start.year + years, 1, 1) if years else start
    if rule.freq == MONTHLY:
        months = ((wall.year - start.year) * 12 + wall.month - start.month) // step * step
        year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
        return datetime(year, month + 1, 1) if months else start
    if rule.freq == WEEKLY:
        return _week(rule, start, wall)
    first = start.replace(second=0) if rule.freq == MINUTELY else start
    first = start.replace(minute=0, second=0) if rule.freq == HOURLY else first
    first = start.replace(hour=0, minute=0, second=0) if rule.freq == DAILY else first
    unit = _UNITS[rule.freq] * step
    periods = (wall - first) // unit
    return first + periods * unit if periods else start


def _week(rule: Rule, start: datetime, wall: datetime) -> datetime:
    midnight = start.replace(hour=0, minute=0, second=0)
    first = midnight - timedelta(days=(start.weekday() - rule.wkst) % 7)
    unit = timedelta(weeks=rule.interval)
    periods = (wall - first) // unit
    return first + periods * unit if periods else start
