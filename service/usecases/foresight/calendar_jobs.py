"""Jobs whose occurrences change because a calendar does, while their own fields stay: read for dry runs, so many."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.options import Options
from service.domain.planning import plan_by_calendar, reference
from service.domain.records import JobRecord, UnreadableJob, read_job
from service.errors import ScheduleError, ValidationFailed
from service.store.calendars.calendar_store import CalendarStore
from service.store.jobs.job_hashes import JobStore
from service.store.jobs.stored_edits import with_edits
from service.usecases.foresight.dry_runs import FindsCalendars, JobChange

JOBS_LOOKED_AT = 1_000
"""The most jobs that one dry run looks at."""
PAGE = 200
"""Jobs read at a time."""

Calendars = Mapping[str, WorkCalendar]
"""Calendars by name."""


@dataclass(frozen=True, slots=True)
class Known:
    """Finds calendars among some that are at hand, else where all are.

    Args:
        calendars: those at hand.
        others: finds the others.
    """

    calendars: Calendars
    others: FindsCalendars

    def of(self, options: Options) -> WorkCalendar | None:
        """Return the calendar that a job's options name; None if they name none. Raises ValidationFailed."""
        found = self.calendars.get(options.calendar or "")
        return found if found is not None else self.others.of(options)


@dataclass(frozen=True, slots=True)
class CalendarJobs:
    """Jobs of calendars that a change closes otherwise.

    Args:
        changes: a change without fields for each that is due some time, or could be, in the order of their names.
        total: how many jobs use the calendars; some that are left out may be among them if not all were read.
        looked_at: how many of them were read.
    """

    changes: list[JobChange]
    total: int
    looked_at: int

    def count(self) -> dict[str, int]:
        """Write how many jobs there are as the API shows it."""
        return {"total": self.total, "looked_at": self.looked_at}


def jobs_of(
    store: CalendarStore, jobs: JobStore, calendars: Calendars, now_ms: int, told: Collection[str] = ()
) -> CalendarJobs:
    """Read the jobs that use one of some calendars, `JOBS_LOOKED_AT` at most.

    Args:
        store: where calendars are kept.
        jobs: where jobs are kept.
        calendars: the calendars that change, as they are.
        now_ms: the time.
        told: the ids of jobs to leave out: a document tells of them itself.
    """
    total = sum(store.job_count(name) for name in calendars)
    found = dict.fromkeys(_ids(store, calendars))
    ids = [job_id for job_id in found if job_id not in told]
    changes = sorted(_changes(jobs, ids, calendars, now_ms), key=lambda one: (one.name, one.id or ""))
    return CalendarJobs(changes, max(total - len(found), 0) + len(ids), len(ids))


def differs(answer: Mapping[str, Any]) -> bool:
    """Tell whether a described change gains or loses occurrences, or may."""
    occurrences = answer["occurrences"]
    return not occurrences["complete"] or any(occurrences[side]["count"] for side in ("gained", "lost"))


def _ids(store: CalendarStore, names: Collection[str]) -> list[str]:
    """Read the ids of the calendars' jobs, each once."""
    found: dict[str, None] = {}
    for name in names:
        cursor = -1
        while cursor != 0 and len(found) < JOBS_LOOKED_AT:
            cursor, ids = store.jobs_page(name, max(cursor, 0), PAGE)
            found |= dict.fromkeys(ids)
    return list(found)[:JOBS_LOOKED_AT]


def _changes(jobs: JobStore, ids: list[str], calendars: Calendars, now_ms: int) -> Iterator[JobChange]:
    for start in range(0, len(ids), PAGE):
        page = ids[start : start + PAGE]
        for job_id, fields in zip(page, jobs.get_many(page), strict=True):
            try:
                record = _planned(with_edits(jobs.scripts, read_job(job_id, fields)), calendars, now_ms)
            except (UnreadableJob, ScheduleError, ValidationFailed, ArithmeticError, LookupError, ValueError):
                continue
            if record is not None:
                name = record.definition.name
                yield JobChange("update", job_id, record, record.definition, name)


def _planned(record: JobRecord, calendars: Calendars, now_ms: int) -> JobRecord | None:
    """Return a job as it is planned by its calendar as it is now, though its turn may not have come yet.

    Returns:
        None for a job that is broken or disabled, or uses another calendar by now.
    """
    definition, plan = record.definition, record.plan
    now = calendars.get(definition.options.calendar or "")
    if plan.state == "broken" or not definition.enabled or now is None:
        return None
    if plan.calendar == reference(now):
        return record
    return replace(record, plan=plan_by_calendar(record, now_ms, now))
