"""`bot-scheduler export` and `apply`: all job definitions as one document to keep in git."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from service.cli.client.api import api
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Days, Json, Yes
from service.cli.input.job_files import read_bytes
from service.cli.output.escaping import counted
from service.cli.output.formats import show_data
from service.cli.output.plans import SIGNS, by_calendar_alone, not_looked_at, show_plan
from service.cli.output.printing import err, is_interactive, note, out


def export(
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, not YAML.")] = False,
) -> None:
    """Print all definitions as one document that `apply` can restore: jobs, calendars, channels, rules."""
    answer = api().ask("GET", "/scheduler/export", params={"format": "json" if json else "yaml"}, seconds=300)
    if json:
        api().json(answer, "version", "jobs")
    elif not answer.content.startswith(b"version:"):
        raise api().wrong_server()
    if output is None:
        sys.stdout.write(answer.content.decode())
        return
    try:
        output.write_bytes(answer.content)
    except OSError as error:
        raise Failure(Exit.USAGE, f"{output} cannot be written: {error.strerror}") from None
    note(f"Written to {output}")


def apply(
    file: Annotated[
        str, typer.Option("--file", "-f", metavar="FILE", help="A YAML or JSON file; - reads standard input.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; change nothing.")] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Delete the jobs that are not in the document, and so of each list of channels or rules."
        ),
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="With --dry-run: exit with 1 if anything differs.")
    ] = False,
    days: Days = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Make everything match a document: show the plan, ask, and change it. Without a terminal, do not ask.

    The service checks the whole document before it changes anything.
    """
    document = read_bytes(file)
    asking = not (dry_run or yes) and is_interactive()
    answer = None
    if dry_run or asking or not json:
        answer = _sent(document, prune=prune, dry_run=True, days=days)
        _show_plan(answer, err() if json else out())
    if asking and answer is not None and answer["changes"] and not typer.confirm("Apply these changes?", err=True):
        raise Failure(Exit.FAILED, "Nothing was changed")
    if not dry_run and (answer is None or answer["changes"]):
        answer = _sent(document, prune=prune, dry_run=False)
    assert answer is not None
    if json:
        show_data(answer)
    elif not dry_run and answer["changes"]:
        out().print(Text(f"Done: {_counted(answer['changes'], done=True)}."))
    if dry_run and exit_code and answer["changes"]:
        raise typer.Exit(Exit.FAILED)


def _sent(document: bytes, *, prune: bool, dry_run: bool, days: int | None = None) -> dict[str, Any]:
    params = {"prune": str(prune).lower(), "dry_run": str(dry_run).lower(), "days": days}
    # The service tells YAML from JSON by the content.
    headers = {"Content-Type": "application/octet-stream"}
    answer = api().ask("POST", "/scheduler/apply", params=params, content=document, headers=headers, seconds=300)
    return dict(api().json(answer, "changes"))


def _show_plan(plan: dict[str, Any], console: Console) -> None:
    changes = plan["changes"]
    show_plan(changes, console, "Nothing to change: everything matches the document.", _defaults(changes))
    if changes:
        console.print(Text(f"\nPlan: {_counted(changes, done=False)}."))
    if left_out := not_looked_at(plan):
        console.print(Text(left_out))


def _defaults(changes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what each bot's `bot_config` is where nobody names it: bot -> field -> default."""
    if all(change["action"] != "create" or "bot_type" not in change["fields"] for change in changes):
        return {}
    try:
        bots = api().get("/scheduler/bots")
    except Failure:
        return {}  # a key that may write need not read; then all fields are shown
    return {
        bot["name"]: {name: field.get("default") for name, field in bot["config_schema"].get("properties", {}).items()}
        for bot in bots
    }


def _counted(changes: list[dict[str, Any]], *, done: bool) -> str:
    words = ("created", "changed", "deleted") if done else ("to create", "to change", "to delete")
    own = [change for change in changes if not by_calendar_alone(change)]
    counts = (sum(change["action"] == action for change in own) for action in SIGNS)
    told = ", ".join(f"{count} {word}" for count, word in zip(counts, words, strict=True))
    others = len(changes) - len(own)
    return told + (f"; {counted(others, 'job')} with other occurrences by their calendar" if others else "")
