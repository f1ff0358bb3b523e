"""Shortest gaps between a schedule's occurrences, which bound its jitter."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from service.domain.options import Options
from service.domain.schedules.cron import CronFields
from service.domain.schedules.cron_steps import refuse_idle_steps
from service.domain.schedules.definition import Cron, Interval, Schedule
from service.domain.schedules.occurrences import cron_fields, next_after
from service.domain.schedules.zones import zone
from service.errors import ValidationFailed

_DAY = 86400
_FROM = datetime(2024, 1, 1, tzinfo=UTC)
_UNTIL = datetime(2052, 1, 1, tzinfo=UTC)
"""28 years: in them every date falls on every weekday, and a zone's yearly rule on every date that it can."""


def shortest_gap(schedule: Schedule) -> int:
    """Find the shortest time between two successive occurrences.

    For an interval it is the interval. Else it is the least of the distances on a wall clock that never changes, and
    of those across each change of the zone's clocks from 2024 to 2051 (a skipped time, made up for after the gap,
    comes close to the next one: `59 1,2 * * *` in New York runs at 01:59 and, one minute later, at 03:00).

    Returns:
        Seconds, at least 1.

    Raises:
        ValidationFailed: the schedule is not valid (any more).
    """
    if isinstance(schedule, Interval):
        return schedule.seconds
    shortest = _wall_gap(cron_fields(schedule))
    for change in _changes(schedule.timezone):
        previous = next_after(schedule, change - shortest - 1, 0)
        while previous is not None and previous <= change + shortest:
            following = next_after(schedule, previous, 0)
            if following is None:
                break
            shortest = min(shortest, following - previous)
            previous = following
    return shortest


def validate_schedule(schedule: Schedule, options: Options, now: int, stored: str | None = None) -> None:
    """Check a schedule by its occurrences, and by the rules that bind new schedules alone.

    Args:
        schedule: the job's.
        options: of the same job.
        now: epoch seconds.
        stored: the cron expression that the job has already; its steps are accepted.

    Raises:
        ValidationFailed: the schedule has a step that never comes round, never fires again, or the jitter could make
            two occurrences change places.
    """
    if isinstance(schedule, Cron) and schedule.expression != stored:
        refuse_idle_steps(schedule.expression, "schedule_config.cron_expression")
    if next_after(schedule, now, now) is None:
        raise ValidationFailed.of("schedule_config", "must be able to fire, but has no occurrence up to the year 9999")
    if options.jitter_seconds and options.jitter_seconds >= (gap := shortest_gap(schedule)):
        raise ValidationFailed.of(
            "options.jitter_seconds",
            f"must be less than {gap}, the shortest time in seconds between two occurrences of this schedule, "
            f"not {options.jitter_seconds}",
        )


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
