"""`bot-scheduler jobs run`: ask for a run, and wait for its end."""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from service.backoff import Backoff
from service.cli.client.api import api, segment
from service.cli.client.job_lookup import find_id, job_path
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import JobName, Json, Set, parsed_pairs
from service.cli.input.moments import to_come
from service.cli.output.formats import show_data
from service.cli.output.printing import err, note, say
from service.cli.output.run_words import show_run

OPEN = ("queued", "running")
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
"""Seconds between two requests for the run's state."""
PATIENCE_SECONDS = 30.0
"""The longest time for which the service may be away during the wait, as in a deploy."""


def run_job(
    job: JobName,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="TIME",
            callback=to_come,
            help="Start it then: 2h (from now), tomorrow, or 2027-01-15T08:00:00; UTC without an offset.",
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait for the end of the run.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Rehearse it: set dry_run for this run alone.")] = False,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Run a job now, or later. With --wait, exit with 0 if the run succeeds or its bot skips it, else with 1."""
    overlay = parsed_pairs("--set", set_) | ({"dry_run": True} if dry_run else {})
    job_id = find_id(job)
    run_id = ask_for_run(f"{job_path(job_id)}/run", request_body(overlay, at))
    if not wait:
        if json:
            show_data({"job_id": job_id, "run_id": run_id, "status": "queued"})
        else:
            when = "" if at is None else f" for {at}"
            say(f"Queued{when} as run {run_id}; follow it with: bot-scheduler logs -f {job_id} {run_id}")
        return
    try:
        note(f"Waiting for run {run_id}; Ctrl-C ends the wait, not the run")
        entry = wait_for_end(job_id, run_id)
    except KeyboardInterrupt:
        note(f"The run continues; follow it with: bot-scheduler logs -f {job_id} {run_id}")
        raise
    if json:
        show_data(entry)
    else:
        show_run(entry)
    if entry["status"] not in ("success", "skipped"):
        raise typer.Exit(Exit.FAILED)


def request_body(overlay: dict[str, Any], at: str | None) -> dict[str, Any] | None:
    """Return the body of a request for a run; None if it would be empty."""
    return {**({"at": at} if at else {}), **({"bot_config": overlay} if overlay else {})} or None


def ask_for_run(path: str, body: dict[str, Any] | None) -> str:
    """Ask for one run, even if the request must be sent twice. Returns the run's id."""
    return str(api().json(ask_once(path, body), "run_id")["run_id"])


def ask_once(path: str, body: dict[str, Any] | None) -> Any:
    """Ask for something that is to happen once, even if the request must be sent twice. Returns the answer."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    try:
        return api().ask("POST", path, body=body, headers=headers)
    except Failure as failure:
        if failure.exit != Exit.UNREACHABLE:
            raise
        time.sleep(1)  # the answer may have been lost; a request with the same key has its effect once
        return api().ask("POST", path, body=body, headers=headers)


def wait_for_end(job_id: str, run_id: str) -> dict[str, Any]:
    """Wait for the end of a run, and return the run.

    Raises:
        Failure: The service was away for too long, or the run does not exist any more.
    """
    console = err()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("queued", total=None)
        backoff, heard = Backoff(FIRST_PAUSE, LONGEST_PAUSE, factor=1.5), time.monotonic()
        while True:
            try:
                entry = _entry(job_id, run_id)
                heard = time.monotonic()
            except Failure as failure:
                if failure.exit != Exit.UNREACHABLE or time.monotonic() - heard > PATIENCE_SECONDS:
                    raise
            else:
                if entry["status"] not in OPEN:
                    return entry
                done = entry.get("progress") or {"done": 0, "total": None}
                progress.update(task, description=entry["status"], completed=done["done"], total=done["total"])
            time.sleep(backoff.next())


def _entry(job_id: str, run_id: str) -> dict[str, Any]:
    return dict(api().get(f"{job_path(job_id)}/runs/{segment(run_id)}"))
