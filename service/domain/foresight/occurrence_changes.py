"""Occurrences gained and lost by a change of a job: the courses before and after it, compared instant by instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge

from service.domain.edits.edit import NO_EDITS, Edits
from service.domain.edits.edited_plans import closed_by
from service.domain.job import JobDefinition
from service.domain.options import Options
from service.domain.records import Plan
from service.domain.schedules import Calendar, local_times, next_occurrence
from service.domain.schedules.closed.closed_days import next_open
from service.domain.schedules.definition import Schedule
from service.domain.timestamps import LAST_INSTANT
from service.errors import ScheduleError, ValidationFailed

SHOWN = 20
"""The first occurrences of each kind that a comparison shows."""


@dataclass(frozen=True, slots=True)
class Course:
    """All that a job's coming occurrences follow from. Equal courses have the same occurrences.

    Args:
        schedule: the job's.
        options: of the same job.
        anchor: what an interval counts from, epoch seconds.
        first: the first undecided occurrence, epoch seconds.
        calendar: the job's, if it has one.
        edits: its changed occurrences.
    """

    schedule: Schedule
    options: Options
    anchor: int
    first: int | None
    calendar: Calendar | None = None
    edits: Edits = NO_EDITS

    @property
    def soonest(self) -> int:
        """An instant before which none comes, epoch seconds."""
        first = LAST_INSTANT if self.first is None else self.first
        return min((first, *(at for at, _ in self._edited()))) if self.edits.each else first

    def after(self, instant: int, until: int | None = None) -> Iterator[int]:
        """Yield when occurrences will run strictly after an instant, epoch seconds, strictly increasing.

        `until`: beyond which nobody asks for them, epoch seconds; some may come all the same.
        """
        last = None
        for at, _ in self.coming(instant, until):
            if at != last:
                yield at
            last = at

    def coming(self, instant: int, until: int | None = None) -> Iterator[tuple[int, int]]:
        """Yield the occurrences that will run strictly after an instant: when they come, and their own instants.

        `until`: see `after`.
        """
        edited = [one for one in self._edited() if one[0] > instant] if self.edits.each else []
        regular = self._regular(instant, until)
        yield from merge(regular, sorted(edited)) if edited else regular

    def _edited(self) -> Iterator[tuple[int, int]]:
        for edit in self.edits.pending:
            if edit.action != "skip" and closed_by(edit, self.schedule, self.options, self.calendar) is None:
                yield edit.instant if edit.moved_to is None else edit.moved_to, edit.instant

    def _regular(self, instant: int, until: int | None) -> Iterator[tuple[int, int]]:
        found = self.first
        if found is not None and (found <= instant or self.calendar is not None):
            found = self._next(max(instant, found - 1), until)
        while found is not None:
            if found not in self.edits.each:
                yield found, found
            found = self._next(found, until)

    def _next(self, instant: int, until: int | None) -> int | None:
        if self.calendar is None:
            return next_occurrence(self.schedule, self.options, instant, self.anchor)
        found = next_open(self.schedule, self.options, instant, self.anchor, self.calendar, until)
        return None if found is None else found.at


def course_of(
    definition: JobDefinition, plan: Plan, calendar: Calendar | None = None, edits: Edits = NO_EDITS
) -> Course | None:
    """Return a job's course; None if it has no occurrence, because it is disabled, ended or broken.

    Args:
        definition: the job's.
        plan: the job's.
        calendar: the job's, if it has one.
        edits: its changed occurrences.
    """
    if plan.state != "scheduled" or (plan.next_occurrence is None and not edits.pending):
        return None
    try:
        schedule = definition.schedule
    except (ScheduleError, ValidationFailed):
        return None
    return Course(schedule, definition.options, plan.anchor, plan.next_occurrence, calendar, edits)


@dataclass(slots=True)
class Tally:
    """Occurrences of one kind: how many, and the first `SHOWN` of them, epoch seconds."""

    count: int
    first: list[int]

    def note(self, occurrence: int) -> None:
        """Count an occurrence."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(occurrence)


@dataclass(frozen=True, slots=True)
class OccurrenceChanges:
    """A comparison of two courses.

    Args:
        gained: the occurrences that only the later course has.
        lost: those that only the earlier one has.
        counted_until: until which instant they were compared, epoch seconds, inclusive.
        is_complete: whether that is the whole time that was asked for.
        looked_at: how many instants were looked at.
    """

    gained: Tally
    lost: Tally
    counted_until: int
    is_complete: bool
    looked_at: int


def compare(before: Course | None, after: Course | None, now: int, until: int, most: int) -> OccurrenceChanges:
    """Find the occurrences that a change gains and loses.

    Args:
        before: the course as it is; None for no occurrences.
        after: the course that the change makes; None likewise.
        now: epoch seconds; occurrences count from after this.
        until: epoch seconds, inclusive.
        most: how many instants to look at. Counting stops before the first one beyond.

    Returns:
        The occurrences, and until when they were counted.
    """
    gained, lost = Tally(0, []), Tally(0, [])
    if before == after:
        return OccurrenceChanges(gained, lost, until, True, 0)
    old, new = _stream(before, now, until), _stream(after, now, until)
    was, will = next(old, None), next(new, None)
    looked_at = 0
    while True:
        instant = min(one for one in (was, will, until + 1) if one is not None)
        if instant > until:
            return OccurrenceChanges(gained, lost, until, True, looked_at)
        if looked_at >= most:
            return OccurrenceChanges(gained, lost, instant - 1, False, looked_at)
        looked_at += 1
        if was != will:
            (lost if was == instant else gained).note(instant)
        was, will = (
            next(old, None) if was == instant else was,
            next(new, None) if will == instant else will,
        )


def _stream(course: Course | None, now: int, until: int) -> Iterator[int]:
    return iter(()) if course is None else course.after(now, until)


def in_local_time(course: Course | None, occurrences: list[int]) -> list[str]:
    """Write occurrences of a course in its zone."""
    return [] if course is None else local_times(course.schedule, occurrences)
