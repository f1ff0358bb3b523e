"""Dry runs of changes: which fields would change, and which occurrences would be gained and lost. Nothing is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from service.clock import Clock
from service.domain.access.differences import leaves
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.edits.edit import NO_EDITS, Edits
from service.domain.edits.edited_plans import changed_job, dropped_edits, kept_edits, plan_anew
from service.domain.foresight.occurrence_changes import Course, Tally, compare, course_of, in_local_time
from service.domain.job import JobDefinition
from service.domain.job_fields import Configs
from service.domain.job_requests import parse_update
from service.domain.options import Options
from service.domain.planning import decided_until, new_record
from service.domain.records import JobRecord
from service.domain.schedules import next_occurrence
from service.domain.timestamps import format_timestamp
from service.errors import ValidationFailed
from service.usecases.edits.document_edits import wanted_edits
from service.usecases.jobs import Jobs

LOOKED_AT = 200_000
"""The most instants that one dry run looks at, over all of its jobs."""
LOOKED_AT_FOR_ONE = 50_000
"""The most of one job: a month of a job that is due each minute."""
CALENDAR_COST = 4
"""How many instants one counts for that a calendar may close or move: it takes that much longer."""
SHOWN = 20_000
"""The most occurrences that one answer shows, about."""
DAYS = 30
"""How far a dry run looks ahead, if nobody says."""
DAY = 86_400


class FindsCalendars(Protocol):
    """Finds the calendars of jobs."""

    def of(self, options: Options) -> WorkCalendar | None:
        """Return the calendar that a job's options name; None if they name none. Raises ValidationFailed."""


@dataclass(frozen=True, slots=True)
class JobChange:
    """A change to one job.

    Args:
        action: `create`, `update` or `delete`.
        id: the job's id; None for a new job without one.
        before: the stored job; None for a new job, and for one that cannot be read.
        after: the new definition; None for a job to delete.
        name: the job's name.
        edits: the changed occurrences that it shall have, as a document has them; None for those that it has.
        left_out: those of them that could not be made.
        dropped: changed occurrences to come that the job has, and no longer will, epoch seconds.
    """

    action: str
    id: str | None
    before: JobRecord | None
    after: JobDefinition | None
    name: str
    edits: list[dict[str, Any]] | None = None
    left_out: Sequence[str] = ()
    dropped: Sequence[int] = ()

    def answer(self) -> dict[str, Any]:
        """Describe the change as the API shows it; of a job to delete, no fields."""
        old = {} if self.before is None else leaves(self.before.definition.definition_fields())
        new = {} if self.after is None else leaves(self.after.definition_fields())
        fields = {
            field: {"from": old.get(field), "to": new.get(field)}
            for field in dict.fromkeys([*old, *new])
            if (field in old, old.get(field)) != (field in new, new.get(field))
        }
        return {
            "action": self.action, "id": self.id, "name": self.name,
            "fields": {} if self.action == "delete" else fields,
            **self._changed_occurrences(),
        }  # fmt: skip

    def _changed_occurrences(self) -> dict[str, Any]:
        if self.edits is None and not self.dropped:
            return {}
        dropped = [format_timestamp(at) for at in self.dropped]
        return {"changed_occurrences": {"left_out": list(self.left_out), "dropped": dropped}}

    def foreseen(self, now_ms: int, then: FindsCalendars) -> tuple[JobChange, Course | None]:
        """Return the change with what it drops and leaves out, and the job's course after it, if it was made now.

        Args:
            now_ms: the time.
            then: the calendars as they would be.
        """
        if self.after is None:
            return self, None
        calendar = then.of(self.after.options)
        if self.before is not None and self.after is self.before.definition and self.edits is None:
            course, edits = _by_calendar(self.before, now_ms, calendar)  # only its calendar changes
            return replace(self, dropped=dropped_edits(self.before.edits, edits)), course
        if self.before is None:
            job, had = new_record(self.id or "", self.after, now_ms, calendar), NO_EDITS
        else:
            job, had = changed_job(self.before, self.after, now_ms, calendar), self.before.edits
        left_out: Sequence[str] = ()
        if self.edits is not None:
            edits, left_out = wanted_edits(self.edits, job, now_ms, calendar)
            job = replace(job, plan=plan_anew(job, job.plan, edits, calendar), edits=edits)
        change = replace(self, dropped=dropped_edits(had, job.edits), left_out=left_out)
        return change, course_of(self.after, job.plan, calendar, job.edits)

    def course(self, now: FindsCalendars) -> Course | None:
        """Return the job's course before the change. `now`: the calendars as they are."""
        if self.before is None:
            return None
        calendar = _calendar(now, self.before.definition)
        return course_of(self.before.definition, self.before.plan, calendar, self.before.edits)


class DryRuns:
    """Dry runs of changes to single jobs.

    Args:
        jobs: the use cases of jobs.
        clock: Redis' clock.
        configs: each bot's `Config`, by `bot_type`.
    """

    def __init__(self, jobs: Jobs, clock: Clock, configs: Configs) -> None:
        self._jobs = jobs
        self._clock = clock
        self._configs = configs

    def update(self, job_id: str, body: object, revisions: Sequence[int], days: int) -> tuple[dict[str, Any], int]:
        """Tell what `Jobs.update` would do. It is refused where that would be.

        Args:
            job_id: the job's id.
            body: the fields with their new values.
            revisions: the revisions that the job may have (`If-Match`); if empty, any.
            days: how far to look ahead.

        Returns:
            `{"dry_run": true, "changes": […]}`, with one change or none, and the job's revision.

        Raises:
            ServiceError: as `Jobs.update` does.
        """
        before, after = self._jobs.prospect(job_id, lambda job: parse_update(body, job, self._configs), revisions)
        changes = []
        if after is not before:
            changes.append(JobChange("update", job_id, before, after.definition, after.definition.name))
        calendars = self._jobs.calendars
        told = described(changes, len(changes), self._clock.now_ms(), days, calendars, calendars)
        return {"dry_run": True, "changes": told}, before.revision


def described(
    changes: Iterable[JobChange], total: int, now_ms: int, days: int, now: FindsCalendars, then: FindsCalendars
) -> list[dict[str, Any]]:
    """Describe changes that are not made, in bounded time and memory.

    Args:
        changes: the changes.
        total: how many there are.
        now_ms: the time.
        days: how far to look ahead.
        now: the calendars as they are.
        then: the calendars as they would be.

    Returns:
        The changes as the API shows them, each with its `occurrences`.
    """
    left, shown = LOOKED_AT, SHOWN // max(1, 2 * total)
    answers = []
    for place, change in enumerate(changes):
        before, (change, after) = change.course(now), change.foreseen(now_ms, then)
        cost = CALENDAR_COST if any(one is not None and one.calendar is not None for one in (before, after)) else 1
        most = min(LOOKED_AT_FOR_ONE, left // (total - place)) // cost
        occurrences, looked_at = _occurrences(before, after, now_ms // 1000, days, most, shown)
        left -= looked_at * cost
        answers.append({**change.answer(), "occurrences": occurrences})
    return answers


def _by_calendar(record: JobRecord, now_ms: int, calendar: WorkCalendar | None) -> tuple[Course | None, Edits]:
    """Return a job's course by a changed calendar, as `plan_by_calendar` has it, and the changed occurrences it leaves.

    That also looks for the next run, which may be years away, and so takes too long for many jobs.
    """
    definition, anchor = record.definition, record.plan.anchor
    after = decided_until(record, now_ms)
    first = next_occurrence(definition.schedule, definition.options, after, anchor, calendar)
    edits = kept_edits(record.id, definition, anchor, record.edits, now_ms, record.last_decided, calendar)
    if first is None and not edits.pending:
        return None, edits
    return Course(definition.schedule, definition.options, anchor, first, calendar, edits), edits


def _calendar(calendars: FindsCalendars, definition: JobDefinition) -> WorkCalendar | None:
    """Return the calendar of a stored job; None also if it is gone."""
    try:
        return calendars.of(definition.options)
    except ValidationFailed:
        return None


def _occurrences(
    before: Course | None, after: Course | None, now: int, days: int, most: int, shown: int
) -> tuple[dict[str, Any], int]:
    found = compare(before, after, now, now + days * DAY, most)
    return {
        "until": format_timestamp(found.counted_until),
        "complete": found.is_complete,
        "gained": _shown(found.gained, after, shown),
        "lost": _shown(found.lost, before, shown),
    }, found.looked_at


def _shown(tally: Tally, course: Course | None, shown: int) -> dict[str, Any]:
    first = tally.first[:shown]
    local = in_local_time(course, first)
    return {
        "count": tally.count,
        "first": [{"at": format_timestamp(instant), "local": time} for instant, time in zip(first, local, strict=True)],
    }
