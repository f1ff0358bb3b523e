"""`bot-scheduler backfill`: runs for instants that are over."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.job_lookup import find_id, job_path
from service.cli.commands.pauses import who
from service.cli.commands.run_now import ask_once
from service.cli.input.arguments import JobName, Json, Set, parsed_pairs
from service.cli.output.printing import counted, note, say, show_fields, show_json, show_table, utc

app = typer.Typer(no_args_is_help=True, help="Run a job for instants that are over.")

FATES = ("success", "failed", "cancelled", "skipped", "dropped")
_WORDS = {"max_parallel": "max parallel", "success": "succeeded"}
BackfillId = Annotated[str, typer.Argument(metavar="BACKFILL", help="The backfill's id.")]


@app.command("start")
def start(
    job: JobName,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="The first instant; UTC without an offset.")],
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Before this time.")],
    only: Annotated[str, typer.Option("--only", help="Which: missing, failed or all.")] = "missing",
    max_parallel: Annotated[int, typer.Option("--max-parallel", min=1, max=100, help="Runs at a time.")] = 1,
    set_: Set = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the instants, and start nothing.")] = False,
    json: Json = False,
) -> None:
    """Run a job for instants of a span for which nothing ran, whose run failed, or for all of them."""
    overlay = parsed_pairs("--set", set_)
    body: dict[str, Any] = {
        "since": since, "until": until, "only": only, "max_parallel": max_parallel, "dry_run": dry_run,
        **({"bot_config": overlay} if overlay else {}),
    }  # fmt: skip
    job_id = find_id(job)
    answer = api().json(ask_once(f"{job_path(job_id)}/backfill", body), "total")
    if json:
        show_json(answer)
        return
    if answer["total"]:
        _note_pause(answer)
    if dry_run:
        for instant in answer["instants"]:
            say(instant)
        why = ", ".join(f"{number} {reason}" for reason, number in answer["reasons"].items())
        note(f"{counted(answer['total'], 'instant')} would run{f' ({why})' if why else ''}. {answer['rule']}")
    elif answer["backfill_id"] is None:
        note("There are no such instants; nothing was started.")
    else:
        say(f"Backfill {answer['backfill_id']} of {counted(answer['total'], 'instant')} is under way; follow it with: "
            f"bot-scheduler backfill show {job_id} {answer['backfill_id']}")  # fmt: skip


@app.command("list")
def list_(job: JobName, json: Json = False) -> None:
    """List the last backfills of a job, newest first."""
    found = api().get(f"{job_path(find_id(job))}/backfills")
    if json:
        show_json(found)
    elif not found:
        note("This job has no backfills.")
    else:
        show_table(
            ("STARTED (UTC)", "STATE", "ONLY", "ENDED", "SUCCEEDED", "FAILED", "OTHER", "BACKFILL"), map(_row, found)
        )


@app.command("show")
def show(job: JobName, backfill: BackfillId, json: Json = False) -> None:
    """Show a backfill, and what became of its instants."""
    _show(api().get(f"{job_path(find_id(job))}/backfills/{segment(backfill)}"), json)


@app.command("cancel")
def cancel(job: JobName, backfill: BackfillId, json: Json = False) -> None:
    """Cancel a backfill: what is left gets no run, and the runs that are open go on."""
    answer = api().ask("DELETE", f"{job_path(find_id(job))}/backfills/{segment(backfill)}")
    _show(api().json(answer), json)


def _show(one: dict[str, Any], json: bool) -> None:
    if json:
        show_json(one)
        return
    told = ("only", "max_parallel", "total", "left", "open", *FATES)
    show_fields([
        ("backfill", one["backfill_id"]), ("state", one["state"]), ("since", utc(one["since"])),
        ("until", utc(one["until"])), *((_WORDS.get(name, name), one[name]) for name in told),
    ])  # fmt: skip
    _note_pause(one)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    ended, good, bad = sum(one[fate] for fate in FATES), one["success"], one["failed"]
    counts = (f"{ended} of {one['total']}", *map(str, (good, bad, ended - good - bad)))
    return (one["created_at"], one["state"], one["only"], *counts, one["backfill_id"])


def _note_pause(one: dict[str, Any]) -> None:
    """Say that a pause is in force, which does not hold these runs."""
    if "pause" not in one:
        return
    pause = one["pause"]
    by = f" by {who(pause['by'])}" if pause.get("by") else ""
    until = "until somebody ends it" if pause["until"] is None else f"until {utc(pause['until'])}"
    note(f"A pause{by} is in force for this job, {until} ({pause['reason']}). The runs of a backfill go through it.")
