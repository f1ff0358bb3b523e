"""Find the run that is meant: by its id alone, by a part of it, or the newest of a job."""

from __future__ import annotations

from typing import Any

from service.cli.client.api import api, segment
from service.cli.client.job_lookup import find_id, job_path
from service.cli.client.short_ids import whole_id
from service.cli.exits import Exit, Failure
from service.cli.output.printing import note
from service.cli.output.times import utc
from service.domain.ids import is_id


class NoRunYet(Failure):
    """The job has not run yet."""


def run_path(job_id: str, run_id: str) -> str:
    """Return the path of a run in the API."""
    return f"{job_path(job_id)}/runs/{segment(run_id)}"


def chosen_run(job: str, run: str | None, *, tells: bool = True) -> tuple[str, str]:
    """Return the run that a person names, or else the newest one of the job.

    Args:
        job: the job's id or name; or the id of a run, alone.
        run: the run's id, or a part of it; None if nobody named one.
        tells: whether to say which run the newest one is.

    Returns:
        The ids of its job and of the run.

    Raises:
        NoRunYet: the job has no run.
        Failure: there is no such job, or several ids have this part.
    """
    if run is not None:
        job_id = find_id(job)
        return job_id, whole_id(run, f"{job_path(job_id)}/history")
    try:
        job_id = find_id(job)
        found = _newest(job_id)
    except NoRunYet:
        raise
    except Failure as failure:
        if failure.exit is not Exit.NOT_FOUND or (alone := run_alone(job)) is None:
            raise
        return str(alone["job_id"]), str(alone["id"])
    if tells:
        queued = "" if found.get("queued_at") is None else f", queued at {utc(found['queued_at'])}"
        note(f"The newest run is meant: {found['id']} ({found['trigger']}{queued}, {found['status']})")
    return job_id, str(found["id"])


def run_alone(text: str) -> dict[str, Any] | None:
    """Return the run with this id, or with one that begins or ends so, whatever its job; None if there is none."""
    run_id = text if is_id(text) else whole_id(text, "/scheduler/runs")
    if not is_id(run_id):
        return None
    try:
        return dict(api().json(api().ask("GET", f"/scheduler/runs/{segment(run_id)}"), "id", "job_id"))
    except Failure as failure:
        if failure.exit is not Exit.NOT_FOUND:
            raise
        return None


def _newest(job_id: str) -> dict[str, Any]:
    newest = api().items(api().ask("GET", f"{job_path(job_id)}/history", params={"limit": 1}))
    if not newest:
        raise NoRunYet(Exit.NOT_FOUND, "This job has not run yet; run it now with: bot-scheduler jobs run JOB")
    return dict(newest[0])
