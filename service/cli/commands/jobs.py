"""`bot-scheduler jobs …`: list, show, create, edit, enable, disable and delete jobs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api
from service.cli.client.completing import complete_bots
from service.cli.client.dry_runs import refuse_days_alone, rehearsed
from service.cli.client.job_lookup import find_id, find_job, job_path, namesakes
from service.cli.commands.job_lists import list_jobs, show_job
from service.cli.commands.run_now import run_job
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import (
    Days,
    File,
    JobName,
    Json,
    Labels,
    Options,
    Set,
    Yes,
    laid_over,
    parsed_labels,
    parsed_pairs,
)
from service.cli.input.commands import Commands
from service.cli.input.job_files import edit_job, read_definition
from service.cli.input.schedule_arguments import (
    At,
    CalendarName,
    Cron,
    Every,
    Monthly,
    Months,
    On,
    Once,
    OnClosed,
    Rule,
    ShortMonth,
    Start,
    Zone,
    calendar_options,
)
from service.cli.input.schedule_flags import ScheduleFlags
from service.cli.output.escaping import counted, quoted
from service.cli.output.formats import show_data
from service.cli.output.plans import show_plan
from service.cli.output.printing import is_interactive, moment, note, out, say

app = Commands("List, show, create, edit, run and delete jobs.")

ALL_CLOSED = "all that is to come falls on closed days or hours"
Description = Annotated[str | None, typer.Option("--description", help="What the job is for.")]
Bot = Annotated[
    str | None,
    typer.Option("--bot", metavar="BOT", help="Its bot, such as birthday, visitor or webhook.",
                 autocompletion=complete_bots),
]  # fmt: skip

app.command("list", reads=True)(list_jobs)
app.command("show", reads=True)(show_job)


@app.command()
def create(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The job's name; without it, the file's.")] = None,
    bot: Bot = None,
    at: At = None, on: On = None, every: Every = None, monthly: Monthly = None, months: Months = None,
    short_months: ShortMonth = None, once: Once = None, cron: Cron = None, rrule: Rule = None, dtstart: Start = None,
    timezone: Zone = None, calendar: CalendarName = None, on_closed: OnClosed = None,
    set_: Set = None, option: Options = None, label: Labels = None, description: Description = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Create it disabled.")] = False,
    file: File = None, json: Json = False,
) -> None:  # fmt: skip
    """Create a job from flags, from a file, or from both; flags override the file.

    bot-scheduler jobs create "Birthdays" --bot birthday --at 08:00 --timezone Europe/Vienna --set process_late=true
    """
    fields = {} if file is None else read_definition(file)
    given = {"name": name, "bot_type": bot, "description": description, "enabled": False if disabled else None}
    fields |= {field: value for field, value in given.items() if value is not None}
    schedule = ScheduleFlags(
        once=once, monthly=monthly, rrule=rrule, cron=cron, every=every, at=at, on=on,
        months=months, short_months=short_months, dtstart=dtstart, timezone=timezone,
    )  # fmt: skip
    fields |= schedule.fields()
    _lay_over(fields, {}, set_, option, calendar_options(calendar, on_closed))
    _label(fields, {}, label)
    if not fields:
        raise Failure(Exit.USAGE, "Nothing to create: give a NAME, --bot and a schedule, or --file")
    fields.setdefault("bot_config", {})
    with schedule.refused_in_flags():
        created = api().json(api().ask("POST", "/scheduler/jobs", body=fields), "id")
    _report("Created", created, json)
    if others := namesakes(created):
        note(f"{counted(others, 'other job')} had this name already; commands tell such jobs apart by their ids")


@app.command()
def edit(
    job: JobName,
    name: Annotated[str | None, typer.Option("--name", help="The new name.")] = None,
    at: At = None, on: On = None, every: Every = None, monthly: Monthly = None, months: Months = None,
    short_months: ShortMonth = None, once: Once = None, cron: Cron = None, rrule: Rule = None, dtstart: Start = None,
    timezone: Zone = None, calendar: CalendarName = None, on_closed: OnClosed = None,
    set_: Set = None, option: Options = None, label: Labels = None, description: Description = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and when it would run; change nothing.")
    ] = False,
    days: Days = None, file: File = None, json: Json = False,
) -> None:  # fmt: skip
    """Change the fields that the flags or the file name; without either, open the job in your editor.

    --set, --option and --label change single fields and leave the others as they are.

    If somebody else changes the job at the same time, nothing is saved.
    """
    refuse_days_alone(days, dry_run)
    answer = api().ask("GET", job_path(find_id(job)))
    current, tag = api().json(answer, "id"), answer.headers["ETag"]
    changes = {} if file is None else read_definition(file)
    changes |= {field: value for field, value in (("name", name), ("description", description)) if value is not None}
    schedule = ScheduleFlags(
        once=once, monthly=monthly, rrule=rrule, cron=cron, every=every, at=at, on=on,
        months=months, short_months=short_months, dtstart=dtstart, timezone=timezone,
    )  # fmt: skip
    changes |= schedule.fields(current)
    _lay_over(changes, current, set_, option, calendar_options(calendar, on_closed))
    _label(changes, current, label)
    if dry_run:
        with schedule.refused_in_flags():
            _rehearse(current, changes, tag, days, json)
        return
    changed: list[dict[str, Any]] = []

    def send(fields: dict[str, Any]) -> None:
        answer = api().ask("PUT", job_path(current["id"]), body=fields, headers={"If-Match": tag})
        changed.append(api().json(answer, "id"))

    if changes:
        with schedule.refused_in_flags():
            send(changes)
    elif not is_interactive():
        raise Failure(Exit.USAGE, "Nothing to change: give flags or --file; without a terminal no editor opens")
    else:
        edit_job(current, send)
    _report("Changed" if changed else "Not changed:", changed[0] if changed else current, json)


def _rehearse(current: dict[str, Any], changes: dict[str, Any], tag: str, days: int | None, json: bool) -> None:
    """Show what a change would do."""
    if not changes:
        raise Failure(Exit.USAGE, "Nothing to change: give flags or --file")
    path, headers = job_path(current["id"]), {"If-Match": tag}
    plan = rehearsed("PUT", "/scheduler/jobs/{job_id}", path, days=days, body=changes, headers=headers)
    if json:
        show_data(plan)
    else:
        show_plan(plan["changes"], out(), "Nothing to change: the job is like this already.")


@app.command()
def enable(job: JobName, json: Json = False) -> None:
    """Enable a job."""
    _report("Enabled", _toggled(job, True), json)


@app.command()
def disable(job: JobName, json: Json = False) -> None:
    """Disable a job. Runs that are already queued still run."""
    _report("Disabled", _toggled(job, False), json)


@app.command()
def delete(job: JobName, yes: Yes = False, json: Json = False) -> None:
    """Delete a job and its history."""
    found = find_job(job)
    if not yes and is_interactive() and not typer.confirm(f"Delete {quoted(found['name'])} and its history?", err=True):
        raise Failure(Exit.FAILED, "Nothing was deleted")
    api().ask("DELETE", job_path(found["id"]))
    if json:
        show_data({"deleted": found["id"], "name": found["name"]})
    else:
        say(f"Deleted {found['name']} ({found['id']})")
        note(f"It can be restored for 30 days, without its runs: bot-scheduler restore {found['id']}")


app.command("run")(run_job)


def _toggled(job: str, enabled: bool) -> dict[str, Any]:
    return dict(api().json(api().ask("POST", f"{job_path(find_id(job))}/toggle", body={"enabled": enabled}), "id"))


def _lay_over(
    fields: dict[str, Any], current: dict[str, Any], sets: list[str] | None, opts: list[str] | None,
    calendar: dict[str, str | None],
) -> None:  # fmt: skip
    """Lay `--set` over `bot_config`, and `--option` and the flags of calendars over `options`."""
    laid = {"bot_config": parsed_pairs("--set", sets), "options": parsed_pairs("--option", opts) | calendar}
    for field, values in laid.items():
        if values:
            fields[field] = laid_over(fields.get(field) or current.get(field), values)


def _label(fields: dict[str, Any], current: dict[str, Any], pairs: list[str] | None) -> None:
    """Lay `--label` over the labels; an empty value takes a label away."""
    if pairs:
        labels = laid_over(fields.get("labels") or current.get("labels"), parsed_labels(pairs))
        refused = not isinstance(labels, dict)
        fields["labels"] = labels if refused else {name: value for name, value in labels.items() if value}


def _report(done: str, job: dict[str, Any], json: bool) -> None:
    if json:
        show_data(job)
    else:
        why_none = ALL_CLOSED if job["state"] == "scheduled" else job["state_reason"] or job["state"]
        due = f"next run: {moment(job['next_run_at'])}" if job["next_run_at"] else why_none
        say(f"{done} {job['name']} ({job['id']})" + (f", {due}" if due != done.lower() else ""))
