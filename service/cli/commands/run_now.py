"""Runs asked for by hand: `jobs run`, and waiting for their end."""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from service.cli.client.api import api, segment
from service.cli.client.job_lookup import find_id, job_path
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import JobName, Json, Set, parsed_pairs
from service.cli.output.printing import coloured, err, note, say, show_fields, show_json, worded

OPEN = ("queued", "running")
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
"""Seconds between two looks at a run."""
PATIENCE = 30.0
"""Seconds for which the service may be away while a run is waited for, as during a deploy."""


def run_job(
    job: JobName,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Until it has ended; the exit code says how.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Rehearse it: lay dry_run over its bot_config.")] = False,
    set_: Set = None,
    json: Json = False,
) -> None:
    """Run a job now. With --wait the exit code is 0 for a success and 1 for all else."""
    overlay = parsed_pairs("--set", set_) | ({"dry_run": True} if dry_run else {})
    job_id = find_id(job)
    run_id = ask_for_run(job_id, overlay)
    if not wait:
        if json:
            show_json({"job_id": job_id, "run_id": run_id, "status": "queued"})
        else:
            say(f"Queued as run {run_id}; follow it with: bot-scheduler logs -f {job_id} {run_id}")
        return
    try:
        note(f"Run {run_id} is asked for; Ctrl-C ends the waiting, not the run")
        entry = wait_for_end(job_id, run_id)
    except KeyboardInterrupt:
        note(f"The run goes on; follow it with: bot-scheduler logs -f {job_id} {run_id}")
        raise
    if json:
        show_json(entry)
    else:
        show_run(entry)
    if entry["status"] != "success":
        raise typer.Exit(Exit.FAILED)


def ask_for_run(job_id: str, overlay: dict[str, Any]) -> str:
    """Asks for a run, once, however often it takes to be heard. Returns its id."""
    key = str(uuid.uuid4())
    body = {"bot_config": overlay} if overlay else None
    path, headers = f"{job_path(job_id)}/run", {"Idempotency-Key": key}
    try:
        answer = api().ask("POST", path, body=body, headers=headers)
    except Failure as failure:
        if failure.exit != Exit.UNREACHABLE:
            raise
        time.sleep(1)  # its answer may have been lost on the way; with the same key it is the same run
        answer = api().ask("POST", path, body=body, headers=headers)
    return str(api().json(answer, "run_id")["run_id"])


def wait_for_end(job_id: str, run_id: str) -> dict[str, Any]:
    """A run's entry once it has ended.

    Raises:
        Failure: the service was away for long, or the run is gone.
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
        pause, heard = FIRST_PAUSE, time.monotonic()
        while True:
            try:
                entry = _entry(job_id, run_id)
                heard = time.monotonic()
            except Failure as failure:
                if failure.exit != Exit.UNREACHABLE or time.monotonic() - heard > PATIENCE:
                    raise
            else:
                if entry["status"] not in OPEN:
                    return entry
                done = entry.get("progress") or {"done": 0, "total": None}
                progress.update(task, description=entry["status"], completed=done["done"], total=done["total"])
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)


def _entry(job_id: str, run_id: str) -> dict[str, Any]:
    return dict(api().get(f"{job_path(job_id)}/runs/{segment(run_id)}"))


def show_run(entry: dict[str, Any]) -> None:
    """How a run went."""
    result = entry["result"] if isinstance(entry["result"], dict) else {"result": entry["result"]}
    took = None if entry["duration_ms"] is None else f"{entry['duration_ms'] / 1000:.1f} s"
    show_fields(
        [
            ("run", entry["id"]),
            ("status", coloured(entry["status"])),
            ("rehearsal", "yes" if entry.get("rehearsal") else None),
            ("error", entry["error"]),
            ("reason", entry["reason"]),
            ("took", took),
            ("messages sent", entry["messages_sent"] or None),
            ("profiles visited", entry["profiles_visited"] or None),
            *((f"result.{name}", _brief(value)) for name, value in result.items()),
        ]
    )


def _brief(value: object) -> str | None:
    if isinstance(value, list | dict) and (len(value) > 3 or any(isinstance(one, list | dict) for one in value)):
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}; --json shows them"
    return None if value in (None, [], {}) else worded(value)
