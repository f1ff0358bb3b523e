"""Naming jobs and runs: by ids that are UUIDs as we write them, and by Idempotency-Keys."""

from __future__ import annotations

from service.domain.ids import is_id
from service.domain.records import JobRecord, UnreadableJob
from service.errors import Conflict, NotFound
from service.store.idempotency import Idempotency, Recalled
from service.store.jobs.job_hashes import JobStore


def no_job(job_id: str) -> NotFound:
    """What is said of a job that there is not."""
    return NotFound(f"Job {job_id} not found")


def no_run(job_id: str, run_id: str) -> NotFound:
    """What is said of a run that there is not."""
    return NotFound(f"Run {run_id} of job {job_id} not found")


def broken(job_id: str) -> Conflict:
    """What is said of a job that outside hands have damaged."""
    return Conflict(f"Job {job_id} is broken: its stored definition cannot be read; delete it")


def stored(store: JobStore, job_id: str) -> JobRecord:
    """A job as it is stored. Raises NotFound; Conflict where its definition cannot be read."""
    try:
        record = store.get(job_id) if is_id(job_id) else None
    except UnreadableJob as error:
        raise broken(job_id) from error
    if record is None:
        raise no_job(job_id)
    return record


def once(scope: str, key: str | None, body: object) -> Idempotency | None:
    """A request that is to count once; None if it carries no Idempotency-Key."""
    return None if key is None else Idempotency.of(scope, key, body)


def same_body(recalled: Recalled) -> str:
    """What an Idempotency-Key was answered before. Raises Conflict if that was to another body."""
    if recalled.answer is None:
        raise Conflict("This Idempotency-Key was used with another body; take a new key for a new request")
    return recalled.answer
