"""Ids of jobs and runs, Idempotency-Keys, and what is refused: ids that name nothing, and runs by hand."""

from __future__ import annotations

from collections.abc import Collection

from service.domain.access.callers import caller
from service.domain.ids import is_id
from service.domain.records import JobRecord, UnreadableJob
from service.domain.run_records import LATEST_DAYS, MOST_LATER
from service.errors import (
    ConcurrentChange,
    Conflict,
    NotFound,
    PreconditionFailed,
    ServiceError,
    ValidationFailed,
)
from service.store.idempotency import Idempotency, Recalled
from service.store.jobs.job_hashes import JobStore
from service.usecases.access.sight import is_limited, sees_definition

_ONE_KEY = ("root", "service")
"""Callers with API_KEY. Their Idempotency-Keys are kept as by earlier releases, which knew no other callers."""


def no_job(job_id: str) -> NotFound:
    """Make the refusal of an unknown job."""
    return NotFound(f"Job {job_id} not found")


def no_run(job_id: str, run_id: str) -> NotFound:
    """Make the refusal of an unknown run."""
    return NotFound(f"Run {run_id} of job {job_id} not found")


def broken(job_id: str) -> Conflict | NotFound:
    """Make the refusal of a job whose stored definition is damaged; to a caller with limits, there is no such job."""
    if is_limited():
        return no_job(job_id)
    return Conflict(f"Job {job_id} is broken: its stored definition cannot be read; delete it")


def stored(store: JobStore, job_id: str) -> JobRecord:
    """Read a job as it is stored.

    Raises:
        NotFound: there is no such job, to this caller.
        Conflict: its stored definition cannot be read.
    """
    try:
        record = store.get(job_id) if is_id(job_id) else None
    except UnreadableJob as error:
        raise broken(job_id) from error
    if record is None or not sees_definition(record.definition):
        raise no_job(job_id)
    return record


def once(scope: str, key: str | None, body: object) -> Idempotency | None:
    """Make the record of a request that counts once.

    Args:
        scope: the operation, within which a caller's key is unique.
        key: the request's Idempotency-Key.
        body: the request's body.

    Returns:
        The record; None if the request has no key.
    """
    if key is None:
        return None
    actor = caller().actor
    return Idempotency.of(scope if actor in _ONE_KEY else f"{scope}\n{actor}", key, body)


def same_body(recalled: Recalled) -> str:
    """Return the earlier answer to an Idempotency-Key.

    Raises:
        Conflict: the earlier request had another body.
    """
    if recalled.answer is None:
        raise Conflict("This Idempotency-Key was used with another body; use a new key for a new request")
    return recalled.answer


def other_revision(job_id: str) -> PreconditionFailed:
    """Make the refusal of a change of another revision than the present one."""
    return PreconditionFailed(f"Job {job_id} has changed; read it again and send its current ETag in If-Match")


def keeps_changing(job_id: str) -> ConcurrentChange:
    """Make the refusal of a change that others have prevented again and again."""
    return ConcurrentChange(f"Job {job_id} keeps changing; try again")


def stored_at(store: JobStore, job_id: str, revisions: Collection[int]) -> JobRecord:
    """Read a job that must be at one of these revisions; if these are empty, at any.

    Raises:
        NotFound, Conflict: as `stored` does.
        PreconditionFailed: the job is at another revision.
    """
    record = stored(store, job_id)
    if revisions and record.revision not in revisions:
        raise other_revision(job_id)
    return record


def refusal_of_run(word: str, job_id: str) -> ServiceError:
    """Make the error of a run by hand that a script refused with a word."""
    match word:
        case "full":
            return Conflict(f"Job {job_id} has 1,000 runs waiting already; wait for some to end, or cancel them")
        case "elsewhere":
            return Conflict(f"Job {job_id} is a heartbeat job: others do its work, and nothing here can run it")
        case "many":
            return Conflict(
                f"Job {job_id} has {MOST_LATER} runs that await their time already; cancel some, or wait for them"
            )
        case "past" | "far":
            return bad_time(word)
        case "not_ended":
            return Conflict("The run has not ended; only a run that has ended can be done again")
    return no_job(job_id)


def bad_time(word: str) -> ValidationFailed:
    """Make the error of a time that is `past` or `far`."""
    ahead = "must be in the future" if word == "past" else f"must be at most {LATEST_DAYS} days ahead"
    return ValidationFailed.of("at", ahead)


def not_ended(run_id: str, status: str) -> Conflict:
    """Make the error of a run that cannot be done again, since it has not ended or never ran."""
    if status == "skipped":
        return Conflict(f"Run {run_id} was skipped, so it cannot be done again; a backfill runs what was skipped")
    return Conflict(f"Run {run_id} has not ended ({status}); only a run that has ended can be done again")
