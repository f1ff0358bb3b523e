"""A schedule in words and in local times, for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cronsim import CronSim

from service.models import Cron, Daily, Interval, Options, Schedule, Weekly, listed, parse_cron, zone
from service.schedules.occurrences import next_occurrence

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS = {86400: "day", 3600: "hour", 60: "minute", 1: "second"}


def preview(schedule: Schedule, options: Options, after: int, count: int, anchor: int) -> list[int]:
    """The next occurrences strictly after an instant.

    Args:
        schedule: when.
        options: of the same job; its jitter is left out.
        after: epoch seconds.
        count: how many at most.
        anchor: epoch seconds from which an interval counts.

    Returns:
        Epoch seconds, strictly increasing; fewer than `count` where there are no more.
    """
    found: list[int] = []
    upcoming = next_occurrence(schedule, options, after, anchor)
    while upcoming is not None and len(found) < count:
        found.append(upcoming)
        upcoming = next_occurrence(schedule, options, upcoming, anchor)
    return found


def local_times(schedule: Schedule, occurrences: Iterable[int]) -> list[str]:
    """Occurrences in the schedule's zone: `2025-03-30T03:00:00+02:00`."""
    rules = zone(schedule.timezone)
    return [datetime.fromtimestamp(occurrence, rules).isoformat() for occurrence in occurrences]


def describe(schedule: Schedule, options: Options) -> str:
    """One plain sentence that says when the job is due."""
    parts = [_rhythm(schedule)]
    if options.starts_at:
        parts.append(f"from {options.starts_at} UTC on")
    if options.ends_at:
        parts.append(f"before {options.ends_at} UTC")
    if options.jitter_seconds:
        parts.append(f"each delayed by up to {_duration(options.jitter_seconds)}")
    return ", ".join(parts) + "."


def _rhythm(schedule: Schedule) -> str:
    match schedule:
        case Daily(hour=hour, minute=minute):
            return f"Every day at {hour:02d}:{minute:02d} ({schedule.timezone})"
        case Weekly(hour=hour, minute=minute, days=days):
            names = [_DAYS[day] for day in sorted(days)]
            which = "day" if len(names) == 7 else listed(names, "and")
            return f"Every {which} at {hour:02d}:{minute:02d} ({schedule.timezone})"
        case Interval(seconds=seconds):
            return f"Every {_duration(seconds).removeprefix('1 ') if seconds in _UNITS else _duration(seconds)}"
        case Cron(expression=expression):
            fields = parse_cron(expression, "schedule_config.cron_expression")
            return f"{CronSim(fields.expression, datetime(2024, 1, 1)).explain()} ({schedule.timezone})"


def _duration(seconds: int) -> str:
    """`1 hour and 30 minutes`."""
    parts = []
    rest = seconds
    for size, unit in _UNITS.items():
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number} {unit}{'s' if number > 1 else ''}")
    return listed(parts, "and")
