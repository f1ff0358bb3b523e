"""Dry runs of changes of calendars: the fields, and the occurrences that each job gains and loses. Nothing is stored.

The answer is like that of a document: first the calendar, then each job that gains or loses an occurrence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from service.clock import Clock
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.options import Options
from service.domain.planning import plan_by_calendar, reference
from service.domain.records import JobRecord, UnreadableJob, read_job
from service.errors import ScheduleError, ValidationFailed
from service.store.calendars.calendar_store import CalendarStore
from service.store.jobs.job_hashes import JobStore
from service.store.jobs.stored_edits import with_edits
from service.store.scripts import Scripts
from service.usecases.calendars import Calendars
from service.usecases.document_calendars import CalendarStep
from service.usecases.foresight.dry_runs import JobChange, described

JOBS_LOOKED_AT = 1_000
"""The most jobs that one dry run looks at."""
PAGE = 200
"""Jobs read at a time."""


@dataclass(frozen=True, slots=True)
class One:
    """Finds one calendar, for jobs that all use it."""

    calendar: WorkCalendar

    def of(self, options: Options) -> WorkCalendar:
        """Return it."""
        return self.calendar


class CalendarDryRuns:
    """Dry runs of changes of calendars.

    Args:
        scripts: the scripts of this installation.
        calendars: the use cases of calendars.
        clock: Redis' clock.
    """

    def __init__(self, scripts: Scripts, calendars: Calendars, clock: Clock) -> None:
        self._scripts = scripts
        self._store = CalendarStore(scripts)
        self._jobs = JobStore(scripts)
        self._calendars = calendars
        self._clock = clock

    def update(self, name: str, body: object, days: int) -> dict[str, Any]:
        """Tell what `Calendars.update` would do. It is refused where that would be.

        Args:
            name: the calendar's.
            body: the fields with their new values.
            days: how far to look ahead.

        Returns:
            `{"dry_run": true, "changes": […], "jobs": {"total", "looked_at"}}`: no changes if the calendar stays as it
            is; else its own, and those of the jobs that gain or lose occurrences, in the order of their names.

        Raises:
            ServiceError: as `Calendars.update` does.
        """
        record, after = self._calendars.prospect(name, body)
        total = self._store.job_count(name)
        if after == record.definition:
            return {"dry_run": True, "changes": [], "jobs": {"total": total, "looked_at": 0}}
        now, then = WorkCalendar(record.definition), WorkCalendar(after)
        changes: list[JobChange] = []
        looked_at = 0
        if now != then:
            now_ms, ids = self._clock.now_ms(), self._job_ids(name)
            looked_at, total = len(ids), max(total, len(ids))
            changes = sorted(self._changes(ids, now, now_ms), key=lambda one: (one.name, one.id or ""))
        told = described(changes, len(changes), self._clock.now_ms(), days, One(now), One(then))
        return {
            "dry_run": True,
            "changes": [CalendarStep(record, after).answer(), *(one for one in told if _differs(one["occurrences"]))],
            "jobs": {"total": total, "looked_at": looked_at},
        }

    def _job_ids(self, name: str) -> list[str]:
        """Read the ids of the calendar's jobs, each once, up to `JOBS_LOOKED_AT`."""
        found: dict[str, None] = {}
        cursor = -1
        while cursor != 0 and len(found) < JOBS_LOOKED_AT:
            cursor, ids = self._store.jobs_page(name, max(cursor, 0), PAGE)
            found |= dict.fromkeys(ids)
        return list(found)[:JOBS_LOOKED_AT]

    def _changes(self, ids: list[str], now: WorkCalendar, now_ms: int) -> Iterator[JobChange]:
        """Yield the change of each job that is due some time, or could be by another calendar."""
        for start in range(0, len(ids), PAGE):
            page = ids[start : start + PAGE]
            for job_id, fields in zip(page, self._jobs.get_many(page), strict=True):
                try:
                    record = _planned(with_edits(self._scripts, read_job(job_id, fields)), now, now_ms)
                except (UnreadableJob, ScheduleError, ValidationFailed, ArithmeticError, LookupError, ValueError):
                    continue
                if record is not None:
                    name = record.definition.name
                    yield JobChange("update", job_id, record, record.definition, name)


def _planned(record: JobRecord, now: WorkCalendar, now_ms: int) -> JobRecord | None:
    """Return a job as it is planned by the calendar as it is now, though its turn may not have come yet.

    Returns:
        None for a job that is broken or disabled, or uses another calendar by now.
    """
    definition, plan = record.definition, record.plan
    if plan.state == "broken" or not definition.enabled or definition.options.calendar != now.definition.name:
        return None
    if plan.calendar == reference(now):
        return record
    return replace(record, plan=plan_by_calendar(record, now_ms, now))


def _differs(occurrences: dict[str, Any]) -> bool:
    return not occurrences["complete"] or any(occurrences[side]["count"] for side in ("gained", "lost"))
