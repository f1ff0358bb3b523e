"""Occurrences: the instants at which a schedule is due.

Daily and weekly schedules are cron expressions in other words, so that one engine serves all three. `cronsim` walks
the calendar on the wall clock alone; this module decides what a wall-clock time means in a zone, by Debian cron's
rules:

- *Fixed times* (neither minute nor hour starts with `*`): a time that does not exist, because the clocks skipped it,
  happens once, at the first instant after the gap; a time that comes twice happens the first time only.
- *Wildcards* (minute or hour starts with `*`) follow real time: each instant at which the wall clock shows a matching
  time, both times where it comes twice, and not at all where it does not exist.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim

from service.domain.options import Options
from service.domain.schedules.cron import CronFields, parse_cron
from service.domain.schedules.definition import Cron, Daily, Interval, Schedule, Weekly
from service.domain.schedules.zones import zone
from service.domain.timestamps import LAST_INSTANT

_EPOCH = datetime(1970, 1, 1)
_SECOND = timedelta(seconds=1)


def next_after(schedule: Schedule, after: int, anchor: int) -> int | None:
    """Find the first occurrence strictly after an instant, whatever the job's options say.

    Args:
        schedule: the job's.
        after: epoch seconds.
        anchor: epoch seconds from which an interval counts: anchor + n × interval, n ≥ 1. The others ignore it.

    Returns:
        Epoch seconds; None if there is none up to the end of the year 9999.
    """
    if after >= LAST_INSTANT:
        return None
    if isinstance(schedule, Interval):
        found: int | None = anchor + max(1, (after - anchor) // schedule.seconds + 1) * schedule.seconds
    else:
        found = _on_wall_clock(cron_expression(schedule), schedule.timezone, after)
    return found if found is not None and found <= LAST_INSTANT else None


def next_occurrence(schedule: Schedule, options: Options, after: int, anchor: int) -> int | None:
    """Find the first occurrence strictly after an instant and within `starts_at` ≤ occurrence < `ends_at`.

    An interval that was anchored before its `starts_at` counts from there, and is due there first.

    Args:
        schedule: the job's.
        options: of the same job.
        after: epoch seconds.
        anchor: epoch seconds, as for `next_after`.

    Returns:
        Epoch seconds; None if there is none any more.
    """
    starts, ends = options.starts_at_s, options.ends_at_s
    if starts is not None and isinstance(schedule, Interval) and starts >= anchor:
        found = starts if after < starts else next_after(schedule, after, starts)
    else:
        found = next_after(schedule, after if starts is None else max(after, starts - 1), anchor)
    return found if found is not None and (ends is None or found < ends) else None


def cron_expression(schedule: Daily | Weekly | Cron) -> str:
    """Write the schedule as a cron expression."""
    match schedule:
        case Daily(hour=hour, minute=minute):
            return f"{minute} {hour} * * *"
        case Weekly(hour=hour, minute=minute, days=days):
            return f"{minute} {hour} * * {','.join(str((day + 1) % 7) for day in sorted(days))}"
        case Cron(expression=expression):
            return expression


def cron_fields(schedule: Daily | Weekly | Cron) -> CronFields:
    """Return the schedule as the sets of its fields.

    Raises:
        ValidationFailed: its expression is not valid (any more).
    """
    return parse_cron(cron_expression(schedule), "schedule_config.cron_expression")


@lru_cache(maxsize=16384)
def _on_wall_clock(expression: str, timezone: str, after: int) -> int | None:
    """Find the next occurrence, and keep it: many jobs share an expression, and ask at the same instant."""
    return _clockwork(expression, timezone).next_after(after)


@lru_cache(maxsize=4096)
def _clockwork(expression: str, timezone: str) -> _Clockwork:
    fields = parse_cron(expression, "schedule_config.cron_expression")
    return _Clockwork(CronSim(fields.expression, _EPOCH), fields.wildcard, zone(timezone))


@dataclass(frozen=True, slots=True)
class _Clockwork:
    """A cron expression on one zone's wall clock."""

    calendar: CronSim
    wildcard: bool
    zone: ZoneInfo

    def next_after(self, after: int) -> int | None:
        """Find the first occurrence strictly after `after`, epoch seconds."""
        try:
            here = datetime.fromtimestamp(after, self.zone)
        except (OverflowError, ValueError):  # the wall clock shows the year 10000
            return None
        wall = here.replace(tzinfo=None, fold=0)
        if not self.wildcard:
            return self._fixed(wall, after)
        found = self._real(wall, after)
        if here.fold == 0 and self._early(wall) < self._late(wall):
            # The first pass through times that come twice: those up to `wall` come again once the clocks go back.
            back = self._transition(wall)
            if found is None or found >= back:
                again = datetime.fromtimestamp(back, self.zone).replace(tzinfo=None, fold=0)
                return self._real(again - _SECOND, back - 1)
        return found

    def _fixed(self, wall: datetime, after: int) -> int | None:
        while (found := self._next_wall(wall)) is not None:
            wall, early = found, self._early(found)
            instant = self._transition(found) if early > self._late(found) else early
            if instant > after:
                return instant
        return None

    def _real(self, wall: datetime, after: int) -> int | None:
        while (found := self._next_wall(wall)) is not None:
            wall, early, late = found, self._early(found), self._late(found)
            if early <= late and late > after:
                return early if early > after else late
        return None

    def _next_wall(self, wall: datetime) -> datetime | None:
        """Find the next matching time on a wall clock that never changes."""
        walk = copy.copy(self.calendar)
        walk.dt = wall
        try:
            return next(walk)
        except (StopIteration, OverflowError, ValueError):  # none within 50 years, or past the year 9999
            return None

    def _early(self, wall: datetime) -> int:
        """Return the instant of a wall-clock time by the offset that holds before a change.

        Of a time that comes twice it is the first; of one that is skipped it lies after the gap, and so after
        `_late`.
        """
        return self._instant(wall)

    def _late(self, wall: datetime) -> int:
        """Return the same by the offset that holds after the change."""
        return self._instant(wall.replace(fold=1))

    def _instant(self, wall: datetime) -> int:
        offset = wall.replace(tzinfo=self.zone).utcoffset()
        assert offset is not None
        return (wall.replace(fold=0) - _EPOCH - offset) // _SECOND

    def _transition(self, wall: datetime) -> int:
        """Find when the clocks change, for a time that they skip or show twice: the first instant of the new offset."""
        low, high = sorted((self._early(wall), self._late(wall)))
        new = datetime.fromtimestamp(high, self.zone).utcoffset()
        while high - low > 1:
            middle = (low + high) // 2
            if datetime.fromtimestamp(middle, self.zone).utcoffset() == new:
                high = middle
            else:
                low = middle
        return high
