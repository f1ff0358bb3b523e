"""What one can do with runs: ask for one, cancel it, wait for it, and read how they went.

As in `service.usecases.jobs`, plain JSON comes in and goes out, and refusals are `service.errors`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Mapping
from typing import Any

import orjson
from pydantic import BaseModel

from service import logs
from service.domain.ids import is_id
from service.domain.job_fields import validate_bot_config
from service.domain.job_requests import parse_run_request
from service.domain.run_records import STATUSES, TRIGGERS
from service.domain.timestamps import parse_timestamp
from service.errors import Conflict, ValidationFailed
from service.store.idempotency import Recalled
from service.store.jobs.job_hashes import JobStore
from service.store.runs.run_hashes import RunStore
from service.store.runs.run_views import History, RunFilter
from service.store.scripts import Scripts
from service.usecases.ids import no_job, no_run, once, same_body, stored
from service.usecases.paging import Page, check_run_cursor

POLL_SECONDS = 0.05
"""How often a waiting request looks whether its run has ended."""


class Runs:
    """The use cases.

    Args:
        scripts: the installation's, see `service.store.rq_records.make_scripts`.
        configs: each bot's `Config`, by `bot_type`.
    """

    def __init__(self, scripts: Scripts, configs: Mapping[str, type[BaseModel]]) -> None:
        self._jobs = JobStore(scripts)
        self._runs = RunStore(scripts)
        self._history = History(scripts)
        self._configs = configs

    def run_now(self, job_id: str, body: object | None = None, key: str | None = None) -> str:
        """Asks for a run outside of the schedule, and keeps on it which request did, if one is being answered.

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
            definition = stored(self._jobs, job_id).definition
            validate_bot_config(definition.bot_type, {**definition.bot_config, **overlay}, self._configs)
        elif not is_id(job_id):
            raise no_job(job_id)
        run_id = str(uuid.uuid4())
        idempotency = once(f"run {job_id}", key, body)
        match self._runs.request(job_id, run_id, overlay, idempotency, logs.request_id()):
            case Recalled() as recalled:
                return same_body(recalled)
            case "gone":
                raise no_job(job_id)
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
                raise no_run(job_id, run_id)
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
        check_run_cursor(cursor)
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
        check_run_cursor(cursor)
        found = self._history.of_job(job_id, limit, cursor) if is_id(job_id) else None
        if found is None:
            raise no_job(job_id)
        return Page(*found)

    def run(self, job_id: str, run_id: str) -> dict[str, Any]:
        """One run. Raises NotFound."""
        return dict(orjson.loads(self.shown_run(job_id, run_id)))

    def shown_run(self, job_id: str, run_id: str) -> bytes:
        """The same, as JSON."""
        found = self._history.one(job_id, run_id) if is_id(job_id) and is_id(run_id) else None
        if found is None:
            raise no_run(job_id, run_id)
        return found

    def run_log(self, job_id: str, run_id: str) -> dict[str, Any]:
        """A run's log lines, the number of the last, and whether the log is not kept any more. Raises NotFound."""
        self.run(job_id, run_id)
        log = self._history.log(run_id)
        return {"lines": log.parsed(), "last_line": log.last, "trimmed": log.trimmed}


def _one_of(name: str, value: str | None, known: Collection[str]) -> str | None:
    if value is not None and value not in known:
        raise ValidationFailed.of(name, f"must be one of {', '.join(known)}")
    return value
