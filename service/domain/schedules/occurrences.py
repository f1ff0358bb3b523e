"""Occurrences: the instants at which a schedule is due, whatever its type (`types`) and within the job's options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from service.domain.options import Options
from service.domain.schedules.closed.closing import Closing, Landing
from service.domain.schedules.closed.times_of_day import members_landing, times_of_day
from service.domain.schedules.definition import Cron, Daily, Interval, Member, Schedule, Union, Weekly, singles_in
from service.domain.schedules.workdays import Calendar
from service.domain.schedules.zones import zone
from service.domain.timestamps import LAST_INSTANT


def next_after(schedule: Schedule, after: int, anchor: int, calendar: Calendar | None = None) -> int | None:
    """Find the first occurrence strictly after an instant, whatever the job's options say.

    Args:
        schedule: the job's.
        after: epoch seconds.
        anchor: epoch seconds from which a schedule counts that does: an interval's occurrences are
            anchor + n × interval, n ≥ 1. The others ignore it.
        calendar: the job's, which says what a working day is; None: Monday to Friday.

    Returns:
        Epoch seconds; None without one up to the end of the year 9999.

    Raises:
        ScheduleError: it is too far away to be searched for.
    """
    if after >= LAST_INSTANT:
        return None
    found = schedule.next_after(after, anchor, calendar)
    return found if found is not None and found <= LAST_INSTANT else None


def next_occurrence(
    schedule: Schedule, options: Options, after: int, anchor: int, calendar: Calendar | None = None
) -> int | None:
    """Find the first occurrence strictly after an instant and within `starts_at` ≤ occurrence < `ends_at`.

    A schedule that counts does so from `starts_at`, if there is one; an interval that was anchored before is due there
    first.

    Args:
        schedule: the job's.
        options: of the same job.
        after: epoch seconds.
        anchor: epoch seconds, as for `next_after`.
        calendar: the job's, if it has one.

    Returns:
        Epoch seconds; None after the last.
    """
    if calendar is not None and options.on_closed != "skip":
        landing = next_landing(schedule, options, after, anchor, calendar)
        return None if landing is None else landing.at
    starts, ends = options.starts_at_s, options.ends_at_s
    origin = counted_from(schedule, options, anchor)
    if starts is not None and after < starts:
        found = starts if _begins_at(schedule, starts, origin, calendar) else next_after(
            schedule, starts - 1, origin, calendar
        )  # fmt: skip
    else:
        found = next_after(schedule, after, origin, calendar)
    return found if found is not None and (ends is None or found < ends) else None


def next_landing(schedule: Schedule, options: Options, after: int, anchor: int, calendar: Calendar) -> Landing | None:
    """Find the same as `next_occurrence`, and where it comes from if it moved.

    `starts_at` and `ends_at` bound where an occurrence lands.

    Args:
        schedule: the job's.
        options: of the same job.
        after: epoch seconds.
        anchor: epoch seconds, as for `next_after`.
        calendar: the job's.
    """
    starts, ends = options.starts_at_s, options.ends_at_s
    base = _unbounded(schedule, options, anchor, calendar)
    closing = closing_of(schedule, options, calendar)
    origin = counted_from(schedule, options, anchor)
    closing = replace(closing, times_of=partial(times_of_day, schedule, origin, calendar, closing.zone))
    found = closing.next_landing(base, after if starts is None else max(after, starts - 1))
    return found if found is not None and found.at <= LAST_INSTANT and (ends is None or found.at < ends) else None


def closing_of(schedule: Schedule, options: Options, calendar: Calendar) -> Closing:
    """Return the rule by which a job's occurrences are closed and moved."""
    return Closing(calendar, options.on_closed, zone(schedule.timezone))


def _unbounded(schedule: Schedule, options: Options, anchor: int, calendar: Calendar) -> Callable[[int], int | None]:
    """Return the search for occurrences in which `starts_at` says only from where a schedule counts."""
    starts, origin = options.starts_at_s, counted_from(schedule, options, anchor)

    def base(after: int) -> int | None:
        found = next_after(schedule, after, origin, calendar)
        if starts is not None and after < starts and (found is None or found > starts):
            return starts if _begins_at(schedule, starts, origin, calendar) else found
        return found

    return base


def counted_from(schedule: Schedule, options: Options, anchor: int) -> int:
    """Return from which instant the schedule counts: `starts_at`, else the anchor, epoch seconds.

    An interval that was anchored after its `starts_at` counts from the anchor.
    """
    starts = options.starts_at_s
    if starts is None or (isinstance(schedule, Interval) and starts < anchor):
        return anchor
    return starts


def _begins_at(schedule: Schedule, starts: int, origin: int, calendar: Calendar | None) -> bool:
    """Return whether an interval is due at `starts`, since it counts from there."""
    if isinstance(schedule, Interval):
        return starts == origin
    has_interval = isinstance(schedule, Union) and any(isinstance(one.schedule, Interval) for one in schedule.members)
    return has_interval and isinstance(schedule, Union) and not schedule.excepts(starts, origin, calendar)


def members_due(
    schedule: Schedule, options: Options, occurrence: int, anchor: int, calendar: Calendar | None = None
) -> tuple[Member, ...]:
    """Find which schedules of a union make an occurrence; none for another type.

    Args:
        schedule: the job's.
        options: of the same job.
        occurrence: epoch seconds.
        anchor: epoch seconds, as for `next_after`.
        calendar: the job's, if it has one.
    """
    if not isinstance(schedule, Union):
        return ()
    origin = counted_from(schedule, options, anchor)
    if calendar is not None and options.on_closed != "skip":
        landing = next_landing(schedule, options, occurrence - 1, anchor, calendar)
        if landing is not None and landing.at == occurrence and (moved_from := landing.moved_from) is not None:
            due = schedule.due_at(moved_from, origin, calendar, starts=moved_from == options.starts_at_s)
            return members_landing(due, origin, calendar, zone(schedule.timezone), moved_from, occurrence)
    return schedule.due_at(occurrence, origin, calendar, starts=occurrence == options.starts_at_s)


def cron_expressions(schedule: Schedule) -> set[str]:
    """Return the cron expressions that an author wrote."""
    return {one.expression for one in singles_in(schedule) if isinstance(one, Cron)}


def cron_expression(schedule: Daily | Weekly | Cron) -> str:
    """Write the schedule as a cron expression."""
    return schedule.expression if isinstance(schedule, Cron) else schedule.cron
