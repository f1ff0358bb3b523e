"""Use cases of jobs: list, read, create, change, delete, preview.

A request's body comes in as parsed JSON, views go out, and refusals are `service.errors`. Each use case reads the
time once, from Redis, and passes it down.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import orjson
from pydantic import BaseModel

from service.clock import Clock
from service.domain import schedules
from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.domain.edits.edited_plans import changed_job, dropped_edits
from service.domain.ids import is_id
from service.domain.job import JobDefinition
from service.domain.job_requests import parse_create, parse_preview, parse_toggle, parse_update
from service.domain.plain_json import dumps
from service.domain.planning import new_record, takes_long
from service.domain.records import JobRecord, UnreadableJob
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import ConcurrentChange
from service.interleaving import leave_loop_if
from service.store.calendars.calendar_store import CalendarStore
from service.store.idempotency import Idempotency, Recalled
from service.store.jobs.job_hashes import JobStore
from service.store.jobs.listing import Listing
from service.store.pauses.pause_store import PauseStore
from service.store.scripts import Scripts
from service.usecases.access.side_doors import require_bound_secrets, veiled
from service.usecases.access.sight import choice, is_limited, require_within_limits
from service.usecases.ids import broken, keeps_changing, no_job, once, other_revision, same_body, stored, stored_at
from service.usecases.job_filters import JobFilters, job_filter
from service.usecases.lists.sorted_jobs import SortedJobs
from service.usecases.paging import cursor_of, position
from service.usecases.previews import preview_of, preview_of_job
from service.usecases.views import JobView, Page

CHANGE_TRIES = 20
"""How often a change is tried again when others change the same job in between."""


class Jobs:
    """The use cases of jobs.

    Args:
        scripts: the installation's, see `service.store.rq_records.make_scripts`.
        clock: Redis' clock.
        configs: each bot's `Config`, by `bot_type`.
        about_persons: the bots whose errors are about persons.
    """

    def __init__(
        self, scripts: Scripts, clock: Clock, configs: Mapping[str, type[BaseModel]],
        about_persons: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._jobs = JobStore(scripts)
        self._listing = Listing(scripts)
        self.calendars = CalendarStore(scripts)
        self._pauses = PauseStore(scripts)
        self._clock = clock
        self._configs = configs
        self._visible = configs.keys() - set(about_persons)
        self.sorted = SortedJobs(scripts, self._visible)

    # reading

    def get(self, job_id: str) -> JobView:
        """Read one job.

        Raises:
            NotFound: there is no such job.
            Conflict: its stored definition cannot be read.
        """
        try:
            job = self._listing.one(job_id, choice()) if is_id(job_id) else None
        except UnreadableJob as error:
            raise broken(job_id) from error
        if job is None:
            raise no_job(job_id)
        return JobView(veiled(job.json, self._visible), job.id, job.revision)

    def list(self, *, limit: int, cursor: str | None = None, **filters: Unpack[JobFilters]) -> Page:
        """Read a page of jobs in the order of their creation.

        Args:
            limit: the most jobs on the page, 1–`MAX_JOB_PAGE`.
            cursor: the `next_cursor` of the page before.
            filters: see `JobFilters`.

        Returns:
            The page. It is short only if no more jobs follow.

        Raises:
            ValidationFailed: the cursor or a filter is invalid.
        """
        after = position(cursor) if cursor is not None else None
        if not job_filter(**filters).wants_all:
            return self.sorted.following(limit, after, **filters)
        items, following = self._listing.page(limit, after)
        return Page([veiled(job, self._visible) for job in items], cursor_of(following) if following else None)

    def all(self, **filters: Unpack[JobFilters]) -> Iterator[Sequence[bytes]]:
        """Read all jobs in the order of their creation, in bounded memory.

        Args:
            filters: see `JobFilters`.

        Returns:
            The jobs as JSON, some at a time.

        Raises:
            ValidationFailed: a filter is invalid.
        """
        found = self._listing.all(job_filter(**filters))
        if Scope.CONTACTS in caller().scopes:
            return found
        return ([dumps(veiled(job, self._visible)) for job in some] for some in found)

    def count(self) -> tuple[int, int]:
        """Count the jobs, and the enabled ones. For a caller with limits, all jobs are read."""
        return self._jobs.counts_of(choice()) if is_limited() else self._jobs.counts()

    # changing

    def create(self, body: object, key: str | None = None) -> JobView:
        """Create a job.

        Args:
            body: the job's definition.
            key: the request's Idempotency-Key. For a day, the same key and body return the same job.

        Raises:
            ValidationFailed: the definition is invalid, or beyond the caller's limits.
            Conflict: the key was used with another body, or there are as many jobs as `MAX_JOBS` allows.
            StoreFull: Redis is nearly full.
        """
        definition = parse_create(body, self._configs)
        require_bound_secrets(definition)
        require_within_limits(definition)
        leave_loop_if(takes_long(definition))
        sent = once("create", key, body)
        job_id = str(uuid.uuid4())
        now_ms = self._jobs.clock_estimate.now_ms()
        made = None if now_ms is None else self._create(job_id, definition, sent, now_ms, estimated=True)
        for _ in range(CHANGE_TRIES):  # one, unless others change the job's calendar all the time
            made = made or self._create(job_id, definition, sent, self._clock.now_ms())
        if made is None:
            raise ConcurrentChange(f"The calendar {definition.options.calendar} keeps changing; try again")
        if isinstance(made, bytes):
            return JobView(made, job_id, 1)
        kept = same_body(made)
        answer = orjson.loads(kept)
        return JobView(kept.encode(), answer["id"], answer["revision"])

    def _create(
        self, job_id: str, definition: JobDefinition, once: Idempotency | None, now_ms: int, *, estimated: bool = False
    ) -> bytes | Recalled | None:
        schedules.refuse_short_interval(definition.schedule, self._jobs.limits.min_interval)
        calendar = self.calendars.of(definition.options)
        schedules.validate_schedule(definition.schedule, definition.options, now_ms // 1000, None, calendar)
        return self._jobs.create(new_record(job_id, definition, now_ms, calendar), once, estimated=estimated)

    def update(self, job_id: str, body: object, revisions: Collection[int] = ()) -> JobView:
        """Change the fields that the body names.

        Args:
            job_id: the job's id.
            body: the fields with their new values.
            revisions: the revisions that the job may have (`If-Match`); if empty, any.

        Raises:
            NotFound: there is no such job.
            ValidationFailed: the changed definition is invalid, or beyond the caller's limits.
            PreconditionFailed: the job is at another revision.
            ConcurrentChange: others change the job all the time.
        """
        return self.change(job_id, lambda current: self.updated(current, body), revisions)

    def updated(self, current: JobDefinition, body: object) -> JobDefinition:
        """Return a definition with the fields that a body names replaced, checked. Raises ValidationFailed."""
        return parse_update(body, current, self._configs)

    def toggle(self, job_id: str, body: object, revisions: Collection[int] = ()) -> JobView:
        """Enable or disable a job.

        Args:
            job_id: the job's id.
            body: `{"enabled": true}` or `{"enabled": false}`.
            revisions: as in `update`.

        Raises:
            ServiceError: as `update` does.
        """
        enabled = parse_toggle(body)
        return self.change(job_id, lambda current: replace(current, enabled=enabled), revisions)

    def change(
        self, job_id: str, change: Callable[[JobDefinition], JobDefinition], revisions: Collection[int] = (),
        restored_from: int | None = None,
    ) -> JobView:  # fmt: skip
        """Replace a job's definition.

        Args:
            job_id: the job's id.
            change: makes the new definition from the current one. It is called again when others changed the job in
                between.
            revisions: as in `update`.
            restored_from: the revision whose definition the job gets again; None for a definition of its own.

        Raises:
            ServiceError: as `update` does.
        """
        record, changed = self.replaced(job_id, change, revisions, restored_from)
        return self._view(changed, dropped_edits(record.edits, changed.edits))

    def replaced(
        self, job_id: str, change: Callable[[JobDefinition], JobDefinition], revisions: Collection[int] = (),
        restored_from: int | None = None,
    ) -> tuple[JobRecord, JobRecord]:  # fmt: skip
        """Make a change as `change` does. Return the job as it was, and as it is: the same if nothing changed."""
        for _ in range(CHANGE_TRIES):
            record, changed = self.prospect(job_id, change, revisions)
            if changed is record or self._jobs.replace(changed, record, restored_from):
                return record, changed
        raise keeps_changing(job_id)

    def prospect(
        self, job_id: str, change: Callable[[JobDefinition], JobDefinition], revisions: Collection[int] = ()
    ) -> tuple[JobRecord, JobRecord]:
        """Check a change as `change` does. Return the job as it is, and as it would be: the same if nothing changes."""
        record = stored_at(self._jobs, job_id, revisions)
        leave_loop_if(takes_long(record.definition))
        definition = change(record.definition)
        if definition == record.definition and record.plan.state != "broken":
            return record, record
        leave_loop_if(takes_long(definition))
        require_bound_secrets(definition, record.definition)
        require_within_limits(definition)
        schedule, former = definition.schedule, record.definition.schedule
        if schedule != former:
            schedules.refuse_short_interval(schedule, self._jobs.limits.min_interval)
        now_ms, calendar = self._clock.now_ms(), self.calendars.of(definition.options)
        schedules.validate_schedule(schedule, definition.options, now_ms // 1000, former, calendar)
        return record, changed_job(record, definition, now_ms, calendar)

    def delete(self, job_id: str, revisions: Collection[int] = ()) -> None:
        """Delete a job with its history.

        Raises:
            NotFound: there is no such job.
            PreconditionFailed: the job is not at one of `revisions`.
            ConcurrentChange: others change the job all the time.
        """
        for _ in range(CHANGE_TRIES):
            # With limits, at the revision that the caller sees: others may take the job out of its sight meanwhile.
            expected = (stored_at(self._jobs, job_id, revisions).revision,) if is_limited() else revisions
            deleted = self._jobs.delete(job_id, expected) if is_id(job_id) else False
            if deleted:
                return
            if deleted is not None:
                raise no_job(job_id)
            if expected is revisions:
                raise other_revision(job_id)
        raise keeps_changing(job_id)

    def _view(self, record: JobRecord, dropped: Sequence[int]) -> JobView:
        told = {"dropped_changes": [format_timestamp(at) for at in dropped]} if dropped else {}
        return JobView(veiled(record.answer() | told, self._visible), record.id, record.revision)

    def preview(self, body: object) -> dict[str, Any]:
        """Compute the coming occurrences of the schedule in a request's body.

        Raises:
            ValidationFailed: the body is invalid.
        """
        request = parse_preview(body)
        return preview_of(request, self._clock.now_ms() // 1000, self.calendars.of(request.options))

    def preview_job(self, job_id: str, *, from_: str | None, count: int) -> dict[str, Any]:
        """Compute the coming occurrences of a job: `count` (1–`PREVIEW_LIMIT`) of them, after a timestamp or now.

        Raises:
            NotFound: there is no such job.
            ValidationFailed: `from_` is not a timestamp.
        """
        record = stored(self._jobs, job_id)
        after = parse_timestamp(from_, "from") if from_ is not None else self._clock.now_ms() // 1000
        calendar = self.calendars.of(record.definition.options)
        return preview_of_job(record, after, count, calendar, *self._pauses.stored())
