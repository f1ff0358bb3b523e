"""`bot-scheduler jobs list` and `jobs show`."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.client.api import api
from service.cli.client.completing import one_of
from service.cli.client.job_lookup import find_job, job_path
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import JobName, Json, LabelFilter, OnlyBot, OnlyState, label_filters
from service.cli.output.formats import show_data
from service.cli.output.job_words import job_state, labels_shown, next_run, next_run_words, setting_shown
from service.cli.output.printing import coloured, moment, note, show_fields
from service.cli.output.schedule_words import in_words
from service.cli.output.tables import NAME_LEAST, Column, show_table
from service.domain.input.refusals import listed

_COLUMNS = (
    Column("NAME", least=NAME_LEAST), Column("BOT", rank=4), Column("SCHEDULE", least=10, rank=2),
    Column("STATE", "whole"), Column("LAST RUN", "whole", rank=3), Column("NEXT RUN", "time"),
    Column("ID", "id", rank=1),
)  # fmt: skip
_SORTS = ("created", "name", "bot", "state", "next_run", "last_run", "last_failure")


def list_jobs(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="Only jobs with these words in their name or description.")
    ] = None,
    enabled: Annotated[bool, typer.Option("--enabled", help="Only enabled jobs.")] = False,
    bot: OnlyBot = None,
    search: Annotated[str | None, typer.Option("--search", metavar="TEXT", help="The same as TEXT.")] = None,
    label: LabelFilter = None,
    state: OnlyState = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="FIELD", help=f"By {listed(_SORTS)}.", autocompletion=one_of(_SORTS)),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Show at most N.")] = None,
    json: Json = False,
) -> None:
    """List jobs, oldest first unless you sort them."""
    if text is not None and search is not None:
        raise Failure(Exit.USAGE, "Give either TEXT or --search")
    filters = {
        "enabled_only": "true" if enabled else None, "bot_type": bot, "q": search or text,
        "label": label_filters(label), "state": state,
    }  # fmt: skip
    order = {} if sort is None else {"sort": sort}
    if limit is None:
        found = api().items(api().ask("GET", "/scheduler/jobs", params={**filters, **order}))
    else:
        found = list(api().pages("/scheduler/jobs", limit, **filters, **order))
    if json:
        show_data(found)
        return
    if not found:
        none_yet = "There are no jobs yet. To create one, see: bot-scheduler jobs create --help"
        note("No job matches." if any(filters.values()) else none_yet)
        return
    show_table(
        _COLUMNS,
        [
            (job["name"], job["bot_type"], in_words(job), job_state(job),
             coloured(job["last_run_status"] or "-"), next_run(job) or "-", job["id"])
            for job in found
        ],
    )  # fmt: skip


def show_job(job: JobName, json: Json = False) -> None:
    """Show a job: its definition, its last run, and when it is due next."""
    found = find_job(job)
    if json:
        show_data(found)
        return
    preview = api().get(f"{job_path(found['id'])}/preview", count=1)
    show_fields(
        [
            ("name", found["name"]),
            ("id", found["id"]),
            ("description", found["description"] or None),
            ("bot", found["bot_type"]),
            ("labels", labels_shown(found["labels"])),
            ("state", job_state(found)),
            ("paused by", ", ".join(found.get("paused", ())) or None),
            ("reason", found["state_reason"]),
            ("health", found.get("health")),
            ("schedule", preview["description"]),
            ("next run", next_run_words(found)),
            ("last run", found["last_run_at"] and moment(found["last_run_at"])),
            ("last status", found["last_run_status"] and coloured(found["last_run_status"])),
            ("last error", found["last_run_error"]),
            *((f"bot_config.{name}", setting_shown(value)) for name, value in found["bot_config"].items()),
            *((f"options.{name}", setting_shown(value)) for name, value in found["options"].items()),
            ("revision", found["revision"]),
            ("changed", moment(found["updated_at"])),
        ]
    )
