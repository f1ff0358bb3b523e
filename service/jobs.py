"""What one can do with jobs and their runs: the use cases behind the API.

Takes plain JSON in, gives plain JSON out, and raises `service.errors`. It reads the time once per use case, from
Redis, and passes it down.
"""

from __future__ import annotations

import base64
import binascii
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from pydantic import BaseModel

from service import schedules
from service.clock import Clock, format_timestamp
from service.errors import (
    ConcurrentChange,
    Conflict,
    NotFound,
    PreconditionFailed,
    ServiceError,
    ValidationFailed,
)
from service.models import (
    JobDefinition,
    Options,
    Schedule,
    parse_create,
    parse_preview,
    parse_run_request,
    parse_timestamp,
    parse_toggle,
    parse_update,
    validate_bot_config,
)
from service.planning import changed_plan, new_record
from service.store.history import STATUSES, TRIGGERS, History, RunFilter
from service.store.idempotency import Idempotency, Recalled
from service.store.jobs import JobRecord, JobStore, Position, UnreadableJob
from service.store.listing import JobFilter, Listing, ShownJob
from service.store.presence import Presence
from service.store.runs import RunStore
from service.store.scripts import Scripts

CHANGE_TRIES = 20
"""How often a change is tried anew when others change the same job in between."""
SCAN_AT_MOST = 5_000
"""Jobs looked at for one filtered page; the page may be short then, and carries a cursor."""
POLL_SECONDS = 0.05
"""How often a waiting request looks whether its run has ended."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, its items as they are or as JSON, and the cursor of the next one if there is more."""

    items: list[Any]
    next_cursor: str | None

    def parsed(self) -> Page:
        """The same page, its items no longer JSON."""
        return Page([orjson.loads(item) for item in self.items], self.next_cursor)


class Jobs:
    """The use cases.

    Args:
        scripts: the installation's, see `service.dispatch.make_scripts`.
        clock: Redis' clock.
        configs: each bot's `Config`, by `bot_type`.
    """

    def __init__(self, scripts: Scripts, clock: Clock, configs: Mapping[str, type[BaseModel]]) -> None:
        self._jobs = JobStore(scripts)
        self._listing = Listing(scripts)
        self._runs = RunStore(scripts)
        self._history = History(scripts)
        self._presence = Presence(scripts)
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
            raise _broken(job_id) from error
        if job is None:
            raise _no_job(job_id)
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
        after = _position(cursor) if cursor is not None else None
        items, following = self._listing.page(limit, after, JobFilter(enabled_only, bot_type, q), SCAN_AT_MOST)
        return Page(items, _cursor(following) if following else None)

    def shown_all(
        self, *, enabled_only: bool = False, bot_type: str | None = None, q: str | None = None
    ) -> Iterator[bytes]:
        """All jobs in the order of their creation, each as JSON, in bounded memory."""
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
        once = _idempotency("create", key, body)
        job_id = str(uuid.uuid4())
        reckoned = self._jobs.reckoning.now_ms()
        made = None if reckoned is None else self._create(job_id, definition, once, reckoned, reckoned=True)
        if made is None:
            made = self._create(job_id, definition, once, self._clock.now_ms())
        assert made is not None
        if isinstance(made, bytes):
            return ShownJob(job_id, made, 1)
        kept = _same_body(made)
        answer = orjson.loads(kept)
        return ShownJob(answer["id"], kept.encode(), answer["revision"])

    def _create(
        self, job_id: str, definition: JobDefinition, once: Idempotency | None, now_ms: int, *, reckoned: bool = False
    ) -> bytes | Recalled | None:
        schedules.validate_schedule(definition.schedule, definition.options, now_ms // 1000)
        return self._jobs.create(new_record(job_id, definition, now_ms), once, reckoned=reckoned)

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
            record = self._record(job_id)
            if revisions and record.revision not in revisions:
                raise _other_revision(job_id)
            definition = change(record.definition)
            if definition == record.definition and record.plan.state != "broken":
                return record.answer()
            now_ms = self._clock.now_ms()
            schedules.validate_schedule(definition.schedule, definition.options, now_ms // 1000)
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
            raise _no_job(job_id)

    # runs

    def run_now(self, job_id: str, body: object | None = None, key: str | None = None) -> str:
        """Asks for a run outside of the schedule.

        Args:
            body: None, or `{"bot_config": {…}}` to be laid over the job's own for this run.
            key: the request's Idempotency-Key; the same key and body answer the same run for a day.

        Returns:
            The run's id.

        Raises:
            NotFound: no such job.
            ValidationFailed: the overlay would make an invalid `bot_config`.
            Conflict: too many runs of the job wait already, or the key was used with another body.
        """
        overlay = parse_run_request(body)
        if overlay is not None:
            definition = self._record(job_id).definition
            validate_bot_config(definition.bot_type, {**definition.bot_config, **overlay}, self._configs)
        elif not is_id(job_id):
            raise _no_job(job_id)
        run_id = str(uuid.uuid4())
        match self._runs.request(job_id, run_id, overlay, _idempotency(f"run {job_id}", key, body)):
            case Recalled() as recalled:
                return _same_body(recalled)
            case "gone":
                raise _no_job(job_id)
            case "full":
                raise Conflict(f"Job {job_id} has 1,000 runs waiting already; wait for some to end, or cancel them")
        return run_id

    def cancel(self, job_id: str, run_id: str) -> tuple[bool, dict[str, Any]]:
        """Cancels a run.

        Returns:
            Whether it has ended by that (a run under way is told, and ends within 10 s), and its entry.

        Raises:
            NotFound: no such run.
            Conflict: it has ended already.
        """
        before = self.run(job_id, run_id)
        match self._runs.cancel(job_id, run_id, "cancelled by request"):
            case "gone":
                raise _no_run(job_id, run_id)
            case "ended":
                raise Conflict(f"Run {run_id} has ended already ({before['status']})")
            case answer:
                return answer == "cancelled", self.run(job_id, run_id)

    def all_runs(
        self, *, limit: int, cursor: str | None = None, status: str | None = None, job_id: str | None = None,
        trigger: str | None = None, since: str | None = None, until: str | None = None,
    ) -> Page:  # fmt: skip
        """A page of all jobs' runs, newest first. Arguments and refusals are those of `shown_runs`."""
        page = self.shown_runs(
            limit=limit, cursor=cursor, status=status, job_id=job_id, trigger=trigger, since=since, until=until
        )
        return page.parsed()

    def shown_runs(
        self, *, limit: int, cursor: str | None = None, status: str | None = None, job_id: str | None = None,
        trigger: str | None = None, since: str | None = None, until: str | None = None,
    ) -> Page:  # fmt: skip
        """The same, each run as JSON.

        Args:
            since, until: only runs asked for at or after, and before, these times.

        Raises:
            ValidationFailed: a filter is none, or the cursor is none of ours.
        """
        _check_run_cursor(cursor)
        wanted = RunFilter(
            status=_one_of("status", status, STATUSES),
            job_id=job_id,
            trigger=_one_of("trigger", trigger, TRIGGERS),
            since_ms=None if since is None else parse_timestamp(since, "since") * 1000,
            until_ms=None if until is None else parse_timestamp(until, "until") * 1000,
        )
        return Page(*self._history.of_all(limit, cursor, wanted))

    def wait_for_run(self, job_id: str, run_id: str, seconds: float) -> dict[str, Any] | None:
        """A run's entry once it has ended; None if it has not within `seconds`."""
        end = time.monotonic() + seconds
        while True:
            found = self.run(job_id, run_id)
            if found["finished_at"] is not None:
                return found
            if time.monotonic() + POLL_SECONDS > end:
                return None
            time.sleep(POLL_SECONDS)

    def history(self, job_id: str, *, limit: int, cursor: str | None = None) -> Page:
        """A page of a job's runs, newest first. Raises NotFound."""
        return self.shown_history(job_id, limit=limit, cursor=cursor).parsed()

    def shown_history(self, job_id: str, *, limit: int, cursor: str | None = None) -> Page:
        """The same, each run as JSON."""
        _check_run_cursor(cursor)
        found = self._history.of_job(job_id, limit, cursor) if is_id(job_id) else None
        if found is None:
            raise _no_job(job_id)
        return Page(*found)

    def run(self, job_id: str, run_id: str) -> dict[str, Any]:
        """One run. Raises NotFound."""
        return dict(orjson.loads(self.shown_run(job_id, run_id)))

    def shown_run(self, job_id: str, run_id: str) -> bytes:
        """The same, as JSON."""
        found = self._history.one(job_id, run_id) if is_id(job_id) and is_id(run_id) else None
        if found is None:
            raise _no_run(job_id, run_id)
        return found

    def run_log(self, job_id: str, run_id: str) -> dict[str, Any]:
        """A run's log lines. Raises NotFound."""
        self.run(job_id, run_id)
        return {"lines": self._history.log(run_id)}

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
        record = self._record(job_id)
        after = parse_timestamp(from_, "from") if from_ is not None else self._clock.now_ms() // 1000
        definition = record.definition
        return _preview(definition.schedule, definition.options, after, count, record.plan.anchor)

    def health(self) -> dict[str, Any]:
        """Whether the service does its work; never raises."""
        try:
            census = self._presence.census()
        except ServiceError:
            return {"status": "unhealthy", "scheduler_running": False, "redis_connected": False,
                    "total_jobs": 0, "enabled_jobs": 0, "workers": 0}  # fmt: skip
        running = census.schedulers > 0
        return {
            "status": "healthy" if running else "unhealthy",
            "scheduler_running": running,
            "redis_connected": True,
            "total_jobs": census.total_jobs,
            "enabled_jobs": census.enabled_jobs,
            "workers": census.workers,
        }

    # within

    def _record(self, job_id: str) -> JobRecord:
        try:
            record = self._jobs.get(job_id) if is_id(job_id) else None
        except UnreadableJob as error:
            raise _broken(job_id) from error
        if record is None:
            raise _no_job(job_id)
        return record


def _idempotency(scope: str, key: str | None, body: object) -> Idempotency | None:
    return None if key is None else Idempotency.of(scope, key, body)


def _same_body(recalled: Recalled) -> str:
    if recalled.answer is None:
        raise Conflict("This Idempotency-Key was used with another body; take a new key for a new request")
    return recalled.answer


def _other_revision(job_id: str) -> PreconditionFailed:
    return PreconditionFailed(f"Job {job_id} has changed since; read it again, and send If-Match with its present ETag")


def _one_of(name: str, value: str | None, known: Collection[str]) -> str | None:
    if value is not None and value not in known:
        raise ValidationFailed.of(name, f"must be one of {', '.join(known)}")
    return value


def _preview(schedule: Schedule, options: Options, after: int, count: int, anchor: int) -> dict[str, Any]:
    occurrences = schedules.preview(schedule, options, after, count, anchor)
    return {
        "occurrences": [format_timestamp(occurrence) for occurrence in occurrences],
        "local": schedules.local_times(schedule, occurrences),
        "description": schedules.describe(schedule, options),
    }


def _broken(job_id: str) -> Conflict:
    return Conflict(f"Job {job_id} is broken: its stored definition cannot be read; delete it")


def _no_run(job_id: str, run_id: str) -> NotFound:
    return NotFound(f"Run {run_id} of job {job_id} not found")


def _no_job(job_id: str) -> NotFound:
    return NotFound(f"Job {job_id} not found")


def is_id(text: str) -> bool:
    """Whether `text` is a UUID as we write it; anything else names nothing."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _check_run_cursor(cursor: str | None) -> None:
    """Pages of runs go on after a run: its id is the cursor."""
    if cursor is not None and not is_id(cursor):
        raise _bad_cursor()


def _bad_cursor() -> ValidationFailed:
    return ValidationFailed.of("cursor", "must be the cursor of an earlier page")


def _cursor(position: Position) -> str:
    return base64.urlsafe_b64encode(f"{position.created}:{position.job_id}".encode()).decode().rstrip("=")


def _position(cursor: str) -> Position:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        created, _, job_id = base64.b64decode(padded, b"-_", validate=True).decode("ascii").partition(":")
        if created.isdecimal() and len(created) <= 17 and is_id(job_id):
            return Position(int(created), job_id)
    except (ValueError, binascii.Error):
        pass
    raise _bad_cursor()
