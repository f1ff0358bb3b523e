"""Use cases of jobs: list, read, create, change, delete, preview.

A request's body comes in as parsed JSON, views go out, and refusals are `service.errors`. Each use case reads the
time once, from Redis, and passes it down.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from pydantic import BaseModel

from service.clock import Clock
from service.domain import schedules
from service.domain.ids import is_id
from service.domain.job import JobDefinition
from service.domain.job_requests import parse_create, parse_preview, parse_toggle, parse_update
from service.domain.options import Options
from service.domain.planning import changed_plan, new_record
from service.domain.records import JobRecord, UnreadableJob
from service.domain.schedules.definition import Schedule
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import ConcurrentChange, PreconditionFailed
from service.store.idempotency import Idempotency, Recalled
from service.store.jobs.job_hashes import JobStore
from service.store.jobs.listing import JobFilter, Listing
from service.store.scripts import Scripts
from service.usecases.ids import broken, no_job, once, same_body, stored
from service.usecases.paging import cursor_of, position
from service.usecases.views import JobView, Page

CHANGE_TRIES = 20
"""How often a change is tried again when others change the same job in between."""
SCAN_AT_MOST = 5_000
"""The most jobs that one filtered page reads. A page that stops here may be short; it still has a cursor."""


class Jobs:
    """The use cases of jobs.

    Args:
        scripts: the installation's, see `service.store.rq_records.make_scripts`.
        clock: Redis' clock.
        configs: each bot's `Config`, by `bot_type`.
    """

    def __init__(self, scripts: Scripts, clock: Clock, configs: Mapping[str, type[BaseModel]]) -> None:
        self._jobs = JobStore(scripts)
        self._listing = Listing(scripts)
        self._clock = clock
        self._configs = configs

    # reading

    def get(self, job_id: str) -> JobView:
        """Read one job.

        Raises:
            NotFound: there is no such job.
            Conflict: its stored definition cannot be read.
        """
        try:
            job = self._listing.one(job_id) if is_id(job_id) else None
        except UnreadableJob as error:
            raise broken(job_id) from error
        if job is None:
            raise no_job(job_id)
        return JobView(job.json, job.id, job.revision)

    def list(
        self, *, enabled_only: bool = False, bot_type: str | None = None, q: str | None = None,
        limit: int, cursor: str | None = None,
    ) -> Page:  # fmt: skip
        """Read a page of jobs in the order of their creation.

        Args:
            enabled_only: whether to leave out disabled jobs.
            bot_type: leave out other bots' jobs.
            q: a text that the name or the description contains, in any case.
            limit: the most jobs on the page, 1–`MAX_JOB_PAGE`.
            cursor: the `next_cursor` of the page before.

        Returns:
            The page. With a filter it may be short although more jobs follow.

        Raises:
            ValidationFailed: the cursor is invalid.
        """
        after = position(cursor) if cursor is not None else None
        items, following = self._listing.page(limit, after, JobFilter(enabled_only, bot_type, q), SCAN_AT_MOST)
        return Page(items, cursor_of(following) if following else None)

    def all(
        self, *, enabled_only: bool = False, bot_type: str | None = None, q: str | None = None
    ) -> Iterator[Sequence[bytes]]:
        """Read all jobs in the order of their creation, in bounded memory.

        Args:
            enabled_only: whether to leave out disabled jobs.
            bot_type: leave out other bots' jobs.
            q: a text that the name or the description contains, in any case.

        Returns:
            The jobs as JSON, some at a time.
        """
        return self._listing.all(JobFilter(enabled_only, bot_type, q))

    # changing

    def create(self, body: object, key: str | None = None) -> JobView:
        """Create a job.

        Args:
            body: the job's definition.
            key: the request's Idempotency-Key. For a day, the same key and body return the same job.

        Raises:
            ValidationFailed: the definition is invalid.
            Conflict: the key was used with another body.
        """
        definition = parse_create(body, self._configs)
        sent = once("create", key, body)
        job_id = str(uuid.uuid4())
        estimated = self._jobs.clock_estimate.now_ms()
        made = None if estimated is None else self._create(job_id, definition, sent, estimated, estimated=True)
        if made is None:
            made = self._create(job_id, definition, sent, self._clock.now_ms())
        assert made is not None
        if isinstance(made, bytes):
            return JobView(made, job_id, 1)
        kept = same_body(made)
        answer = orjson.loads(kept)
        return JobView(kept.encode(), answer["id"], answer["revision"])

    def _create(
        self, job_id: str, definition: JobDefinition, once: Idempotency | None, now_ms: int, *, estimated: bool = False
    ) -> bytes | Recalled | None:
        schedules.validate_schedule(definition.schedule, definition.options, now_ms // 1000)
        return self._jobs.create(new_record(job_id, definition, now_ms), once, estimated=estimated)

    def update(self, job_id: str, body: object, revisions: Collection[int] = ()) -> JobView:
        """Change the fields that the body names.

        Args:
            job_id: the job's id.
            body: the fields with their new values.
            revisions: the revisions that the job may have (`If-Match`); if empty, any.

        Raises:
            NotFound: there is no such job.
            ValidationFailed: the changed definition is invalid.
            PreconditionFailed: the job is at another revision.
            ConcurrentChange: others change the job all the time.
        """
        return self.change(job_id, lambda current: parse_update(body, current, self._configs), revisions)

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
        self, job_id: str, change: Callable[[JobDefinition], JobDefinition], revisions: Collection[int] = ()
    ) -> JobView:
        """Replace a job's definition.

        Args:
            job_id: the job's id.
            change: makes the new definition from the current one. It is called again when others changed the job in
                between.
            revisions: as in `update`.

        Raises:
            ServiceError: as `update` does.
        """
        for _ in range(CHANGE_TRIES):
            record = stored(self._jobs, job_id)
            if revisions and record.revision not in revisions:
                raise _other_revision(job_id)
            definition = change(record.definition)
            if definition == record.definition and record.plan.state != "broken":
                return _view(record)
            now_ms = self._clock.now_ms()
            stored_expression = record.definition.cron_expression
            schedules.validate_schedule(definition.schedule, definition.options, now_ms // 1000, stored_expression)
            plan = changed_plan(record, definition, now_ms)
            changed = replace(record, definition=definition, plan=plan, updated_at=now_ms, revision=record.revision + 1)
            if self._jobs.replace(changed, record.revision):
                return _view(changed)
        raise ConcurrentChange(f"Job {job_id} keeps changing; try again")

    def delete(self, job_id: str, revisions: Collection[int] = ()) -> None:
        """Delete a job with its history.

        Raises:
            NotFound: there is no such job.
            PreconditionFailed: the job is not at one of `revisions`.
        """
        deleted = self._jobs.delete(job_id, revisions) if is_id(job_id) else False
        if deleted is None:
            raise _other_revision(job_id)
        if not deleted:
            raise no_job(job_id)

    # looking ahead

    def preview(self, body: object) -> dict[str, Any]:
        """Compute the coming occurrences of the schedule in a request's body.

        Raises:
            ValidationFailed: the body is invalid.
        """
        request = parse_preview(body)
        now = self._clock.now_ms() // 1000
        schedules.validate_schedule(request.schedule, request.options, now)
        after = now if request.from_ms is None else request.from_ms // 1000
        return _preview(request.schedule, request.options, after, request.count, anchor=after)

    def preview_job(self, job_id: str, *, from_: str | None, count: int) -> dict[str, Any]:
        """Compute the coming occurrences of a job.

        Args:
            job_id: the job's id.
            from_: the timestamp after which they begin; None means now.
            count: how many, 1–`PREVIEW_LIMIT`.

        Raises:
            NotFound: there is no such job.
            ValidationFailed: `from_` is not a timestamp.
        """
        record = stored(self._jobs, job_id)
        after = parse_timestamp(from_, "from") if from_ is not None else self._clock.now_ms() // 1000
        definition = record.definition
        return _preview(definition.schedule, definition.options, after, count, record.plan.anchor)


def _view(record: JobRecord) -> JobView:
    return JobView(record.answer(), record.id, record.revision)


def _other_revision(job_id: str) -> PreconditionFailed:
    return PreconditionFailed(f"Job {job_id} has changed; read it again and send its current ETag in If-Match")


def _preview(schedule: Schedule, options: Options, after: int, count: int, anchor: int) -> dict[str, Any]:
    occurrences = schedules.preview(schedule, options, after, count, anchor)
    return {
        "occurrences": [format_timestamp(occurrence) for occurrence in occurrences],
        "local": schedules.local_times(schedule, occurrences),
        "description": schedules.describe(schedule, options),
    }
