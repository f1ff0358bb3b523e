"""Find the run that is meant where a command names none: the newest one."""

from __future__ import annotations

from typing import Any

from service.cli.client.api import api
from service.cli.client.job_lookup import job_path
from service.cli.exits import Exit, Failure
from service.cli.output.printing import note, utc


class NoRunYet(Failure):
    """The job has not run yet."""


def chosen_run(job_id: str, run: str | None) -> str:
    """Return the run that a person names, or else the newest one, and say then which that is.

    Args:
        job_id: the job's id.
        run: the run's id; None if nobody named one.

    Raises:
        NoRunYet: the job has no run.
        Failure: there is no such job.
    """
    if run is not None:
        return run
    found = newest_run(job_id)
    queued = "" if found.get("queued_at") is None else f", queued at {utc(found['queued_at'])}"
    note(f"The newest run is meant: {found['id']} ({found['trigger']}{queued}, {found['status']})")
    return str(found["id"])


def newest_run(job_id: str) -> dict[str, Any]:
    """Return a job's newest run. Raises NoRunYet."""
    newest = api().get(f"{job_path(job_id)}/history", limit=1)
    if not newest:
        raise NoRunYet(Exit.NOT_FOUND, "This job has not run yet; run it now with: bot-scheduler jobs run JOB")
    return dict(newest[0])
