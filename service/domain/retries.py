"""Retries of failed runs: whether there is one, and its delay. Callers pass the chance in."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from service.domain.options import Options
from service.domain.records import UnreadableJob
from service.domain.run_records import Claim, Outcome, Retry

LONGEST_DELAY_SECONDS = 3600


def follow_up(claim: Claim, outcome: Outcome, chance: Callable[[], float], *, rerun: bool) -> Retry | None:
    """Decide which run follows on one that has ended; None for none.

    Args:
        claim: the run that has ended.
        outcome: how it ended.
        chance: draws a number from 0 to 1.
        rerun: a stopping worker cut the run short, and its bot may run again without harm.
    """
    if outcome.status != "failed" or outcome.final:
        return None
    attempt = int(claim.run.get("attempt", 1))
    if rerun:
        return rerun_of(claim.run_id, attempt)
    try:
        options = claim.record.definition.options
    except UnreadableJob:
        return None
    return retry_of(claim.run_id, attempt, options, chance, outcome.wait_seconds)


def retry_of(
    run_id: str, attempt: int, options: Options, chance: Callable[[], float], wait_seconds: float = 0.0
) -> Retry | None:
    """Plan the retry of a failed run; None if no retry follows.

    The delay is `retry_delay_seconds` × 2ⁿ, at most an hour, with full jitter: anything from nothing to that
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). It follows the wait for which the
    failure asks, so that runs with the same wait do not all come back at once; together they take at most an hour, too.

    Args:
        run_id: the run that failed.
        attempt: the number of its attempt, from 1.
        options: the job's.
        chance: draws a number from 0 to 1.
        wait_seconds: the wait that the failure asks for, ≥ 0.
    """
    if attempt > options.max_retries:
        return None
    ceiling = min(options.retry_delay_seconds * 2 ** (attempt - 1), LONGEST_DELAY_SECONDS)
    delay = min(wait_seconds + ceiling * chance(), LONGEST_DELAY_SECONDS)
    return Retry(_id_after(run_id), attempt + 1, max(1, round(delay * 1000)))


def rerun_of(run_id: str, attempt: int) -> Retry:
    """Plan the run that follows at once on one that a stopping worker cut short; it does not count as an attempt."""
    return Retry(_id_after(run_id), attempt, 0)


def _id_after(run_id: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{run_id}/retry"))
