"""Shortest gaps between a schedule's occurrences, which bound its jitter."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from service.domain.schedules.cron import CronFields
from service.domain.schedules.definition import Cron, Daily, Interval, Recurrence, Schedule, Union, Weekly, singles_in
from service.domain.schedules.occurrences import cron_expression, next_after
from service.domain.schedules.types.crontab import fields_of
from service.domain.schedules.types.recurrence.walk import effort_of
from service.domain.schedules.zones import zone
from service.errors import ScheduleError

_DAY = 86400
_LOOK = 8
"""The effort to look for one occurrence of a schedule, in the steps by which rules count theirs."""
_FROM = datetime(2024, 1, 1, tzinfo=UTC)
_UNTIL = datetime(2052, 1, 1, tzinfo=UTC)
"""28 years: in them every date falls on every weekday, and a zone's yearly rule on every date that it can."""
LOOKED_AT = 1_000
"""The most occurrences that are looked at, of a schedule whose gaps do not follow from its fields."""
LEAST_LOOKED_AT = 4
"""Those that are looked at whatever the effort."""
EFFORT = 400_000
"""The most effort of one search for gaps, which ends with the shortest one so far; a fraction of a second."""


def shortest_gap(schedule: Schedule) -> int:
    """Find the shortest time between two successive occurrences.

    For an interval it is the interval; for a union with an interval and anything else, a second. Else it is the least
    of the distances on a wall clock that never changes, or between the first thousand occurrences from 2024 on, and of
    those across each change of the zone's clocks from 2024 to 2051 (a skipped time, made up for after the gap, comes
    close to the next one: `59 1,2 * * *` in New York runs at 01:59 and, one minute later, at 03:00).

    Returns:
        Seconds, at least 1.

    Raises:
        ValidationFailed: the schedule is not valid (any more).
    """
    if isinstance(schedule, Interval):
        return schedule.seconds
    if isinstance(schedule, Union) and any(isinstance(member.schedule, Interval) for member in schedule.members):
        return schedule.members[0].schedule.seconds if len(schedule.members) == 1 else 1  # type: ignore[attr-defined]
    search = _Search(schedule)
    shortest = _plain_gap(schedule, search)
    for timezone in sorted(_zones(schedule)):
        for change in _changes(timezone):
            shortest = _gap_around(search, change, shortest)
    return shortest


class _Search:
    """Walks the occurrences of a schedule from 2024 on, until it has made its effort."""

    def __init__(self, schedule: Schedule) -> None:
        self.start = int(_FROM.timestamp())
        self._schedule = schedule
        self._left = EFFORT
        self._made = 0

    def after(self, instant: int) -> int | None:
        """Find the first occurrence after an instant; None after the last, or if the effort is made."""
        if self._left < 0 and self._made >= LEAST_LOOKED_AT:
            return None
        try:
            found = next_after(self._schedule, instant, self.start)
        except ScheduleError:  # in this part of the years; it is not asked for here whether it ever comes
            self._left, self._made = -1, LEAST_LOOKED_AT
            return None
        self._made += 1
        self._left -= self._effort(instant, found)
        return found

    def _effort(self, instant: int, found: int | None) -> int:
        looks = self._schedule.looks(instant, self.start) if isinstance(self._schedule, Union) else 1
        rules = [one for one in singles_in(self._schedule) if isinstance(one, Recurrence)]
        seconds = [0 if found is None else max(0, found - max(instant, _begin(one))) for one in rules]
        return looks * _LOOK + sum(effort_of(one.rule, its) for one, its in zip(rules, seconds, strict=True))


def _begin(schedule: Recurrence) -> int:
    """Return an instant from which a rule is walked at the latest: its start, wherever in the world that is."""
    return 0 if schedule.dtstart is None else int(schedule.dtstart.replace(tzinfo=UTC).timestamp()) + _DAY


def _plain_gap(schedule: Schedule, search: _Search) -> int:
    if isinstance(schedule, Cron) or (isinstance(schedule, Daily | Weekly) and schedule.every == 1):
        return _wall_gap(fields_of(cron_expression(schedule)))
    found: list[int] = []
    upcoming = search.after(search.start)
    while upcoming is not None and upcoming < _UNTIL.timestamp() and len(found) < LOOKED_AT:
        found.append(upcoming)
        upcoming = search.after(upcoming)
    longest = round((_UNTIL - _FROM).total_seconds())
    return min((later - earlier for earlier, later in itertools.pairwise(found)), default=longest)


def _gap_around(search: _Search, change: int, shortest: int) -> int:
    """Return the shortest gap that crosses a change of the clocks, or `shortest`, if that is less."""
    reach = min(shortest, 2 * _DAY)
    previous = search.after(change - reach - 1)
    while previous is not None and previous <= change + reach:
        following = search.after(previous)
        if following is None:
            break
        shortest = min(shortest, following - previous)
        previous = following
    return shortest


def _zones(schedule: Schedule) -> set[str]:
    if isinstance(schedule, Union):
        return {member.schedule.timezone for member in schedule.members}
    return {schedule.timezone}


@lru_cache(maxsize=1024)
def _wall_gap(fields: CronFields) -> int:
    """Return the least seconds between neighbours on a wall clock that never changes."""
    times = [hour * 3600 + minute * 60 for hour in sorted(fields.hours) for minute in sorted(fields.minutes)]
    within_day = [later - earlier for earlier, later in itertools.pairwise(times)]
    overnight = _days_apart(fields) * _DAY - (times[-1] - times[0])
    return min([*within_day, overnight])


def _days_apart(fields: CronFields) -> int:
    """Return the least days between two successive matching days; 28 years if fewer than two match."""
    shortest, previous = (_UNTIL - _FROM).days, None
    for number in range(_FROM.toordinal(), _UNTIL.toordinal()):
        if _matches(fields, date.fromordinal(number)):
            if previous is not None:
                shortest = min(shortest, number - previous)
                if shortest == 1:
                    break
            previous = number
    return shortest


def _matches(fields: CronFields, day: date) -> bool:
    by_date, by_weekday = day.day in fields.days, day.isoweekday() % 7 in fields.weekdays
    return day.month in fields.months and ((by_date and by_weekday) if fields.both_days else (by_date or by_weekday))


@lru_cache(maxsize=1024)
def _changes(timezone: str) -> tuple[int, ...]:
    """Find the changes of a zone's offset from 2024 to 2051: about the first instant of each, epoch seconds."""
    rules, step, found = zone(timezone), timedelta(days=7), []
    moment = _FROM
    while moment < _UNTIL:
        low, high = moment, moment + step
        new = high.astimezone(rules).utcoffset()
        if low.astimezone(rules).utcoffset() != new:
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (low, middle) if middle.astimezone(rules).utcoffset() == new else (middle, high)
            found.append(round(high.timestamp()))
        moment += step
    return tuple(found)
