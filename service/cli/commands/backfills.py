"""`bot-scheduler backfill`: runs for past instants."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.completing import one_of
from service.cli.client.job_lookup import find_id, job_path
from service.cli.client.short_ids import among
from service.cli.commands.pauses import who
from service.cli.commands.run_now import ask_once
from service.cli.input.arguments import JobName, Json, Set, parsed_pairs
from service.cli.input.commands import Commands
from service.cli.input.moments import past
from service.cli.output.escaping import counted
from service.cli.output.formats import show_data
from service.cli.output.printing import moment, note, say, show_fields
from service.cli.output.tables import Column, show_table
from service.cli.output.times import utc
from service.domain.ids import is_id

app = Commands("Run a job for past instants.")

FATES = ("success", "failed", "cancelled", "skipped", "dropped")
_OTHERS = {
    "missing": "Each other instant of this span has run, was made up for, is still to be decided, or was "
    "meant not to run: a calendar closed it, or somebody skipped, rehearsed or cancelled it.",
    "failed": "The other instants of this span have not failed, were made good, or are under way.",
    "all": "The other instants of this span are closed by a calendar, or are still to be decided.",
}
"""`--only` -> why an instant would not run."""
_WORDS = {"max_parallel": "max parallel", "success": "succeeded"}
BackfillId = Annotated[
    str, typer.Argument(metavar="BACKFILL", help="The backfill's id, or its first eight characters.")
]


@app.command("start")
def start(
    job: JobName,
    since: Annotated[
        str,
        typer.Option(
            "--since", metavar="TIME", callback=past,
            help="The first instant: 7d, yesterday, a date, or 2027-01-15T08:00:00 (UTC without an offset).",
        ),
    ],
    until: Annotated[
        str, typer.Option("--until", metavar="TIME", callback=past, help="Before this time, in the same forms.")
    ],
    only: Annotated[
        str,
        typer.Option(
            "--only", metavar="WHICH", help="Which: missing, failed or all.",
            autocompletion=one_of(("missing", "failed", "all")),
        ),
    ] = "missing",
    max_parallel: Annotated[int, typer.Option("--max-parallel", min=1, max=100, help="Runs at a time.")] = 1,
    set_: Set = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the instants, and start nothing.")] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Run a job for instants of a span for which nothing ran, whose run failed, or for all of them."""
    overlay = parsed_pairs("--set", set_)
    body: dict[str, Any] = {
        "since": since, "until": until, "only": only, "max_parallel": max_parallel, "dry_run": dry_run,
        **({"bot_config": overlay} if overlay else {}),
    }  # fmt: skip
    job_id = find_id(job)
    answer = api().json(ask_once(f"{job_path(job_id)}/backfill", body), "total")
    if json:
        show_data(answer)
        return
    if answer["total"]:
        _note_pause(answer)
    if dry_run:
        for instant in answer["instants"]:
            say(instant)
        why = ", ".join(f"{number} {reason}" for reason, number in answer["reasons"].items())
        would = counted(answer["total"], "instant") if answer["total"] else "Nothing"
        others = _OTHERS.get(only, "") if answer["total"] else _OTHERS.get(only, "").replace("other ", "")
        note(f"{would} would run{f' ({why})' if why else ''}. {others}".rstrip())
    elif answer["backfill_id"] is None:
        note("There are no such instants; nothing was started.")
    else:
        say(f"Backfill {answer['backfill_id']} of {counted(answer['total'], 'instant')} is under way; follow it with: "
            f"bot-scheduler backfill show {job_id} {answer['backfill_id']}")  # fmt: skip


@app.command("list", reads=True)
def list_(job: JobName, json: Json = False) -> None:
    """List the last backfills of a job, newest first."""
    found = api().items(api().ask("GET", f"{job_path(find_id(job))}/backfills"))
    if json:
        show_data(found)
    elif not found:
        note("This job has no backfills.")
    else:
        show_table(
            (
                Column("STARTED", "time"), Column("STATE", "whole"), Column("ONLY", "whole", rank=1),
                Column("ENDED", "whole"), Column("SUCCEEDED", "whole"), Column("FAILED", "whole"),
                Column("OTHER", "whole", rank=2), Column("BACKFILL", "id"),
            ),
            map(_row, found),
        )  # fmt: skip


@app.command("show", reads=True)
def show(job: JobName, backfill: BackfillId, json: Json = False) -> None:
    """Show a backfill, and what became of its instants."""
    _show(api().get(_path(job, backfill)), json)


@app.command("cancel")
def cancel(job: JobName, backfill: BackfillId, json: Json = False) -> None:
    """Cancel a backfill: what is left gets no run, and the runs that are open go on."""
    _show(api().json(api().ask("DELETE", _path(job, backfill))), json)


def _path(job: str, backfill: str) -> str:
    path = f"{job_path(find_id(job))}/backfills"
    listed = () if is_id(backfill) else ({"id": one["backfill_id"]} for one in api().get(path))
    return f"{path}/{segment(among(backfill, listed))}"


def _show(one: dict[str, Any], json: bool) -> None:
    if json:
        show_data(one)
        return
    told = ("only", "max_parallel", "total", "left", "open", *FATES)
    show_fields([
        ("backfill", one["backfill_id"]), ("state", one["state"]), ("since", moment(one["since"])),
        ("until", moment(one["until"])), *((_WORDS.get(name, name), one[name]) for name in told),
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
