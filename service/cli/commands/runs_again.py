"""`bot-scheduler again`, `now` and `move`: runs once more, at once, or at another time."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.job_lookup import find_id, job_path
from service.cli.commands.run_now import ask_for_run
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import JobName, Json
from service.cli.output.printing import note, say, show_json

OneRun = Annotated[str | None, typer.Argument(metavar="[RUN]", help="The run's id; without it, the newest run.")]
MOST_FAILED = 100
"""The most failed runs that one command does again."""


def again(
    job: JobName,
    run: OneRun = None,
    failed_since: Annotated[
        str | None,
        typer.Option("--failed-since", metavar="TIME", help="Instead: all runs that failed since then, 100 at most."),
    ] = None,
    json: Json = False,
) -> None:
    """Do an ended run again: with the same configuration, for the same occurrence."""
    job_id = find_id(job)
    if failed_since is not None and run is not None:
        raise Failure(Exit.USAGE, "Give either a RUN or --failed-since")
    chosen = [run or _newest(job_id)] if failed_since is None else _failed(job_id, failed_since)
    made = [{"again_of": one, "run_id": ask_for_run(f"{_path(job_id, one)}/again", None)} for one in chosen]
    if json:
        show_json(made)
        return
    for one in made:
        say(f"Run {one['again_of']} is queued once more as run {one['run_id']}")
    if not made:
        note("No run has failed since then.")


def now(job: JobName, run: OneRun = None, json: Json = False) -> None:
    """Start a run now that awaits its delay, as a retry, or its time."""
    job_id = find_id(job)
    _tell(api().json(api().ask("POST", f"{_path(job_id, run or _newest(job_id))}/now")), json, "Started")


def move(
    job: JobName,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")],
    at: Annotated[
        str, typer.Argument(metavar="TIME", help="When it starts instead, such as 2025-01-15T08:00:00; UTC, or offset.")
    ],
    json: Json = False,
) -> None:
    """Move a run that was asked for later to another time."""
    answer = api().ask("PUT", _path(find_id(job), run), body={"at": at})
    _tell(api().json(answer), json, f"Moved to {at}")


def _tell(entry: Any, json: bool, sentence: str) -> None:
    if json:
        show_json(entry)
    else:
        say(f"{sentence}: run {entry['id']} is {entry['status']}")


def _path(job_id: str, run_id: str) -> str:
    return f"{job_path(job_id)}/runs/{segment(run_id)}"


def _newest(job_id: str) -> str:
    newest = api().get(f"{job_path(job_id)}/history", limit=1)
    if not newest:
        raise Failure(Exit.NOT_FOUND, "This job has not run yet; run it now with: bot-scheduler jobs run JOB")
    return str(newest[0]["id"])


def _failed(job_id: str, since: str) -> list[str]:
    """List the runs of a job that failed since a time and were not tried again, oldest first."""
    runs = list(api().pages("/scheduler/runs", MOST_FAILED * 10, job_id=job_id, since=since))
    repeated = {run.get("retry_of") for run in runs} | {run.get("again_of") for run in runs}
    found = [str(run["id"]) for run in runs if run["status"] == "failed" and run["id"] not in repeated]
    return found[:MOST_FAILED][::-1]
