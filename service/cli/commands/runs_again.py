"""`bot-scheduler again`, `now` and `move`: runs once more, at once, or at another time."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, exit_of, segment
from service.cli.client.job_lookup import find_id, job_path
from service.cli.client.run_lookup import chosen_run
from service.cli.commands.run_now import ask_for_run, ask_once
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import JobName, Json
from service.cli.output.printing import note, say, show_json

OneRun = Annotated[str | None, typer.Argument(metavar="[RUN]", help="The run's id; without it, the newest run.")]


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
    if failed_since is None:
        run_id = chosen_run(job_id, run)
        made = [{"again_of": run_id, "run_id": ask_for_run(f"{_path(job_id, run_id)}/again", None)}]
    else:
        made = _failed_again(job_id, failed_since)
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
    _tell(api().json(api().ask("POST", f"{_path(job_id, chosen_run(job_id, run))}/now")), json, "Started")


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


def _failed_again(job_id: str, since: str) -> list[dict[str, str]]:
    """Do the runs of a job again that failed since a time and that nothing has made up for, oldest first."""
    body = {"action": "again", "ids": [job_id], "since": since}
    (one,) = api().json(ask_once("/scheduler/batch", body), "results")["results"]
    if one["outcome"] == "refused":
        raise Failure(exit_of(one["status"]), one["detail"], one.get("errors", ()))
    pairs = zip(one["run_ids"], one["again_of"], strict=True)
    return [{"again_of": again_of, "run_id": run_id} for run_id, again_of in pairs]
