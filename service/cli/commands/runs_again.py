"""`bot-scheduler again`, `now` and `move`: runs once more, at once, or at another time."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, exit_of
from service.cli.client.completing import complete_runs
from service.cli.client.job_lookup import find_id
from service.cli.client.run_lookup import chosen_run, run_path
from service.cli.commands.run_now import ask_for_run, ask_once
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import JobName, JobOrRun, Json, RunId
from service.cli.input.moments import FailedSince, to_come
from service.cli.output.formats import show_data
from service.cli.output.printing import note, say


def again(job: JobOrRun, run: RunId = None, failed_since: FailedSince = None, json: Json = False) -> None:
    """Do an ended run again: with the same configuration, for the same occurrence."""
    if failed_since is not None and run is not None:
        raise Failure(Exit.USAGE, "Give either a RUN or --failed-since")
    if failed_since is None:
        job_id, run_id = chosen_run(job, run)
        made = [{"again_of": run_id, "run_id": ask_for_run(f"{run_path(job_id, run_id)}/again", None)}]
    else:
        made = _failed_again(find_id(job), failed_since)
    if json:
        show_data(made)
        return
    for one in made:
        say(f"Run {one['again_of']} is queued once more as run {one['run_id']}")
    if not made:
        note("No run has failed since then.")


def now(job: JobOrRun, run: RunId = None, json: Json = False) -> None:
    """Start a run now that awaits its delay, as a retry, or its time."""
    _tell(api().json(api().ask("POST", f"{run_path(*chosen_run(job, run))}/now")), json, "Started")


def move(
    job: JobName,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="The run's id, or its short id, as in tables.", autocompletion=complete_runs
        ),
    ],
    at: Annotated[
        str,
        typer.Argument(
            metavar="TIME", callback=to_come,
            help="When it starts instead: 2h (from now), tomorrow, or 2027-01-15T08:00:00; UTC without an offset.",
        ),
    ],
    json: Json = False,
) -> None:  # fmt: skip
    """Move a run that was asked for later to another time."""
    answer = api().ask("PUT", run_path(*chosen_run(job, run)), body={"at": at})
    _tell(api().json(answer), json, f"Moved to {at}")


def _tell(entry: Any, json: bool, sentence: str) -> None:
    if json:
        show_data(entry)
    else:
        say(f"{sentence}: run {entry['id']} is {entry['status']}")


def _failed_again(job_id: str, since: str) -> list[dict[str, str]]:
    """Do the runs of a job again that failed since a time and that nothing has made up for, oldest first."""
    body = {"action": "again", "ids": [job_id], "since": since}
    (one,) = api().json(ask_once("/scheduler/batch", body), "results")["results"]
    if one["outcome"] == "refused":
        raise Failure(exit_of(one["status"]), one["detail"], one.get("errors", ()))
    pairs = zip(one["run_ids"], one["again_of"], strict=True)
    return [{"again_of": again_of, "run_id": run_id} for run_id, again_of in pairs]
