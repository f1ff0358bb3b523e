"""`bot-scheduler calendars …`: list, show, create, apply and delete calendars of days off, and list closed days."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, require_dry_runs, segment
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json, Yes
from service.cli.input.job_files import read_bytes
from service.cli.output.plans import show_plan
from service.cli.output.printing import is_interactive, note, out, say, show_fields, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="List, create, change and delete calendars of days off.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The calendar's name.")]
File = Annotated[str, typer.Option("--file", "-f", metavar="FILE", help="A YAML or JSON file; - reads standard input.")]
Weekdays = Annotated[str | None, typer.Option("--off", metavar="DAYS", help="Closed weekdays, such as sat,sun.")]
Dates = Annotated[list[str] | None, typer.Option("--date", metavar="DATE", help="A closed day, such as 2026-12-24.")]
Ranges = Annotated[
    list[str] | None,
    typer.Option("--range", metavar="FROM..TO[=WHY]", help="Closed days, such as 2026-12-24..2027-01-06=Christmas."),
]
Country = Annotated[
    str | None, typer.Option("--country", metavar="CODE", help="Its public holidays are closed: AT, or DE-BY.")
]
Hours = Annotated[
    str | None, typer.Option("--hours", metavar="FROM-TO", help="The open part of each day, such as 08:00-18:00.")
]


@app.command("list")
def list_calendars(json: Json = False) -> None:
    """List the calendars."""
    found = list(api().pages("/scheduler/calendars", None))
    if json:
        show_json(found)
    elif not found:
        note("There are no calendars yet. To create one, see: bot-scheduler calendars create --help")
    else:
        show_table(
            ("NAME", "CLOSED", "RUNS OUT", "DESCRIPTION"),
            [(one["name"], _closed(one), one["runs_out_on"] or "", one["description"] or "") for one in found],
        )


@app.command()
def show(name: Name, json: Json = False) -> None:
    """Show a calendar."""
    _show(api().json(api().ask("GET", _path(name)), "name", "dates"), json)


@app.command()
def create(
    name: Name, off: Weekdays = None, date: Dates = None, range_: Ranges = None, country: Country = None,
    hours: Hours = None,
    description: Annotated[str | None, typer.Option("--description", help="What it is for.")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Create a calendar.

    bot-scheduler calendars create office --off sat,sun --country AT --range "2026-12-24..2027-01-06=Christmas"
    """
    fields = {"name": name, "description": description, **_fields(off, date, range_, country, hours)}
    made = api().json(api().ask("POST", "/scheduler/calendars", body=fields), "name", "dates")
    note(f"Created the calendar {made['name']}.")
    _show(made, json)


@app.command()
def apply(
    file: File,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which occurrences a change gains and loses; change nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Create a calendar as a file describes it, or change the one of its name: fields that the file names."""
    fields = _read(file)
    name = fields.get("name")
    if not isinstance(name, str):
        raise Failure(Exit.USAGE, f"{file} has no name for the calendar")
    is_new = all(one["name"] != name for one in api().pages("/scheduler/calendars", None))
    if dry_run:
        _rehearse(name, fields, is_new, json)
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


@app.command()
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
        show_json(found)
    elif not found["days"]:
        note(f"Nothing is closed from {found['from']} to {found['until']}.")
    else:
        show_table(("DATE", "WHY"), [(day["date"], day["why"]) for day in found["days"]])


@app.command("import")
def import_file(name: Name, file: Annotated[str, typer.Argument(metavar="FILE")], json: Json = False) -> None:
    """Add the all-day events of an iCalendar file (.ics) to a calendar; - reads standard input."""
    headers = {"Content-Type": "text/calendar"}
    answer = api().ask("POST", f"{_path(name)}/ics", content=read_bytes(file), headers=headers, seconds=120)
    found = api().json(answer, "added", "skipped")
    if json:
        show_json(found)
        return
    say(f"Added {found['added']}, unchanged {found['unchanged']}, left out {found['skipped_total']}.")
    for one in found["skipped"]:
        note(f"Event {one['position']}: {one['reason']}")


def _rehearse(name: str, fields: dict[str, Any], is_new: bool, json: bool) -> None:
    """Show what a change would do to the calendar's jobs."""
    if is_new:
        raise Failure(Exit.USAGE, f"There is no calendar {name} yet, so no job uses it; --dry-run shows changes of one")
    require_dry_runs("/scheduler/calendars/{name}")
    answer = api().ask("PUT", _path(name), params={"dry_run": "true"}, body=fields, seconds=60)
    plan = api().json(answer, "dry_run", "changes")
    if json:
        show_json(plan)
        return
    show_plan(plan["changes"], out(), "Nothing to change: the calendar is like this already.")
    jobs = plan["jobs"]
    if plan["changes"] and 0 < jobs["looked_at"] < jobs["total"]:
        note(f"{jobs['total']} jobs use the calendar; only {jobs['looked_at']} were looked at.")


def _path(name: str) -> str:
    return f"/scheduler/calendars/{segment(name)}"


def _read(file: str) -> dict[str, Any]:
    from service.domain.input.strict_json import parse_object
    from service.errors import ValidationFailed
    from service.usecases.documents import parse_yaml  # here, because the domain takes a while to load

    raw = read_bytes(file)
    try:
        return dict(parse_object(raw) if raw.lstrip().startswith(b"{") else parse_yaml(raw))
    except ValidationFailed as refusal:
        raise Failure(Exit.USAGE, f"{file}: {refusal}") from None


def _fields(
    off: str | None, dates: list[str] | None, ranges: list[str] | None, country: str | None, hours: str | None
) -> dict[str, Any]:
    """Make a calendar's fields of the flags; the service checks them."""
    found: dict[str, Any] = {}
    if off is not None:
        found["weekdays_off"] = [day.strip() for day in off.split(",")]
    if dates:
        found["dates"] = dates
    if ranges:
        found["ranges"] = [_range(text) for text in ranges]
    if country is not None:
        code, _, part = country.partition("-")
        found |= {"country": code, "subdivision": part or None}
    if hours is not None:
        start, _, end = hours.partition("-")
        found["open_hours"] = {"from": start.strip(), "to": end.strip()}
    return found


def _range(text: str) -> dict[str, str]:
    days_, _, why = text.partition("=")
    first, separator, last = days_.partition("..")
    span = {"from": first.strip(), "to": last.strip() if separator else first.strip()}
    return {**span, "why": why.strip()} if why.strip() else span


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
        show_json(calendar)
        return
    spans = [f"{one['from']}..{one['to']}" + (f" {one['why']}" if "why" in one else "") for one in calendar["ranges"]]
    show_fields(
        [
            ("name", calendar["name"]), ("description", calendar["description"] or "–"), ("closed", _closed(calendar)),
            ("dates", ", ".join(calendar["dates"]) or "–"), ("ranges", "; ".join(spans) or "–"),
            ("runs out", calendar["runs_out_on"] or "–"), ("updated (UTC)", calendar["updated_at"]),
        ]
    )  # fmt: skip
