"""Ids of jobs and runs, Idempotency-Keys, and the refusals of ids that name nothing."""

from __future__ import annotations

from service.domain.ids import is_id
from service.domain.records import JobRecord, UnreadableJob
from service.errors import Conflict, NotFound
from service.store.idempotency import Idempotency, Recalled
from service.store.jobs.job_hashes import JobStore


def no_job(job_id: str) -> NotFound:
    """Make the refusal of an unknown job."""
    return NotFound(f"Job {job_id} not found")


def no_run(job_id: str, run_id: str) -> NotFound:
    """Make the refusal of an unknown run."""
    return NotFound(f"Run {run_id} of job {job_id} not found")


def broken(job_id: str) -> Conflict:
    """Make the refusal of a job whose stored definition is damaged."""
    return Conflict(f"Job {job_id} is broken: its stored definition cannot be read; delete it")


def stored(store: JobStore, job_id: str) -> JobRecord:
    """Read a job as it is stored.

    Raises:
        NotFound: there is no such job.
        Conflict: its stored definition cannot be read.
    """
    try:
        record = store.get(job_id) if is_id(job_id) else None
    except UnreadableJob as error:
        raise broken(job_id) from error
    if record is None:
        raise no_job(job_id)
    return record


def once(scope: str, key: str | None, body: object) -> Idempotency | None:
    """Make the record of a request that counts once.

    Args:
        scope: the operation, within which a key is unique.
        key: the request's Idempotency-Key.
        body: the request's body.

    Returns:
        The record; None if the request has no key.
    """
    return None if key is None else Idempotency.of(scope, key, body)


def same_body(recalled: Recalled) -> str:
    """Return the earlier answer to an Idempotency-Key.

    Raises:
        Conflict: the earlier request had another body.
    """
    if recalled.answer is None:
        raise Conflict("This Idempotency-Key was used with another body; use a new key for a new request")
    return recalled.answer
