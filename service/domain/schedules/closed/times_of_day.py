"""Times of day of an occurrence, as a schedule writes them: those that the clocks skipped are told apart again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from service.domain.schedules.definition import Cron, Daily, Member, Monthly, Once, Recurrence, Schedule, Union, Weekly
from service.domain.schedules.types.crontab import fields_of
from service.domain.schedules.wall_clock import instant_of, wall_at
from service.domain.schedules.workdays import Calendar

_EPOCH = datetime(1970, 1, 1)
_SECOND = timedelta(seconds=1)


def times_of_day(
    schedule: Schedule, anchor: int, calendar: Calendar | None, zone: ZoneInfo, occurrence: int
) -> list[time]:
    """List the times of day that an occurrence stands for, in order.

    Fixed times that the clocks skip all happen at the first instant after the gap (see `wall_clock`). To move them to
    another day at the same time of day, one must know which they are. The schedule itself is asked, on a clock that
    never changes.

    Args:
        schedule: the job's. Of a union those members count that are due; members of another zone stand for the time on
            the job's clock.
        anchor: what it counts from, epoch seconds.
        calendar: the job's.
        zone: the job's.
        occurrence: epoch seconds.

    Returns:
        One time as a rule; more if several are skipped, or one is skipped and another comes right after the gap.
    """
    if isinstance(schedule, Union):
        due = schedule.due_at(occurrence, anchor, calendar, starts=False)
        times = {time for member in due for time in _of_member(member, anchor, calendar, zone, occurrence)}
        return sorted(times) or [_wall(occurrence, zone).time()]
    wall = _wall(occurrence, zone)
    gap = (wall_at(occurrence - 1, zone) or wall).replace(fold=0) + _SECOND
    began = wall_at(anchor, zone)
    unchanging = None if gap >= wall or began is None else _unchanging(schedule)
    if unchanging is None or began is None:
        return [wall.time()]
    start, end = _seconds(gap), _seconds(wall)
    walls, found = list[datetime](), unchanging.next_after(start - 1, _seconds(began), calendar)
    while found is not None and found <= end:
        walls.append(_EPOCH + timedelta(seconds=found))
        found = unchanging.next_after(found, _seconds(began), calendar)
    # A gap can begin the day before; nothing is moved by more than whole days of its own.
    return sorted({one.time() if one.date() == wall.date() else wall.time() for one in walls}) or [wall.time()]


def members_landing(
    due: Iterable[Member], anchor: int, calendar: Calendar | None, zone: ZoneInfo, occurrence: int, landed: int
) -> tuple[Member, ...]:
    """Find those members of a union that are due at an occurrence and land at an instant of another day.

    Those whose times the clocks skip are due together, and land apart.

    Args:
        due: the members that are due at the occurrence.
        anchor: what they count from, epoch seconds.
        calendar: the job's.
        zone: the job's.
        occurrence: epoch seconds.
        landed: where it landed, epoch seconds.
    """
    day = _wall(landed, zone).date()

    def lands(member: Member) -> bool:
        times = _of_member(member, anchor, calendar, zone, occurrence)
        return any(instant_of(datetime.combine(day, one), zone) == landed for one in times)

    return tuple(member for member in due if lands(member))


def _of_member(
    member: Member, anchor: int, calendar: Calendar | None, zone: ZoneInfo, occurrence: int
) -> Sequence[time]:
    schedule: Any = member.schedule
    if schedule.timezone != zone.key:
        return [_wall(occurrence, zone).time()]
    return times_of_day(schedule, anchor, calendar, zone, occurrence)


def _wall(instant: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(instant, zone).replace(tzinfo=None, fold=0)


def _unchanging(schedule: Schedule) -> Schedule | None:
    """Return a schedule of fixed times on a clock that never changes; None for any other."""
    if isinstance(schedule, Daily | Weekly | Monthly | Once):
        return replace(schedule, timezone="UTC")
    if isinstance(schedule, Cron) and not fields_of(schedule.expression).wildcard:
        return replace(schedule, timezone="UTC")
    if isinstance(schedule, Recurrence) and not schedule.rule.follows_real_time:
        return replace(schedule, timezone="UTC")
    return None


def _seconds(wall: datetime) -> int:
    return (wall.replace(fold=0) - _EPOCH) // _SECOND
