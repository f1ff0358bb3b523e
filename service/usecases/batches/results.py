"""Answers of a batch: one for each job, as its own request would have been answered."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.errors import (
    ConcurrentChange,
    Conflict,
    Forbidden,
    NotFound,
    ServiceError,
    StoreUnavailable,
    ValidationFailed,
)

log = logging.getLogger(__name__)

OUTCOMES = ("done", "unchanged", "refused")
"""What became of one job; in a dry run, what would."""
STATUSES: tuple[tuple[type[ServiceError], int], ...] = (
    (ValidationFailed, 400), (Forbidden, 403), (NotFound, 404), (Conflict, 409), (ConcurrentChange, 409),
    (StoreUnavailable, 503),
)  # fmt: skip
"""The status that the same request for this job alone would have got, where it is an error."""


@dataclass(slots=True)
class Result:
    """What became of one job.

    Args:
        job_id: the job's.
        status: the status that the request for it alone would have got.
        outcome: one of `OUTCOMES`.
        facts: what else the answer tells of it.
    """

    job_id: str
    status: int
    outcome: str = "done"
    facts: dict[str, Any] = field(default_factory=dict)

    def answer(self, name: str | None) -> dict[str, Any]:
        """Return it as the API does.

        Args:
            name: the job's; None if the caller may not know it.
        """
        return {"id": self.job_id, "name": name, "outcome": self.outcome, "status": self.status, **self.facts}


def attempted(job_id: str, act: Callable[[], Result]) -> Result:
    """Do it for one job; a refusal is its result.

    An error that nobody foresaw must not keep the answers of the other jobs from whoever asked: it is logged.
    """
    try:
        return act()
    except StoreUnavailable:
        raise
    except ServiceError as error:
        return refused(job_id, error)
    except Exception:
        log.exception("A batch failed unexpectedly at job %s", job_id)
        return Result(job_id, 500, "refused", {"detail": "Internal server error"})


def refused(job_id: str, error: ServiceError) -> Result:
    """Make the result of a job about which a request was refused."""
    facts: dict[str, Any] = {"detail": str(error)}
    if isinstance(error, ValidationFailed):
        facts["errors"] = [{"field": one.field, "message": one.message} for one in error.errors]
    return Result(job_id, next((status for kind, status in STATUSES if isinstance(error, kind)), 500), "refused", facts)


def left_out(job_ids: Sequence[str], error: StoreUnavailable) -> list[Result]:
    """Make the results of jobs at which a batch broke off, and of those that it has not come to."""
    first, *others = job_ids
    told = ServiceError(f"Nothing was tried, because of an earlier error: {error}")
    return [refused(first, error), *(Result(one, 503, "refused", {"detail": str(told)}) for one in others)]


def counted(results: Sequence[Result]) -> dict[str, int]:
    """Count the results by their outcome."""
    found = Counter(result.outcome for result in results)
    return {outcome: found[outcome] for outcome in OUTCOMES}
