"""`bot-scheduler audit`, `revisions` and `restore`: who changed what, and the ways back."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.completing import complete_actions, complete_deleted, complete_keys
from service.cli.client.job_lookup import find_id, job_path, names_of
from service.cli.client.short_ids import whole_id
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import JobName, Json, Limit, OnlyJob
from service.cli.input.moments import Since, Until
from service.cli.output.escaping import quoted
from service.cli.output.formats import show_data
from service.cli.output.job_words import setting_shown
from service.cli.output.printing import moment, note, say, show_fields
from service.cli.output.tables import NAME_LEAST, Column, show_table

_NUMBER = re.compile(r"[1-9][0-9]{0,14}")

Wanted = Annotated[
    str | None,
    typer.Argument(metavar="REVISION", help="Show this revision's definition; 7..9 shows what differs between two."),
]


def audit(
    job: OnlyJob = None,
    actor: Annotated[
        str | None,
        typer.Option("--actor", metavar="KEY", help="Only changes by this key: its id, or root.",
                     autocompletion=complete_keys),
    ] = None,
    action: Annotated[
        str | None,
        typer.Option("--action", metavar="ACTION", autocompletion=complete_actions,
                     help="Only these: job.update, or job for all of jobs; refused for refused requests."),
    ] = None,
    since: Since = None, until: Until = None,
    limit: Limit = 50, json: Json = False,
) -> None:  # fmt: skip
    """Show who changed what, newest first. Needs a key with the scope admin."""
    filters = {"actor": actor, "action": action, "since": since, "until": until}
    job_id = None if job is None else find_id(job)
    found = list(api().pages("/scheduler/audit", limit, job_id=job_id, **filters))
    if json:
        show_data(found)
    elif not found:
        note("There are no such changes.")
    else:
        names = _names(found)
        show_table(
            (
                Column("AT", "time"), Column("WHO"), Column("FROM", "whole", rank=3), Column("ACTION", "whole"),
                Column("WHAT", least=NAME_LEAST), Column("CHANGED", least=12, rank=1), Column("NOTE", least=12, rank=2),
            ),
            [
                (one["at"], one["actor_name"] or one["actor"], one["address"], one["action"],
                 _subject(one, names), _changed(one), one["note"])
                for one in found
            ],
        )  # fmt: skip


def _job_of(entry: dict[str, Any]) -> str | None:
    """Return the id of the job that an entry is about; None if it is about something else."""
    job_id = entry["job_id"] or (entry["object"] if entry["action"].startswith("job.") else None)
    return None if job_id is None else str(job_id)


def _names(entries: list[dict[str, Any]]) -> dict[str, str]:
    """Return the names of jobs and keys by their ids: their present names, or the last that the log tells."""
    told = {one["object"]: name for one in reversed(entries) if (name := _told_name(one))}
    jobs = names_of(job_id for one in entries if (job_id := _job_of(one)))
    gone = {job_id for one in entries if (job_id := _job_of(one))} - {*told, *jobs}
    deleted = {one["id"]: one["definition"]["name"] for one in api().pages("/scheduler/deleted", None)} if gone else {}
    has_keys = any(one["action"].startswith("key.") for one in entries)
    keys = {one["id"]: one["name"] for one in api().pages("/scheduler/keys", None)} if has_keys else {}
    return told | deleted | jobs | keys


def _told_name(entry: dict[str, Any]) -> str | None:
    change = entry["fields"].get("name") or {}
    name = change.get("to") or change.get("from")
    return name if isinstance(name, str) else None


def _subject(entry: dict[str, Any], names: dict[str, str]) -> str:
    """Name what an entry is about; of a part of a job, such as a run, the job and then the part."""
    job_id, subject = _job_of(entry), entry["object"] or ""
    if job_id in (None, subject):
        return names.get(subject, str(subject))
    return f"{names.get(str(job_id), job_id)}: {subject}"


def _changed(entry: dict[str, Any]) -> str:
    if entry["count"] > 1:
        return f"{entry['count']} times"
    return ", ".join(entry["fields"])


def revisions(job: JobName, revision: Wanted = None, json: Json = False) -> None:
    """Show the last 50 revisions of a job, newest first; or one of them, or what differs between two."""
    path = f"{job_path(find_id(job))}/revisions"
    if revision is None:
        _list(api().items(api().ask("GET", path)), json)
    elif ".." in revision:
        _difference(api().get(path, diff=revision), json)
    else:
        _one(api().get(f"{path}/{segment(revision)}"), json)


def _list(found: list[dict[str, Any]], json: bool) -> None:
    if json:
        show_data(found)
        return
    show_table(
        (
            Column("REVISION", "whole"),
            Column("AT", "time"),
            Column("WHO"),
            Column("CHANGED", least=16),
            Column("NOTE", least=12, rank=1),
        ),
        [(one["revision"], one["at"], _who(one["by"]), _revised(one), one["note"]) for one in found],
    )


def _revised(one: dict[str, Any]) -> str:
    """Say what a revision changed. A service of an older release does not tell what it restored."""
    fields, origin = ", ".join(one["changed"] or ()), one.get("restored_from")
    return fields if origin is None else f"restored from {origin}" + (f": {fields}" if fields else "")


def _who(by: dict[str, str] | None) -> str | None:
    return None if by is None else by["name"]


def _difference(found: dict[str, Any], json: bool) -> None:
    if json:
        show_data(found)
    elif not found["fields"]:
        note("The two revisions do not differ.")
    else:
        rows = [
            (path, setting_shown(values["from"]), setting_shown(values["to"]))
            for path, values in found["fields"].items()
        ]
        show_table((Column("FIELD"), Column(str(found["from"])), Column(str(found["to"]))), rows)


def _one(found: dict[str, Any], json: bool) -> None:
    if json:
        show_data(found)
        return
    told = [("revision", found["revision"]), ("at", moment(found["at"])), ("by", _who(found["by"])),
            ("restored from", found.get("restored_from")), ("note", found["note"])]  # fmt: skip
    show_fields([*told, *((name, setting_shown(value)) for name, value in found["definition"].items())])


def restore(
    job: Annotated[
        str | None,
        typer.Argument(metavar="JOB", help="A job, or a deleted one's id; without it, the deleted jobs are shown.",
                       autocompletion=complete_deleted),
    ] = None,
    revision: Annotated[
        str | None, typer.Argument(metavar="REVISION", help="The revision to which the job goes back.")
    ] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Give a job the definition that it had at a revision, or bring back a job deleted in the last 30 days.

    bot-scheduler restore "Birthdays" 7
    """
    if job is None:
        _show_deleted(json)
        return
    if revision is None:
        path = f"/scheduler/deleted/{segment(whole_id(job, '/scheduler/deleted'))}/restore"
    elif _NUMBER.fullmatch(revision):
        path = f"{job_path(find_id(job))}/revisions/{revision}/restore"
    else:
        raise Failure(Exit.USAGE, f"A revision is a number, not {quoted(revision)}; see: bot-scheduler revisions JOB")
    restored = api().json(api().ask("POST", path), "id", "revision")
    if json:
        show_data(restored)
    else:
        say(f"Restored {quoted(restored['name'])}, now at revision {restored['revision']}")


def _show_deleted(json: bool) -> None:
    found = list(api().pages("/scheduler/deleted", None))
    if json:
        show_data(found)
    elif not found:
        note("No job was deleted in the last 30 days.")
    else:
        show_table(
            (
                Column("NAME", least=NAME_LEAST),
                Column("DELETED", "time"),
                Column("BY", rank=1),
                Column("KEPT UNTIL", "time"),
                Column("ID", "id"),
            ),
            [
                (one["definition"]["name"], one["deleted_at"], _who(one["deleted_by"]), one["kept_until"], one["id"])
                for one in found
            ],
        )
