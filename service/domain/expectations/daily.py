"""A local time of each day: the instants of `finish_by`, on wall clocks that change."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.domain.schedules.wall_clock import instant_of, wall_at


def instants_around(at: time, zone: ZoneInfo, now_s: int) -> tuple[int, int, int] | None:
    """Return the last two instants of a local time up to now, and the next one, epoch seconds.

    A time that the clocks skip comes at the first instant after the gap; one that comes twice, the first time.

    Args:
        at: the time.
        zone: whose clocks show it.
        now_s: now, epoch seconds.

    Returns:
        None past the year 9999.
    """
    wall = wall_at(now_s, zone)
    if wall is None or not date.min + timedelta(days=3) < wall.date() < date.max - timedelta(days=3):
        return None
    instants = [instant_of(datetime.combine(wall.date() + timedelta(days=n), at), zone) for n in range(-3, 3)]
    past = [instant for instant in instants if instant <= now_s]
    return past[-2], past[-1], next(instant for instant in instants if instant > now_s)


def is_met(success: int | None, tardy: int | None, before: int, due: int) -> bool:
    """Return whether a day's success is there. All times are ms.

    Args:
        success: when the job succeeded last.
        tardy: when the success came that ended an earlier day's breach: it counts for that day alone.
        before: when the day before ended: at its `finish_by`.
        due: when this one does.
    """
    if success is None or success <= before:
        return False
    return success != tardy or success > due
