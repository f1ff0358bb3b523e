"""`bot-scheduler calendars …`: list, show, create, edit, apply and delete calendars of days off; list closed days."""

from __future__ import annotations

from typing import Annotated, Any

import httpx
import typer

from service.cli.client.api import api, segment
from service.cli.client.completing import complete_calendars
from service.cli.client.dry_runs import refuse_days_alone, rehearsed
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Days, Json, Yes
from service.cli.input.calendar_fields import (
    Country,
    Dates,
    Description,
    Hours,
    Ranges,
    Weekdays,
    as_text,
    changed_fields,
    fields_of,
    parsed,
)
from service.cli.input.commands import Commands
from service.cli.input.editor import edit as edit_text
from service.cli.input.job_files import read_bytes
from service.cli.output.formats import show_data
from service.cli.output.plans import not_looked_at, show_plan
from service.cli.output.printing import is_interactive, moment, note, out, say, show_fields
from service.cli.output.tables import Column, show_table

app = Commands("List, create, change and delete calendars of days off.")

_ROUTE = "/scheduler/calendars/{name}"
Name = Annotated[str, typer.Argument(metavar="NAME", help="The calendar's name.", autocompletion=complete_calendars)]
_FILE = typer.Option("--file", "-f", metavar="FILE", help="A YAML or JSON file; - reads standard input.")
File = Annotated[str, _FILE]
OptionalFile = Annotated[str | None, _FILE]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show which days and occurrences a change gains and loses; change nothing.")
]


@app.command("list", reads=True)
def list_calendars(json: Json = False) -> None:
    """List the calendars."""
    found = list(api().pages("/scheduler/calendars", None))
    if json:
        show_data(found)
    elif not found:
        note("There are no calendars yet. To create one, see: bot-scheduler calendars create --help")
    else:
        show_table(
            (
                Column("NAME", least=12),
                Column("CLOSED", least=20),
                Column("RUNS OUT", "whole"),
                Column("DESCRIPTION", rank=1),
            ),
            [(one["name"], _closed(one), one["runs_out_on"] or "", one["description"] or "") for one in found],
        )


@app.command(reads=True)
def show(name: Name, json: Json = False) -> None:
    """Show a calendar."""
    _show(api().json(api().ask("GET", _path(name)), "name", "dates"), json)


@app.command()
def create(
    name: Name, off: Weekdays = None, date: Dates = None, range_: Ranges = None, country: Country = None,
    hours: Hours = None, description: Description = None, json: Json = False,
) -> None:  # fmt: skip
    """Create a calendar.

    bot-scheduler calendars create office --off sat,sun --country AT --range "2026-12-24..2027-01-06=Christmas"
    """
    fields = {"name": name, **fields_of(off, date, range_, country, hours, description)}
    made = api().json(api().ask("POST", "/scheduler/calendars", body=fields), "name", "dates")
    note(f"Created the calendar {made['name']}.")
    _show(made, json)


@app.command()
def edit(
    name: Name, off: Weekdays = None, date: Dates = None, range_: Ranges = None, country: Country = None,
    hours: Hours = None, description: Description = None, file: OptionalFile = None, dry_run: DryRun = False,
    days: Days = None, json: Json = False,
) -> None:  # fmt: skip
    """Change the fields that the flags or the file name; without either, open the calendar in your editor.

    --date and --range replace the calendar's dates and ranges; an empty value (--country "") takes a field away.

    If somebody else changes the calendar at the same time, nothing is saved.
    """
    refuse_days_alone(days, dry_run)
    answer = api().ask("GET", _path(name))
    current, headers = api().json(answer, "name", "dates"), _condition(answer)
    changes = {} if file is None else parsed(read_bytes(file), file)
    changes |= fields_of(off, date, range_, country, hours, description)
    if dry_run:
        if not changes:
            raise Failure(Exit.USAGE, "Nothing to change: give flags or --file")
        _show_rehearsed(rehearsed("PUT", _ROUTE, _path(name), days=days, body=changes, headers=headers), json)
        return
    made: list[dict[str, Any]] = []

    def send(fields: dict[str, Any]) -> None:
        answer = api().ask("PUT", _path(name), body=fields, headers=headers)
        made.append(api().json(answer, "name", "dates"))

    if changes:
        send(changes)
    elif not is_interactive():
        raise Failure(Exit.USAGE, "Nothing to change: give flags or --file; without a terminal no editor opens")
    else:
        edit_text(as_text(current), lambda text: send(changed_fields(parsed(text, "The text"), current)))
    note(f"{'Changed' if made else 'Not changed:'} the calendar {current['name']}.")
    _show(made[0] if made else current, json)


@app.command()
def apply(file: File, dry_run: DryRun = False, days: Days = None, json: Json = False) -> None:
    """Create a calendar as a file describes it, or change the one of its name: fields that the file names."""
    refuse_days_alone(days, dry_run)
    fields = parsed(read_bytes(file), file)
    name = fields.get("name")
    if not isinstance(name, str):
        raise Failure(Exit.USAGE, f"{file} has no name for the calendar")
    is_new = all(one["name"] != name for one in api().pages("/scheduler/calendars", None))
    if dry_run:
        if is_new:
            raise Failure(
                Exit.USAGE, f"There is no calendar {name} yet, so no job uses it; --dry-run shows changes of one"
            )
        _show_rehearsed(rehearsed("PUT", _ROUTE, _path(name), days=days, body=fields), json)
        return
    method, path = ("POST", "/scheduler/calendars") if is_new else ("PUT", _path(name))
    made = api().json(api().ask(method, path, body=fields), "name", "dates")
    note(f"{'Created' if is_new else 'Changed'} the calendar {made['name']}.")
    _show(made, json)


@app.command()
def delete(name: Name, yes: Yes = False) -> None:
    """Delete a calendar that no job uses."""
    if not yes and is_interactive() and not typer.confirm(f"Delete the calendar {name}?", err=True):
        raise Failure(Exit.FAILED, "Nothing was deleted")
    api().ask("DELETE", _path(name))
    note(f"Deleted the calendar {name}.")


@app.command(reads=True)
def days(
    name: Name,
    from_: Annotated[str | None, typer.Option("--from", metavar="DATE", help="The first day; default: today.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="The last; default: a year on.")] = None,
    json: Json = False,
) -> None:
    """List the closed days of a calendar, and why."""
    params = {key: value for key, value in (("from", from_), ("until", until)) if value is not None}
    found = api().json(api().ask("GET", f"{_path(name)}/days", params=params), "name", "days")
    if json:
        show_data(found)
    elif not found["days"]:
        note(f"Nothing is closed from {found['from']} to {found['until']}.")
    else:
        show_table((Column("DATE", "whole"), Column("WHY")), [(day["date"], day["why"]) for day in found["days"]])


@app.command("import")
def import_file(
    name: Name, file: Annotated[str, typer.Argument(metavar="FILE")],
    charset: Annotated[
        str | None, typer.Option("--charset", metavar="NAME", help="The file's encoding, such as windows-1252.")
    ] = None,
    dry_run: DryRun = False, days: Days = None, json: Json = False,
) -> None:  # fmt: skip
    """Add the all-day events of an iCalendar file (.ics) to a calendar; - reads standard input."""
    refuse_days_alone(days, dry_run)
    path, content = f"{_path(name)}/ics", read_bytes(file)
    headers = {"Content-Type": "text/calendar" + ("" if charset is None else f'; charset="{charset}"')}
    if dry_run:
        plan = rehearsed("POST", f"{_ROUTE}/ics", path, days=days, content=content, headers=headers)
        _show_rehearsed(plan, json)
        if not json:
            _tell(plan["file"], "To add")
        return
    found = api().json(api().ask("POST", path, content=content, headers=headers, seconds=120), "added", "skipped")
    if json:
        show_data(found)
    else:
        _tell(found, "Added")


def _tell(found: dict[str, Any], added: str) -> None:
    """Tell what becomes of a file's events."""
    say(f"{added}: {found['added']}, unchanged: {found['unchanged']}, left out: {found['skipped_total']}.")
    for one in found["skipped"]:
        note(f"Event {one['position']}: {one['reason']}")


def _condition(answer: httpx.Response) -> dict[str, str]:
    """Return the header by which a change is made only to what was read. An older service sends no tag."""
    tag = answer.headers.get("ETag")
    return {} if tag is None else {"If-Match": tag}


def _show_rehearsed(plan: dict[str, Any], json: bool) -> None:
    """Show what a change would do to the calendar and to its jobs."""
    if json:
        show_data(plan)
        return
    show_plan(plan["changes"], out(), "Nothing to change: the calendar is like this already.")
    if left_out := not_looked_at(plan):
        note(left_out)


def _path(name: str) -> str:
    return f"/scheduler/calendars/{segment(name)}"


def _closed(calendar: dict[str, Any]) -> str:
    """Sum up what a calendar closes: `sat, sun; holidays of AT; 3 dates; 1 range; open 08:00–18:00`."""
    parts = [", ".join(calendar["weekdays_off"])] if calendar["weekdays_off"] else []
    if calendar["country"]:
        place = calendar["country"] + (f"-{calendar['subdivision']}" if calendar["subdivision"] else "")
        parts.append(f"holidays of {place}")
    for field, word in (("dates", "date"), ("ranges", "range")):
        if count := len(calendar[field]):
            parts.append(f"{count} {word}{'s' * (count > 1)}")
    if hours := calendar["open_hours"]:
        parts.append(f"open {hours['from']}–{hours['to']}")
    return "; ".join(parts) or "nothing"


def _show(calendar: dict[str, Any], json: bool) -> None:
    if json:
        show_data(calendar)
        return
    spans = [f"{one['from']}..{one['to']}" + (f" {one['why']}" if "why" in one else "") for one in calendar["ranges"]]
    show_fields(
        [
            ("name", calendar["name"]), ("description", calendar["description"] or "–"), ("closed", _closed(calendar)),
            ("dates", ", ".join(calendar["dates"]) or "–"), ("ranges", "; ".join(spans) or "–"),
            ("runs out", calendar["runs_out_on"] or "–"), ("updated", moment(calendar["updated_at"])),
        ]
    )  # fmt: skip
