"""Search backwards for an occurrence, by the engine, which only looks ahead."""

from __future__ import annotations

from service.domain.options import Options
from service.domain.schedules import Calendar, next_occurrence
from service.domain.schedules.definition import Schedule

LONGEST_LOOK = 366 * 86_400 * 8
"""Seconds that are searched: February 29 is at most eight years away from the one before."""
MOST_STEPS = 10_000
"""Occurrences that the last look walks over."""


def latest_up_to(
    schedule: Schedule, options: Options, instant: int, anchor: int, calendar: Calendar | None = None
) -> int | None:
    """Find the schedule's latest occurrence at or before an instant.

    Args:
        schedule: the job's.
        options: of the same job.
        instant: epoch seconds.
        anchor: epoch seconds from which an interval counts.
        calendar: the job's, if it has one.

    Returns:
        Epoch seconds; None without one within the last eight years.
    """
    look = 1
    while look <= LONGEST_LOOK:
        upcoming = next_occurrence(schedule, options, instant - look, anchor, calendar)
        if upcoming is not None and upcoming <= instant:
            return _last(schedule, options, upcoming, instant, anchor, calendar)
        look *= 2
    return None


def _last(
    schedule: Schedule, options: Options, found: int, instant: int, anchor: int, calendar: Calendar | None
) -> int:
    for _ in range(MOST_STEPS):
        following = next_occurrence(schedule, options, found, anchor, calendar)
        if following is None or following > instant:
            break
        found = following
    return found
