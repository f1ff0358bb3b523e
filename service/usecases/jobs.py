"""What one can do with jobs: the use cases behind the API.

Takes plain JSON in, gives plain JSON out, and raises `service.errors`. It reads the time once per use case, from
Redis, and passes it down.
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
from service.domain.records import UnreadableJob
from service.domain.schedules.definition import Schedule
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import ConcurrentChange, PreconditionFailed
from service.store.idempotency import Idempotency, Recalled
from service.store.jobs.job_hashes import JobStore
from service.store.jobs.listing import JobFilter, Listing, ShownJob
from service.store.scripts import Scripts
from service.usecases.ids import broken, no_job, once, same_body, stored
from service.usecases.paging import Page, cursor_of, position

CHANGE_TRIES = 20
"""How often a change is tried anew when others change the same job in between."""
SCAN_AT_MOST = 5_000
"""Jobs looked at for one filtered page; the page may be short then, and carries a cursor."""


class Jobs:
    """The use cases.

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

    def get(self, job_id: str) -> dict[str, Any]:
        """One job. Raises NotFound."""
        return dict(orjson.loads(self.shown(job_id).json))

    def shown(self, job_id: str) -> ShownJob:
        """The same, as JSON. Raises NotFound."""
        try:
            job = self._listing.one(job_id) if is_id(job_id) else None
        except UnreadableJob as error:
            raise broken(job_id) from error
        if job is None:
            raise no_job(job_id)
        return job

    def list(
        self, *, enabled_only: bool = False, bot_type: str | None = None, q: str | None = None,
        limit: int, cursor: str | None = None,
    ) -> Page:  # fmt: skip
        """A page of jobs in the order of their creation. Arguments and refusals are those of `shown_page`."""
        return self.shown_page(enabled_only=enabled_only, bot_type=bot_type, q=q, limit=limit, cursor=cursor).parsed()

    def shown_page(
        self, *, enabled_only: bool = False, bot_type: str | None = None, q: str | None = None,
        limit: int, cursor: str | None = None,
    ) -> Page:  # fmt: skip
        """The same, each job as JSON.

        Args:
            limit: jobs a page, 1–1,000.
            cursor: the last page's `next_cursor`.
            q: a text that name or description contain, whatever its case.

        Raises:
            ValidationFailed: the cursor is none of ours.
        """
        after = position(cursor) if cursor is not None else None
        items, following = self._listing.page(limit, after, JobFilter(enabled_only, bot_type, q), SCAN_AT_MOST)
        return Page(items, cursor_of(following) if following else None)

    def shown_all(
        self, *, enabled_only: bool = False, bot_type: str | None = None, q: str | None = None
    ) -> Iterator[Sequence[bytes]]:
        """All jobs in the order of their creation, each as JSON, some at a time."""
        return self._listing.all(JobFilter(enabled_only, bot_type, q))

    # changing

    def create(self, body: object, key: str | None = None) -> dict[str, Any]:
        """Makes a job. Arguments and refusals are those of `create_shown`."""
        return dict(orjson.loads(self.create_shown(body, key).json))

    def create_shown(self, body: object, key: str | None = None) -> ShownJob:
        """Makes a job, and shows it as JSON.

        Args:
            key: the request's Idempotency-Key; the same key and body answer the same job for a day.

        Raises:
            ValidationFailed: the body describes no job.
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
            return ShownJob(job_id, made, 1)
        kept = same_body(made)
        answer = orjson.loads(kept)
        return ShownJob(answer["id"], kept.encode(), answer["revision"])

    def _create(
        self, job_id: str, definition: JobDefinition, once: Idempotency | None, now_ms: int, *, estimated: bool = False
    ) -> bytes | Recalled | None:
        schedules.validate_schedule(definition.schedule, definition.options, now_ms // 1000)
        return self._jobs.create(new_record(job_id, definition, now_ms), once, estimated=estimated)

    def update(self, job_id: str, body: object, revisions: Collection[int] = ()) -> dict[str, Any]:
        """Changes the fields that the body names.

        Args:
            revisions: those that the job may have (`If-Match`); any, if there are none.

        Raises:
            NotFound, ValidationFailed; PreconditionFailed: the job is at another revision.
        """
        return self.change(job_id, lambda current: parse_update(body, current, self._configs), revisions)

    def toggle(self, job_id: str, body: object, revisions: Collection[int] = ()) -> dict[str, Any]:
        """Switches a job on or off. Raises as `update` does."""
        enabled = parse_toggle(body)
        return self.change(job_id, lambda current: replace(current, enabled=enabled), revisions)

    def change(
        self, job_id: str, change: Callable[[JobDefinition], JobDefinition], revisions: Collection[int] = ()
    ) -> dict[str, Any]:
        """Puts what `change` makes of the current definition in its place. Raises as `update` does.

        Args:
            change: called again when others changed the job in between.
        """
        for _ in range(CHANGE_TRIES):
            record = stored(self._jobs, job_id)
            if revisions and record.revision not in revisions:
                raise _other_revision(job_id)
            definition = change(record.definition)
            if definition == record.definition and record.plan.state != "broken":
                return record.answer()
            now_ms = self._clock.now_ms()
            stored_expression = record.definition.cron_expression
            schedules.validate_schedule(definition.schedule, definition.options, now_ms // 1000, stored_expression)
            plan = changed_plan(record, definition, now_ms)
            changed = replace(record, definition=definition, plan=plan, updated_at=now_ms, revision=record.revision + 1)
            if self._jobs.replace(changed, record.revision):
                return changed.answer()
        raise ConcurrentChange(f"Job {job_id} is being changed by others all the time; try again")

    def delete(self, job_id: str, revisions: Collection[int] = ()) -> None:
        """Deletes a job and all that is its own. Raises NotFound, PreconditionFailed."""
        deleted = self._jobs.delete(job_id, revisions) if is_id(job_id) else False
        if deleted is None:
            raise _other_revision(job_id)
        if not deleted:
            raise no_job(job_id)

    # looking ahead

    def preview(self, body: object) -> dict[str, Any]:
        """The coming occurrences of a schedule that is not stored. Raises ValidationFailed."""
        request = parse_preview(body)
        now = self._clock.now_ms() // 1000
        schedules.validate_schedule(request.schedule, request.options, now)
        after = now if request.from_ms is None else request.from_ms // 1000
        return _preview(request.schedule, request.options, after, request.count, anchor=after)

    def preview_job(self, job_id: str, *, from_: str | None, count: int) -> dict[str, Any]:
        """The coming occurrences of a job. Raises NotFound, ValidationFailed."""
        record = stored(self._jobs, job_id)
        after = parse_timestamp(from_, "from") if from_ is not None else self._clock.now_ms() // 1000
        definition = record.definition
        return _preview(definition.schedule, definition.options, after, count, record.plan.anchor)


def _other_revision(job_id: str) -> PreconditionFailed:
    return PreconditionFailed(f"Job {job_id} has changed since; read it again, and send If-Match with its present ETag")


def _preview(schedule: Schedule, options: Options, after: int, count: int, anchor: int) -> dict[str, Any]:
    occurrences = schedules.preview(schedule, options, after, count, anchor)
    return {
        "occurrences": [format_timestamp(occurrence) for occurrence in occurrences],
        "local": schedules.local_times(schedule, occurrences),
        "description": schedules.describe(schedule, options),
    }
