"""`bot-scheduler logs` and `cancel`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api
from service.cli.client.log_stream import follow
from service.cli.client.run_lookup import chosen_run, run_path
from service.cli.input.arguments import JobOrRun, Json, RunId
from service.cli.output.escaping import clean, line
from service.cli.output.formats import show_data, show_json_line
from service.cli.output.printing import coloured, note, out, say

TRIMMED = "The log of this run is no longer kept; LOG_RUNS sets how many logs each job keeps"


def logs(
    job: JobOrRun,
    run: RunId = None,
    follow_: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log until the run ends.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON; with --follow, one line of JSON for each line of the log.")
    ] = False,
) -> None:
    """Show the log of a run. --follow resumes after a broken connection and misses no line."""
    path = f"{run_path(*chosen_run(job, run, tells=False))}/log"
    if follow_:
        for event in follow(path):
            if event.kind == "end":
                note(f"The run has ended: {event.data['status']}" + _reason(event.data))
            elif event.kind == "trimmed":
                note(TRIMMED)
            elif json:
                show_json_line(event.data)
            else:
                _say_line(event.data)
        return
    answer = api().get(path)
    if json:
        show_data(answer)
    else:
        for logged in answer["lines"]:
            _say_line(logged)
        if not answer["lines"] and not answer.get("trimmed"):
            note("The run logged nothing.")
    if answer.get("trimmed"):
        note(TRIMMED)


def _reason(run: dict[str, Any]) -> str:
    why = run["error"] or run.get("reason")
    return f", {line(why)}" if why else ""


def _say_line(logged: dict[str, Any]) -> None:
    level = str(logged["level"]).upper()
    text = coloured(f"{logged['at']} {level:<8}", level.lower())
    # Indented, so that no line of the message passes for another message.
    message = clean(logged["message"].rstrip()).replace("\n", "\n    ")
    out().print(text.append(message, style="default"), soft_wrap=True)


def cancel(job: JobOrRun, run: RunId = None, json: Json = False) -> None:
    """Cancel a queued or running run."""
    job_id, run_id = chosen_run(job, run)
    answer = api().ask("POST", f"{run_path(job_id, run_id)}/cancel")
    entry = api().json(answer)
    if json:
        show_data(entry)
    else:
        say(
            f"Cancelled run {run_id}" if answer.status_code == 200 else f"Run {run_id} is stopping; it ends within 10 s"
        )
