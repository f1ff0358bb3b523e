"""Coming occurrences of a job with a calendar: the closed ones among them, and the next one that runs."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.options import Options
from service.domain.schedules.definition import Schedule
from service.domain.schedules.occurrences import closing_of, next_landing, next_occurrence
from service.domain.schedules.workdays import Calendar
from service.errors import ValidationFailed

LONGEST_SEARCH = 800
"""Closed days in a row, of those on which the schedule is due, beyond which no open one is looked for."""


def refuse_jitter_of_moves(schedule: Schedule, options: Options) -> None:
    """Refuse a jitter that could make a moved occurrence and another one change places.

    Occurrences of a schedule with one time of day land on each other, or at least a day apart. Others may land closer
    to each other than the schedule itself ever has them.

    Raises:
        ValidationFailed: the job has a jitter, moves its occurrences, and has several times of day.
    """
    if options.jitter_seconds and options.on_closed != "skip" and not hasattr(schedule, "hour"):
        raise ValidationFailed.of(
            "options.jitter_seconds",
            f"must be 0 with an on_closed of {options.on_closed}, unless the schedule has one time of day",
        )


@dataclass(frozen=True, slots=True)
class Coming:
    """A coming occurrence, epoch seconds.

    `moved_from`: where the schedule has it, if it moved. `closed`: why it is skipped; None if it runs.
    """

    at: int
    moved_from: int | None = None
    closed: str | None = None


def next_coming(
    schedule: Schedule, options: Options, after: int, anchor: int, calendar: Calendar | None
) -> Coming | None:
    """Find the first occurrence strictly after an instant; arguments as for `next_occurrence`."""
    if calendar is None:
        at = next_occurrence(schedule, options, after, anchor)
        return None if at is None else Coming(at)
    found = next_landing(schedule, options, after, anchor, calendar)
    if found is None:
        return None
    return Coming(found.at, found.moved_from, closing_of(schedule, options, calendar).reason(found.at))


def next_open(
    schedule: Schedule, options: Options, after: int, anchor: int, calendar: Calendar | None, until: int | None = None
) -> Coming | None:
    """Find the first occurrence strictly after an instant that runs; arguments as for `next_occurrence`.

    A closed day's occurrences are passed over together. `until`: where the search may end, epoch seconds: years may be
    closed.
    """
    found = next_coming(schedule, options, after, anchor, calendar)
    for _ in range(LONGEST_SEARCH):
        if found is None or found.closed is None or calendar is None:
            return found
        if until is not None and found.at > until:
            return None
        skipped_to = closing_of(schedule, options, calendar).closed_until(found.at)
        found = next_coming(schedule, options, skipped_to, anchor, calendar)
    return None


def coming(
    schedule: Schedule, options: Options, after: int, count: int, anchor: int, calendar: Calendar | None,
    closed_at_most: int,
) -> list[Coming]:  # fmt: skip
    """List the next occurrences strictly after an instant, closed ones among them.

    Args:
        schedule: the job's.
        options: of the same job; jitter does not count.
        after: epoch seconds.
        count: how many that run, at most.
        anchor: epoch seconds from which an interval counts.
        calendar: the job's, if it has one.
        closed_at_most: closed ones that are listed; further ones are left out.

    Returns:
        In order, up to the last one that runs.
    """
    found: list[Coming] = []
    closed = runs = 0
    while runs < count:
        search = next_coming if closed < closed_at_most else next_open
        following = search(schedule, options, found[-1].at if found else after, anchor, calendar)
        if following is None:
            break
        found.append(following)
        if following.closed is None:
            runs += 1
        else:
            closed += 1
    return found
