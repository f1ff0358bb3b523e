"""`bot-scheduler occurrences` and `explain`: what became of each occurrence of a job, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from service.cli.client.api import api
from service.cli.client.completing import complete_fates
from service.cli.client.job_lookup import find_id, job_path
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import AnyJob, JobName, Json, LabelFilter, label_filters
from service.cli.input.moments import past
from service.cli.output.escaping import counted, quoted
from service.cli.output.formats import show_data
from service.cli.output.printing import note, out, say
from service.cli.output.tables import NAME_LEAST, Column, RunCell, show_table
from service.cli.output.times import utc

_WHEN, _JOB = Column("WHEN", "time"), Column("JOB", least=NAME_LEAST)
_COLUMNS = (
    Column("LOCAL TIME", "local", rank=3), Column("FATE", "whole"), Column("DETAILS", least=12, rank=1),
    Column("RUN", "run", rank=2),
)  # fmt: skip
PAGE = 1000
"""Occurrences per request."""
OF_ONE, OF_ALL = 100, 50
"""How many are listed of one job, and of all jobs together, unless `--limit` says otherwise."""


def occurrences(
    job: AnyJob = None,
    label: LabelFilter = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", callback=past, help="From this time on: 2h, yesterday, a date (default: 7d)."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", callback=past, help="Before this time: +12h, tomorrow (default: +1d)."),
    ] = None,
    fate: Annotated[
        str | None,
        typer.Option(
            "--fate", metavar="FATE", autocompletion=complete_fates,
            help="Only these: ran, skipped, moved, closed, paused, dropped, coming, overdue, unaccounted or unknown.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, metavar="N", help=f"Show at most N (default: {OF_ONE}; of all jobs {OF_ALL})."),
    ] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Show what became of each occurrence of a job, or of many, oldest first. Exit with 1 if some are unaccounted for.

    With --json and without a JOB, --limit counts for each job by itself.
    """
    span = {"since": since, "until": until, "fate": fate}
    if job is None:
        most = limit or (OF_ONE if json else OF_ALL)
        _show_many(list(_accounts(min(most, PAGE), label=label_filters(label), **span)), most, json)
        return
    if label:
        raise Failure(Exit.USAGE, "Give either a JOB or --label")
    job_id = find_id(job)
    found = _read(job_path(job_id), limit or OF_ONE, **span)
    if json:
        show_data(found)
    else:
        if found["items"]:
            _show([_row(one, job_id) for one in found["items"]], _COLUMNS)
        else:
            note("No occurrences.")
        if found["next_cursor"] is not None:
            note("There are more; ask for a shorter span, or use --limit.")
        say(_summary(found))
    if found["unaccounted"]:
        raise typer.Exit(Exit.FAILED)


def _read(path: str, limit: int, **filters: str | None) -> dict[str, Any]:
    """Read up to `limit` occurrences, page by page, with the counts of the span."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        size = min(PAGE, limit - len(items))
        page = api().get(f"{path}/occurrences", limit=size, cursor=cursor, **filters)
        if not isinstance(page, dict) or "unaccounted" not in page:
            raise api().lacks("unaccounted")
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None or len(items) >= limit:
            return {**page, "items": items}


def _accounts(limit: int, **filters: Any) -> Iterator[dict[str, Any]]:
    """Read the accounts of many jobs, page by page."""
    cursor: str | None = None
    while True:
        answer = api().ask("GET", "/scheduler/occurrences", params={"limit": limit, "cursor": cursor, **filters})
        page = api().json(answer, "jobs", "next_cursor")
        yield from page["jobs"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _show_many(found: list[dict[str, Any]], limit: int, json: bool) -> None:
    """Show the accounts of many jobs: the first occurrences of all, each of which is among the first of its job."""
    if json:
        show_data(found)
    else:
        listed = sorted(((its, one) for one in found for its in one.get("items", ())), key=lambda pair: pair[0]["at"])
        rows = [
            (at, one["job_name"], *rest) for its, one in listed[:limit] for at, *rest in (_row(its, one["job_id"]),)
        ]
        if rows:
            _show(rows, (_JOB, *_COLUMNS))
        else:
            note("No occurrences.")
        if len(listed) > limit or any(one.get("next_cursor") for one in found):
            note(f"These are the first {len(rows)}. There are more; ask for a shorter span, or use --limit.")
        if unread := [one for one in found if "detail" in one]:
            such = f"{quoted(unread[0]['job_name'])}: {unread[0]['detail']}"
            note(f"{counted(len(unread), 'job')} could not be read, such as {such}")
        named, lost = (sum(one.get(name, 0) for one in found) for name in ("named", "unaccounted"))
        say(f"{counted(len(found), 'job')}: {counted(named, 'occurrence')} up to now, {lost} unaccounted for.")
    if any(one.get("unaccounted") for one in found):
        raise typer.Exit(Exit.FAILED)


def _show(rows: list[tuple[object, ...]], columns: tuple[Column, ...]) -> None:
    """Print rows that begin with the time in UTC; a pipe, which has the local time in full, needs no other."""
    if out().is_terminal:
        show_table((_WHEN, *columns), rows)
    else:
        show_table(columns, [row[1:] for row in rows])


def _row(one: dict[str, Any], job_id: str) -> tuple[object, ...]:
    local, run = one["local"] or utc(one["at"]), RunCell(job_id, one.get("run_id", ""))
    return (one["at"], local, fate_word(one), details(one), run)


def fate_word(one: dict[str, Any]) -> str:
    """Return the fate of an occurrence in a word; of one that was only rehearsed it says so."""
    return "rehearsed" if one["fate"] == "ran" and one.get("dry_run") else str(one["fate"])


def details(one: dict[str, Any]) -> str:
    """Say how an occurrence went, why, by whom, and what was done about it later."""
    told = [one["status"]] if one["fate"] in ("ran", "moved") and "status" in one else []
    told += ["rehearsed"] if one.get("dry_run") and one["fate"] != "ran" else []
    told += [one[name] for name in ("reason", "closed") if name in one]
    told += [one["edit"]["reason"]] if one.get("edit", {}).get("reason") not in (None, one.get("reason")) else []
    if one.get("lateness_ms", 0) >= 1000:
        told.append(f"{one['lateness_ms'] / 1000:.0f} s late")
    told += [one["pause"]["reason"]] if one["fate"] == "paused" and "pause" in one else []
    told += [f"from {utc(one['moved_from'])}"] if "moved_from" in one else []
    told += [f"to {utc(one['moved_to'])}"] if "moved_to" in one else []
    told += [f"by {one['by']['name'] or one['by']['actor']}"] if "by" in one else []
    told += [f"made up for: {one['made_up_by']['status']}"] if "made_up_by" in one else []
    told += [_again(one["again"])] if "again" in one else []
    return ", ".join(told)


def _again(run: dict[str, Any]) -> str:
    at = "" if run["started_at"] is None else f" at {utc(run['started_at'])}"
    return f"run again{at}: {run['status']}"


def _summary(found: dict[str, Any]) -> str:
    told = f"{counted(found['named'], 'occurrence')} up to now, {found['unaccounted']} unaccounted for"
    told += "".join(f", {found[name]} {name}" for name in ("doubled", "strays") if found[name])
    return f"{told}. All is known since {utc(found['complete_since'])}: {found['complete_because']}."


def explain(
    job: JobName,
    at: Annotated[
        str,
        typer.Argument(metavar="AT", help="A time such as 2027-03-28T02:30 in the job's zone, or 08:30 (today)."),
    ],
    json: Json = False,
) -> None:
    """Say why a job ran at a time, did not run, or has no occurrence then."""
    found = api().get(f"{job_path(find_id(job))}/explain", at=at)
    if not isinstance(found, dict) or "sentence" not in found:
        raise api().lacks("sentence")
    if json:
        show_data(found)
    else:
        say(found["sentence"])
        for name, its in (("Run", found), ("Run again", found.get("again", {}))):
            if "run_id" in its:
                note(f"{name}: {its['run_id']}")
