"""`bot-scheduler occurrence …`: skip, move or set one occurrence of a job, and take that back."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.completing import complete_instants
from service.cli.client.job_lookup import find_id, job_path
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import JobName, Json, Set, parsed_pairs
from service.cli.input.commands import Commands
from service.cli.output.formats import show_data
from service.cli.output.printing import note, say

app = Commands("Skip or move one occurrence of a job, or run it with other settings.")

_IN_FULL = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}.*")
"""A time with its seconds, as the API and scripts name an occurrence."""
Instant = Annotated[
    str,
    typer.Argument(
        metavar="INSTANT", autocompletion=complete_instants,
        help="The occurrence's own time in the job's zone: 2026-12-24T18:00, or 18:00 (today). With seconds, in UTC.",
    ),
]  # fmt: skip
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; it stands beside the run.")]


@app.command()
def skip(job: JobName, instant: Instant, reason: Reason = None, json: Json = False) -> None:
    """Skip one occurrence that is to come."""
    _change(job, instant, {"skip": True}, reason, json)


@app.command()
def move(
    job: JobName,
    instant: Instant,
    to: Annotated[str, typer.Argument(metavar="TIME", help="A time in the job's zone, or one with its offset.")],
    reason: Reason = None,
    json: Json = False,
) -> None:
    """Move one occurrence that is to come.

    bot-scheduler occurrence move report 2026-12-24T17:00:00 2026-12-23T18:00
    """
    _change(job, instant, {"move_to": to}, reason, json)


@app.command("set")
def set_(job: JobName, instant: Instant, set_: Set = None, reason: Reason = None, json: Json = False) -> None:
    """Run one occurrence with other settings: --set dry_run=true rehearses it."""
    config = parsed_pairs("--set", set_)
    if not config:
        raise Failure(Exit.USAGE, "Name the settings with --set KEY=VALUE")
    _change(job, instant, {"bot_config": config}, reason, json)


@app.command()
def restore(job: JobName, instant: Instant) -> None:
    """Take a change back: the occurrence comes as the job's schedule has it."""
    job_id = find_id(job)
    at = _instant(job_id, instant)
    api().ask("DELETE", _path(job_id, at))
    note(f"The occurrence {at} comes as the schedule has it.")


def _change(job: str, instant: str, body: dict[str, Any], reason: str | None, json: bool) -> None:
    body |= {} if reason is None else {"reason": reason}
    job_id = find_id(job)
    answer = api().ask("PUT", _path(job_id, _instant(job_id, instant)), body=body)
    made = api().json(answer, "scheduled_for", "edit")
    if json:
        show_data(made)
        return
    match made["edit"]["action"]:
        case "skip":
            say(f"The occurrence {made['local']} is skipped.")
        case "move":
            say(f"The occurrence {made['local']} runs at {made['moved_to_local']} instead.")
        case _:
            say(f"The occurrence {made['local']} runs with other settings.")


def _instant(job_id: str, text: str) -> str:
    """Return an occurrence's own time as the API takes it; `explain` finds the occurrence of a minute.

    Raises:
        Failure: The job has no occurrence then.
    """
    if _IN_FULL.fullmatch(text):
        return text
    found = api().json(api().ask("GET", f"{job_path(job_id)}/explain", params={"at": text}), "at", "fate", "sentence")
    if found["fate"] is None:
        raise Failure(Exit.NOT_FOUND, str(found["sentence"]))
    return str(found["at"])


def _path(job_id: str, instant: str) -> str:
    return f"{job_path(job_id)}/occurrences/{segment(instant)}"
