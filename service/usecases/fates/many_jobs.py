"""Use case of the accounts of many jobs: of those with a label, or of all, a page of jobs at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.domain.fates.fate import FATES
from service.domain.timestamps import parse_period
from service.errors import Conflict, NotFound, ValidationFailed
from service.usecases.fates.occurrences import Occurrences
from service.usecases.jobs import Jobs

JOBS_A_PAGE = 20
"""Jobs whose accounts one request reads; each may take its whole history."""


class ManyAccounts:
    """The accounts of many jobs.

    Args:
        jobs: lists the jobs that exist for the caller.
        occurrences: reads the account of each.
    """

    def __init__(self, jobs: Jobs, occurrences: Occurrences) -> None:
        self._jobs = jobs
        self._occurrences = occurrences

    def page(
        self, *, labels: Sequence[str] = (), since: str | None = None, until: str | None = None,
        fate: str | None = None, limit: int = 100, cursor: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Read the accounts of some jobs, in the order of their creation.

        Args:
            labels: filters such as `team:crm`, all of which must hold for a job.
            since: as in `Occurrences.page`, and so are `until` and `fate`.
            until: the end of the span.
            fate: only instants with this fate.
            limit: the most instants of each job.
            cursor: the `next_cursor` of the page before.

        Returns:
            `{"jobs", "next_cursor"}`: each job's id and name with what `Occurrences.page` returns for it, or with
            `detail`: why its account cannot be read. A page may be short although more jobs follow.

        Raises:
            ValidationFailed: a parameter is invalid.
        """
        parse_period(since, until)
        if fate is not None and fate not in FATES:
            raise ValidationFailed.of("fate", f"must be one of {', '.join(FATES)}")
        jobs = self._jobs.list(limit=JOBS_A_PAGE, cursor=cursor, labels=labels)
        asked = {"since": since, "until": until, "fate": fate}
        found = [self._account(job["id"], job["name"], limit, asked) for job in jobs.data]
        return {"jobs": [one for one in found if one is not None], "next_cursor": jobs.next_cursor}

    def _account(self, job_id: str, name: str, limit: int, asked: dict[str, str | None]) -> dict[str, Any] | None:
        """Read one account; None if the job has gone meanwhile."""
        its = {"job_id": job_id, "job_name": name}
        try:
            return its | self._occurrences.page(job_id, limit=limit, **asked)
        except NotFound:
            return None
        except (Conflict, ValidationFailed) as error:
            return its | {"detail": str(error)}
