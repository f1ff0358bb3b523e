"""Use cases of deleted jobs: list them, and restore one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service.clock import Clock
from service.domain import schedules
from service.domain.access.callers import caller
from service.domain.edits.edited_plans import kept_edits, with_edits
from service.domain.ids import is_id
from service.domain.job_fields import Configs
from service.domain.job_requests import parse_create
from service.domain.planning import plan_anew, takes_long
from service.domain.timestamps import format_ms
from service.errors import ConcurrentChange, Conflict, NotFound
from service.interleaving import leave_loop_if
from service.store.calendars.calendar_store import CalendarStore
from service.store.jobs.deleted_jobs import KEPT_MS, DeletedJob, DeletedJobs
from service.store.scripts import Scripts
from service.usecases.access.sight import is_limited
from service.usecases.paging import invalid_cursor
from service.usecases.views import JobView, Page


class Deleted:
    """The deleted jobs of an installation.

    Args:
        scripts: the scripts of this installation.
        clock: Redis' clock.
        configs: each bot's `Config`, by `bot_type`.
    """

    def __init__(self, scripts: Scripts, clock: Clock, configs: Configs) -> None:
        self._store = DeletedJobs(scripts)
        self._calendars = CalendarStore(scripts)
        self._clock = clock
        self._configs = configs

    def page(self, limit: int, cursor: str | None = None) -> Page:
        """Read a page of the jobs that can be restored, last deleted first.

        Args:
            limit: the most jobs on the page.
            cursor: the `next_cursor` of the page before.

        Raises:
            ValidationFailed: the cursor is invalid.
        """
        if cursor is not None and not is_id(cursor):
            raise invalid_cursor()
        if cursor is not None and is_limited():
            last = self._store.get(cursor)
            if last is None or not _sees(last):
                return Page([])  # as for an unknown one: a cursor must not tell whether others' job was deleted
        found: list[DeletedJob] = []
        for one in self._store.after(cursor):
            if len(found) == limit:
                return Page([_shown(job) for job in found], found[-1].record.id)
            found += [one] if _sees(one) else []
        return Page([_shown(job) for job in found])

    def restore(self, job_id: str) -> JobView:
        """Bring a deleted job back under its id, enabled or disabled as it was, planned anew, without its runs.

        Raises:
            NotFound: no such job was deleted in the last 30 days.
            ValidationFailed: its definition is not valid any more.
            Conflict: there is a job with its id, or there are as many jobs as `MAX_JOBS` allows.
            StoreFull: Redis is nearly full.
        """
        deleted = self._store.get(job_id) if is_id(job_id) else None
        if deleted is None or not _sees(deleted):
            raise _not_kept(job_id)
        leave_loop_if(takes_long(deleted.record.definition))
        before, now_ms = deleted.record, self._clock.now_ms()
        definition = parse_create(before.definition.definition_fields(), self._configs)
        calendar = self._calendars.of(definition.options)
        former = before.definition.schedule
        schedules.validate_schedule(definition.schedule, definition.options, now_ms // 1000, former, calendar)
        plan = plan_anew(job_id, definition, now_ms, before, calendar)
        to_come = before.edits.without(*(edit.instant for edit in before.edits.pending if edit.due <= now_ms))
        kept = kept_edits(job_id, definition, plan.anchor, to_come, now_ms, before.last_decided, calendar)
        record = replace(
            before, definition=definition, plan=with_edits(job_id, definition, plan, kept, calendar),
            edits=kept, updated_at=now_ms, revision=before.revision + 1,
            last_run_at=None, last_run_status=None, last_run_error=None,
        )  # fmt: skip
        match self._store.restore(deleted, record):
            case "exists":
                raise Conflict(f"Job {job_id} exists; a deleted job cannot take its place")
            case "calendar":
                raise ConcurrentChange(f"The calendar of job {job_id} was changed in the meantime; try again")
            case "gone":
                raise _not_kept(job_id)
        return JobView(record.answer(), record.id, record.revision)


def _sees(deleted: DeletedJob) -> bool:
    """Return whether the job exists for the caller."""
    definition = deleted.record.definition
    return caller().limits.allow(getattr(definition, "labels", {}), definition.bot_type)


def _not_kept(job_id: str) -> NotFound:
    return NotFound(f"No deleted job {job_id} can be restored; a deleted job is kept for 30 days")


def _shown(deleted: DeletedJob) -> dict[str, Any]:
    return {
        "id": deleted.record.id,
        "revision": deleted.record.revision,
        "deleted_at": format_ms(deleted.at),
        "deleted_by": deleted.by,
        "kept_until": format_ms(deleted.at + KEPT_MS),
        "definition": deleted.record.definition.definition_fields(),
    }
