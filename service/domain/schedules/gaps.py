"""Shortest gaps between a schedule's occurrences, which bound its jitter."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from service.domain.schedules.cron import CronFields
from service.domain.schedules.definition import Cron, Daily, Interval, Schedule, Union, Weekly
from service.domain.schedules.occurrences import cron_expression, next_after
from service.domain.schedules.types.crontab import fields_of
from service.domain.schedules.zones import zone

_DAY = 86400
_FROM = datetime(2024, 1, 1, tzinfo=UTC)
_UNTIL = datetime(2052, 1, 1, tzinfo=UTC)
"""28 years: in them every date falls on every weekday, and a zone's yearly rule on every date that it can."""
LOOKED_AT = 1_000
"""The most occurrences that are looked at, of a schedule whose gaps do not follow from its fields."""


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
    shortest = _plain_gap(schedule)
    for timezone in _zones(schedule):
        for change in _changes(timezone):
            shortest = _gap_around(schedule, change, shortest)
    return shortest


def _plain_gap(schedule: Schedule) -> int:
    if isinstance(schedule, Cron) or (isinstance(schedule, Daily | Weekly) and schedule.every == 1):
        return _wall_gap(fields_of(cron_expression(schedule)))
    start = int(_FROM.timestamp())
    found: list[int] = []
    upcoming = next_after(schedule, start, start)
    while upcoming is not None and upcoming < _UNTIL.timestamp() and len(found) < LOOKED_AT:
        found.append(upcoming)
        upcoming = next_after(schedule, upcoming, start)
    longest = round((_UNTIL - _FROM).total_seconds())
    return min((later - earlier for earlier, later in itertools.pairwise(found)), default=longest)


def _gap_around(schedule: Schedule, change: int, shortest: int) -> int:
    """Return the shortest gap that crosses a change of the clocks, or `shortest`, if that is less."""
    start = int(_FROM.timestamp())
    reach = min(shortest, 2 * _DAY)
    previous = next_after(schedule, change - reach - 1, start)
    while previous is not None and previous <= change + reach:
        following = next_after(schedule, previous, start)
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
