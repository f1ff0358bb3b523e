"""`bot-scheduler jobs …`"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api
from service.cli.client.job_lookup import find_id, find_job, job_path
from service.cli.commands.run_now import run_job
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import At, Cron, Every, JobName, Json, On, Options, Set, Yes, Zone, parsed_pairs
from service.cli.input.job_files import edit as edit_text
from service.cli.input.job_files import read_definition
from service.cli.input.schedule_flags import ScheduleFlags, in_words
from service.cli.output.printing import asks, coloured, note, say, show_fields, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="List, read, make, change and run jobs.")

File = Annotated[
    str | None,
    typer.Option("--file", "-f", metavar="FILE", help="A YAML or JSON file of the job's fields; - reads on."),
]
Description = Annotated[str | None, typer.Option("--description", help="What it is for.")]


@app.command("list")
def list_jobs(
    enabled: Annotated[bool, typer.Option("--enabled", help="Only those that are switched on.")] = False,
    bot: Annotated[str | None, typer.Option("--bot", help="Only this bot's.")] = None,
    search: Annotated[str | None, typer.Option("--search", "-q", help="Only those with this text.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most this many.")] = None,
    json: Json = False,
) -> None:
    """List all jobs, the oldest first."""
    filters = {"enabled_only": "true" if enabled else None, "bot_type": bot, "q": search}
    if limit is None:
        found = api().get("/scheduler/jobs", **filters)
    else:
        found = list(api().pages("/scheduler/jobs", limit, **filters))
    if json:
        show_json(found)
        return
    if not found:
        note("There are no such jobs." if any(filters.values()) else "There are no jobs yet; see `jobs create --help`.")
        return
    show_table(
        ("NAME", "BOT", "SCHEDULE", "STATE", "LAST RUN", "NEXT RUN (UTC)", "ID"),
        [
            (job["name"], job["bot_type"], in_words(job), coloured(job["state"]),
             coloured(job["last_run_status"] or "-"), job["next_run_at"] or "-", job["id"])
            for job in found
        ],
    )  # fmt: skip


@app.command()
def show(job: JobName, json: Json = False) -> None:
    """Show a job: its definition, how it went last, when it is due next."""
    found = find_job(job)
    if json:
        show_json(found)
        return
    preview = api().get(f"{job_path(found['id'])}/preview", count=1)
    show_fields(
        [
            ("name", found["name"]),
            ("id", found["id"]),
            ("description", found["description"]),
            ("bot", found["bot_type"]),
            ("state", coloured(found["state"])),
            ("because", found["state_reason"]),
            ("schedule", preview["description"]),
            ("next run", found["next_run_at"] and f"{found['next_run_at']} UTC"),
            ("last run", found["last_run_at"] and f"{found['last_run_at']} UTC"),
            ("it went", found["last_run_status"] and coloured(found["last_run_status"])),
            ("error", found["last_run_error"]),
            *((f"bot_config.{name}", _shown(value)) for name, value in found["bot_config"].items()),
            *((f"options.{name}", _shown(value)) for name, value in found["options"].items()),
            ("revision", found["revision"]),
            ("changed", f"{found['updated_at']} UTC"),
        ]
    )


@app.command()
def create(
    name: Annotated[str | None, typer.Argument(help="The job's name; else the file gives it.")] = None,
    bot: Annotated[str | None, typer.Option("--bot", help="Which bot: birthday, visitor, webhook, …")] = None,
    at: At = None, on: On = None, every: Every = None, cron: Cron = None, timezone: Zone = None,
    set_: Set = None, option: Options = None, description: Description = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Make it switched off.")] = False,
    file: File = None, json: Json = False,
) -> None:  # fmt: skip
    """Make a job, of flags, of a file, or of a file and flags that go before it.

    bot-scheduler jobs create "Birthdays" --bot birthday --at 08:00 --timezone Europe/Vienna --set process_late=true
    """
    fields = {} if file is None else read_definition(file)
    given = {"name": name, "bot_type": bot, "description": description, "enabled": False if disabled else None}
    fields |= {field: value for field, value in given.items() if value is not None}
    schedule = ScheduleFlags(at, on, every, cron, timezone)
    fields |= schedule.fields()
    _lay_over(fields, {}, set_, option)
    if not fields:
        raise Failure(Exit.USAGE, "What is to be made? Give a NAME, --bot and a schedule, or --file")
    fields.setdefault("bot_config", {})
    with schedule.refused_in_flags():
        made = api().json(api().ask("POST", "/scheduler/jobs", body=fields), "id")
    _told("Made", made, json)


@app.command()
def edit(
    job: JobName,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    at: At = None, on: On = None, every: Every = None, cron: Cron = None, timezone: Zone = None,
    set_: Set = None, option: Options = None, description: Description = None,
    file: File = None, json: Json = False,
) -> None:  # fmt: skip
    """Change a job: what flags or a file name, or, without any, in your editor.

    --set and --option change single fields and leave the others. If somebody else has changed the job meanwhile,
    nothing is done.
    """
    answer = api().ask("GET", job_path(find_id(job)))
    current, tag = api().json(answer, "id"), answer.headers["ETag"]
    changes = {} if file is None else read_definition(file)
    changes |= {field: value for field, value in (("name", name), ("description", description)) if value is not None}
    schedule = ScheduleFlags(at, on, every, cron, timezone)
    changes |= schedule.fields(current)
    _lay_over(changes, current, set_, option)
    changed: list[dict[str, Any]] = []

    def send(fields: dict[str, Any]) -> None:
        answer = api().ask("PUT", job_path(current["id"]), body=fields, headers={"If-Match": tag})
        changed.append(api().json(answer, "id"))

    if changes:
        with schedule.refused_in_flags():
            send(changes)
    elif not asks():
        raise Failure(Exit.USAGE, "What is to be changed? Give flags or --file; there is no terminal for an editor")
    else:
        edit_text(current, send)
    _told("Changed" if changed else "Left as it was:", changed[0] if changed else current, json)


@app.command()
def enable(job: JobName, json: Json = False) -> None:
    """Switch a job on."""
    _told("Switched on", _toggled(job, True), json)


@app.command()
def disable(job: JobName, json: Json = False) -> None:
    """Switch a job off. What is queued already still runs."""
    _told("Switched off", _toggled(job, False), json)


@app.command()
def delete(job: JobName, yes: Yes = False, json: Json = False) -> None:
    """Delete a job and its history."""
    found = find_job(job)
    if not yes and asks() and not typer.confirm(f"Delete {found['name']!r} and its history?", err=True):
        raise Failure(Exit.FAILED, "Nothing was deleted")
    api().ask("DELETE", job_path(found["id"]))
    if json:
        show_json({"deleted": found["id"], "name": found["name"]})
    else:
        say(f"Deleted {found['name']} ({found['id']})")


app.command("run")(run_job)


def _toggled(job: str, enabled: bool) -> dict[str, Any]:
    return dict(api().json(api().ask("POST", f"{job_path(find_id(job))}/toggle", body={"enabled": enabled}), "id"))


def _lay_over(fields: dict[str, Any], current: dict[str, Any], sets: list[str] | None, opts: list[str] | None) -> None:
    """Lays `--set` and `--option` over the objects that they are fields of."""
    for field, option, pairs in (("bot_config", "--set", sets), ("options", "--option", opts)):
        if pairs:
            base = fields.get(field) or current.get(field) or {}
            fields[field] = {**base, **parsed_pairs(option, pairs)}


def _told(what: str, job: dict[str, Any], json: bool) -> None:
    if json:
        show_json(job)
    else:
        due = f"due next at {job['next_run_at']} UTC" if job["next_run_at"] else job["state_reason"] or job["state"]
        say(f"{what} {job['name']} ({job['id']}), {due}")


def _shown(value: object) -> str | None:
    if value is None or value == []:
        return None
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
