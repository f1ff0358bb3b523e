"""`bot-scheduler batch`: the same for many jobs, with what became of each."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from service.batches import batched
from service.cli.client.api import api
from service.cli.client.completing import complete_names, one_of
from service.cli.client.job_lookup import find_id
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json, LabelFilter, OnlyBot, OnlyState, Yes, parsed_labels
from service.cli.input.moments import past
from service.cli.output.escaping import counted, quoted
from service.cli.output.formats import show_data
from service.cli.output.printing import is_interactive, note, say
from service.cli.output.tables import NAME_LEAST, Column, show_table

SECONDS = 300
"""The limit of the wait for the answer about 1,000 jobs."""
DOING = {
    "enable": "enabled", "disable": "disabled", "label": "labelled", "run": "queued", "again": "queued again",
    "delete": "deleted",
}  # fmt: skip
"""Action -> what becomes of a job."""

_TYPED = {
    "filter.label": "--label", "filter.bot_type": "--bot", "filter.q": "--search", "filter.state": "--state",
    "labels": "--set-label", "since": "--failed-since", "ids": "JOB", "action": "ACTION",
}  # fmt: skip
"""Field of the request -> the flag or argument that sets it."""

Action = Annotated[
    str, typer.Argument(metavar="ACTION", help=f"One of {', '.join(DOING)}.", autocompletion=one_of(DOING))
]
Jobs = Annotated[
    list[str] | None,
    typer.Argument(metavar="JOB", help="The jobs, by id or unique name.", autocompletion=complete_names),
]


def batch(
    action: Action,
    job: Jobs = None,
    label: LabelFilter = None,
    bot: OnlyBot = None,
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Only with these words in name or description.")
    ] = None,
    state: OnlyState = None,
    all_: Annotated[bool, typer.Option("--all", help="All jobs.")] = False,
    set_label: Annotated[
        list[str] | None,
        typer.Option("--set-label", metavar="KEY=VALUE", help="With label: set this one; KEY= takes it away."),
    ] = None,
    failed_since: Annotated[
        str | None,
        typer.Option(
            "--failed-since", metavar="TIME", callback=past, help="With again: all that failed since then, such as 2h."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")] = False,
    yes: Yes = False, json: Json = False,
) -> None:  # fmt: skip
    """Enable, disable, label, run, run again or delete many jobs, each in a step of its own.

    bot-scheduler batch disable --label team=crm --dry-run
    """
    if action not in DOING:
        raise Failure(Exit.USAGE, f"ACTION is one of {', '.join(DOING)}, not {quoted(action)}")
    filters = {"label": parsed_labels(label), "bot_type": bot, "q": search, "state": state}
    body = {"action": action, **_which(job, {name: value for name, value in filters.items() if value}, all_)}
    if set_label:
        body["labels"] = {name: value or None for name, value in parsed_labels(set_label).items()}
    if failed_since is not None:
        body["since"] = failed_since
    if action == "delete" and not (dry_run or yes) and is_interactive():
        results = _deleted(list(_results({**body, "dry_run": True})))
    else:
        results = list(_results({**body, "dry_run": dry_run}))
    if json:
        show_data(results)
    else:
        _show(results, action, dry_run, every=bool(job))
    if any(one["outcome"] == "refused" for one in results):
        raise typer.Exit(Exit.REFUSED)


def _which(jobs: list[str] | None, filters: dict[str, Any], every: bool) -> dict[str, Any]:
    """Say which jobs are meant, in one of three ways."""
    given = [name for name, one in (("JOB", jobs), ("a filter", filters), ("--all", every)) if one]
    if len(given) != 1:
        told = f"not {' and '.join(given)}" if given else "such as --label team=crm"
        raise Failure(Exit.USAGE, f"Say which jobs by JOB, by a filter, or by --all; {told}")
    return {"ids": [find_id(one) for one in jobs]} if jobs else {"filter": "all" if every else filters}


def _results(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Ask for it, as often as a filter leads on."""
    while True:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        try:
            answer = api().ask("POST", "/scheduler/batch", body=body, headers=headers, seconds=SECONDS)
        except Failure as refusal:
            raise in_flags(refusal) from None
        told = api().json(answer, "results", "next_cursor")
        yield from told["results"]
        if told["next_cursor"] is None:
            return
        body = {**body, "cursor": told["next_cursor"]}


def in_flags(refusal: Failure) -> Failure:
    """Name what was typed, not fields of the request, in a refusal of a batch."""
    errors = []
    for error in refusal.errors:
        name = next((name for name in _TYPED if re.match(rf"{re.escape(name)}(?![\w])", error["field"])), None)
        field = error["field"] if name is None else f"{_TYPED[name]}{error['field'].removeprefix(name)}"
        errors.append({**error, "field": field})
    told = "; ".join(f"{error['field']} {error['message']}" for error in errors)
    return Failure(refusal.exit, told or refusal.sentence, errors)


def _deleted(rehearsed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Delete the jobs of a dry run, and no others, if the person who sees how many they are says so."""
    from service.domain.batches.request import MOST_JOBS  # here, because the domain takes a while to load

    ids = [one["id"] for one in rehearsed if one["outcome"] == "done"]
    if ids and not typer.confirm(f"Delete {counted(len(ids), 'job')} with history?", err=True):
        raise Failure(Exit.FAILED, "Nothing was deleted")
    found = [one for one in rehearsed if one["outcome"] != "done"]
    for some in batched(ids, MOST_JOBS):
        found += _results({"action": "delete", "ids": list(some)})
    return found


def _show(results: list[dict[str, Any]], action: str, dry_run: bool, every: bool) -> None:
    """Show what became of jobs; those of a filter that stay as they are, perhaps thousands, are only counted."""
    if not results:
        note("No job matches.")
        return
    words = {"done": f"would be {DOING[action]}", "refused": "would be refused"} if dry_run else {}
    rows = [
        (one["name"], words.get(one["outcome"], one["outcome"]), one.get("detail") or _made(one), one["id"])
        for one in results
        if every or one["outcome"] != "unchanged"
    ]
    columns = (
        Column("NAME", least=NAME_LEAST),
        Column("OUTCOME", "whole"),
        Column("DETAIL"),
        Column("ID", "id", rank=1),
    )
    if rows:
        show_table(columns, rows)
    count = Counter(one["outcome"] for one in results)
    would = "would be " if dry_run else ""
    again = f" ({counted(sum(map(_runs_of, results)), 'run')})" if action == "again" and count["done"] else ""
    unlisted = " (not listed)" if count["unchanged"] and not every else ""
    told = (f"{count['done']} {would}{DOING[action]}{again}", f"{count['unchanged']} unchanged{unlisted}")
    say(f"{', '.join(told)}, {count['refused']} refused")


def _made(result: dict[str, Any]) -> str | None:
    """Say which runs were asked for, or would be."""
    runs = _runs_of(result)
    return counted(runs, "run") if runs else None


def _runs_of(result: dict[str, Any]) -> int:
    """Count the runs that were asked for, or would be."""
    return len(result.get("run_ids") or result.get("again_of") or [])
