"""Schedules in words and in local times, for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from service.domain.options import Options
from service.domain.schedules.calendar_words import duration
from service.domain.schedules.definition import Schedule
from service.domain.schedules.occurrences import next_occurrence
from service.domain.schedules.workdays import Calendar
from service.domain.schedules.zones import zone

_CLOSED = {
    "skip": "but not on the closed days of the calendar {calendar}",
    "next_open": "on the next open day where the calendar {calendar} is closed",
    "previous_open": "on the open day before where the calendar {calendar} is closed",
}


def preview(
    schedule: Schedule, options: Options, after: int, count: int, anchor: int, calendar: Calendar | None = None
) -> list[int]:
    """List the next occurrences strictly after an instant.

    Args:
        schedule: the job's.
        options: of the same job; jitter does not count.
        after: epoch seconds.
        count: how many at most.
        anchor: epoch seconds from which an interval counts.
        calendar: the job's, if it has one.

    Returns:
        Epoch seconds, strictly increasing; fewer than `count` where there are no more.
    """
    found: list[int] = []
    upcoming = next_occurrence(schedule, options, after, anchor, calendar)
    while upcoming is not None and len(found) < count:
        found.append(upcoming)
        upcoming = next_occurrence(schedule, options, upcoming, anchor, calendar)
    return found


def local_times(schedule: Schedule, occurrences: Iterable[int]) -> list[str]:
    """Write occurrences in the schedule's zone: `2025-03-30T03:00:00+02:00`."""
    rules = zone(schedule.timezone)
    return [datetime.fromtimestamp(occurrence, rules).isoformat() for occurrence in occurrences]


def describe(schedule: Schedule, options: Options) -> str:
    """Say in one plain sentence when the job is due."""
    parts = [schedule.words()]
    if options.starts_at:
        parts.append(f"from {options.starts_at} UTC on")
    if options.ends_at:
        parts.append(f"before {options.ends_at} UTC")
    if options.jitter_seconds:
        parts.append(f"each delayed by up to {duration(options.jitter_seconds)}")
    if options.calendar is not None:
        parts.append(_CLOSED[options.on_closed].format(calendar=options.calendar))
    return ", ".join(parts) + "."
