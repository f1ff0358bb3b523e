"""Dry runs of changes of calendars: fields, closed days, and the occurrences that each job gains and loses.

Nothing is stored. The answer is like that of a document: first the calendar, then each job that gains or loses an
occurrence.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from service.clock import Clock
from service.domain.calendars.definition import CalendarDefinition
from service.domain.calendars.work_calendar import WorkCalendar
from service.store.calendars.calendar_store import CalendarRecord, CalendarStore
from service.store.jobs.job_hashes import JobStore
from service.store.scripts import Scripts
from service.usecases.calendars import Calendars
from service.usecases.documents.document_calendars import CalendarStep
from service.usecases.foresight.calendar_jobs import CalendarJobs, Known, differs, jobs_of
from service.usecases.foresight.dry_runs import described


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

    def update(self, name: str, body: object, revisions: Collection[int], days: int) -> dict[str, Any]:
        """Tell what `Calendars.update` would do. It is refused where that would be.

        Args:
            name: the calendar's.
            body: the fields with their new values.
            revisions: the revisions that the calendar may have (`If-Match`); if empty, any.
            days: how far to look ahead.

        Returns:
            `{"dry_run": true, "changes": […], "jobs": {"total", "looked_at"}}`: no changes if the calendar stays as it
            is; else its own, and those of the jobs that gain or lose occurrences, in the order of their names.

        Raises:
            ServiceError: as `Calendars.update` does.
        """
        return self._told(*self._calendars.prospect(name, body, revisions), days)

    def add_file(self, name: str, file: bytes, charset: str | None, days: int) -> dict[str, Any]:
        """Tell what `Calendars.add_file` would do. It is refused where that would be.

        Args:
            name: the calendar's.
            file: the iCalendar file.
            charset: its declared encoding.
            days: how far to look ahead.

        Returns:
            As `update` does, and as `file` what `Calendars.add_file` would tell of the file.

        Raises:
            ServiceError: as `Calendars.add_file` does.
        """
        record, after, told = self._calendars.prospect_file(name, file, charset)
        return {**self._told(record, after, days), "file": told}

    def _told(self, record: CalendarRecord, after: CalendarDefinition, days: int) -> dict[str, Any]:
        name, now_ms = record.definition.name, self._clock.now_ms()
        now, then = ({name: WorkCalendar(one)} for one in (record.definition, after))
        if now == then:
            found = CalendarJobs([], self._store.job_count(name), 0)
        else:
            found = jobs_of(self._store, self._jobs, now, now_ms)
        total, store = len(found.changes), self._store
        told = described(found.changes, total, now_ms, days, Known(now, store), Known(then, store))
        own = [] if after == record.definition else [CalendarStep(record, after).told(now_ms)]
        return {"dry_run": True, "changes": [*own, *filter(differs, told)], "jobs": found.count()}
