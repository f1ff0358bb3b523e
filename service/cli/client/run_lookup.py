"""Find the run that is meant: by its id, by its short id or another part of it, or the newest of a job."""

from __future__ import annotations

from typing import Any

from service.cli.client.api import api, segment
from service.cli.client.job_lookup import beginning_with, find_id, job_path
from service.cli.client.short_ids import among, is_part, parts_of, whole_id
from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted
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
        run: the run's id, its short id or another part of it; None if nobody named one.
        tells: whether to say which run the newest one is.

    Returns:
        The ids of its job and of the run.

    Raises:
        NoRunYet: the job has no run.
        Failure: there is no such job or run, or several ids have this part.
    """
    if run is not None:
        job_id = find_id(job)
        return job_id, _of_job(job_id, run)
    try:
        job_id = find_id(job)
        found = _newest(job_id)
    except NoRunYet:
        raise
    except Failure as failure:
        if failure.exit is not Exit.NOT_FOUND:
            raise
        if (alone := run_alone(job)) is not None:
            return str(alone["job_id"]), str(alone["id"])
        if not _may_be_run(job):
            raise
        raise Failure(
            Exit.NOT_FOUND, f"No run has the id {quoted(job)}, and no job; `bot-scheduler history` lists runs"
        ) from None
    if tells:
        queued = "" if found.get("queued_at") is None else f", queued at {utc(found['queued_at'])}"
        note(f"The newest run is meant: {found['id']} ({found['trigger']}{queued}, {found['status']})")
    return job_id, str(found["id"])


def run_alone(text: str) -> dict[str, Any] | None:
    """Return the run with this id or short id, or whose id begins or ends so, whatever its job; None without one."""
    run_id = text if is_id(text) else _of_all(text)
    if not is_id(run_id):
        return None
    try:
        return dict(api().json(api().ask("GET", f"/scheduler/runs/{segment(run_id)}"), "id", "job_id"))
    except Failure as failure:
        if failure.exit is not Exit.NOT_FOUND:
            raise
        return None


def _may_be_run(text: str) -> bool:
    return is_id(text) or is_part(text) or parts_of(text) is not None


def _of_job(job_id: str, text: str) -> str:
    """Return the id of the run of a job that is meant. A whole id is returned unchecked."""
    if is_id(text):
        return text
    beginning, end = parts_of(text) or ("", text)
    run_id = whole_id(end, f"{job_path(job_id)}/history", None) if job_id.startswith(beginning) else text
    if not is_id(run_id):
        raise Failure(Exit.NOT_FOUND, f"This job has no run {quoted(text)}; `bot-scheduler history JOB` lists its runs")
    return run_id


def _of_all(text: str) -> str:
    """Return the id of the run that is meant, whatever its job; `text` itself if there is none."""
    parts = parts_of(text)
    if parts is None:
        return whole_id(text, "/scheduler/runs", None)
    beginning, end = parts
    runs = [run for job in beginning_with(beginning) for run in api().pages(f"{job_path(job['id'])}/history", None)]
    found = among(end, runs)
    return text if found == end else found


def _newest(job_id: str) -> dict[str, Any]:
    newest = api().items(api().ask("GET", f"{job_path(job_id)}/history", params={"limit": 1}))
    if not newest:
        raise NoRunYet(Exit.NOT_FOUND, "This job has not run yet; run it now with: bot-scheduler jobs run JOB")
    return dict(newest[0])
