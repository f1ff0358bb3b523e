"""`bot-scheduler history` and `runs …`: which runs there were, and how one went."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api
from service.cli.client.completing import complete_names_and_runs, complete_statuses, complete_triggers
from service.cli.client.job_lookup import find_id, job_path, names_of
from service.cli.client.run_lookup import chosen_run, run_path
from service.cli.input.arguments import AnyJob, Json, LabelFilter, Limit, RunId, label_filters
from service.cli.input.commands import Commands
from service.cli.input.moments import Since, Until
from service.cli.output.formats import show_data
from service.cli.output.printing import coloured, note
from service.cli.output.run_words import result_of, seconds, show_run, trigger_of
from service.cli.output.tables import NAME_LEAST, Column, RunCell, show_table
from service.domain.runs.past_runs import LISTED_RUNS

app = Commands("List and show runs.")

_JOB = Column("JOB", least=NAME_LEAST)
_COLUMNS = (
    Column("QUEUED", "time"), Column("STATUS", "whole"), Column("TRIGGER", rank=4), Column("LATE", "whole", rank=5),
    Column("DURATION", "whole", rank=3), _JOB, Column("RESULT", least=12, rank=2), Column("RUN", "run", rank=1),
)  # fmt: skip


@app.command("list", reads=True)
def history(
    job: AnyJob = None,
    limit: Limit = 50,
    status: Annotated[
        str | None,
        typer.Option(
            "--status", metavar="STATUS", autocompletion=complete_statuses,
            help="Only these: queued, running, success, failed, cancelled or skipped.",
        ),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(
            "--trigger", metavar="TRIGGER", autocompletion=complete_triggers,
            help="Only these: schedule, manual, retry, backfill or ping.",
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    label: LabelFilter = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Show the runs of one job or of all jobs, newest first."""
    filters = {"status": status, "trigger": trigger, "since": since, "until": until, "label": label_filters(label)}
    job_id = None if job is None else find_id(job)
    if job_id is not None and not any(filters.values()):
        found = list(api().pages(f"{job_path(job_id)}/history", limit))
    else:
        found = list(api().pages("/scheduler/runs", limit, job_id=job_id, **filters))
        if job_id is None and (len(found) >= LISTED_RUNS or since is not None or not found):
            note(f"The list of all jobs' runs has the newest {LISTED_RUNS:,}; name a job to see older ones of it.")
    if json:
        show_data(found)
    elif not found:
        note("There are no such runs.")
    else:
        _show(found, None if job_id else names_of(run["job_id"] for run in found))


def _show(found: list[dict[str, Any]], names: dict[str, str] | None) -> None:
    """Print runs; without names, they are all of the job that the person has named."""
    show_table(
        [column for column in _COLUMNS if names is not None or column is not _JOB],
        [
            (
                run["queued_at"] or run["scheduled_for"], coloured(run["status"]), trigger_of(run),
                seconds(run["lateness_ms"]), seconds(run["duration_ms"]),
                *([] if names is None else [names.get(run["job_id"], run["job_id"])]), result_of(run),
                RunCell(run["job_id"], run["id"]),
            )
            for run in found
        ],
    )  # fmt: skip


@app.command("show", reads=True)
def show(
    job: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="The run's id, or its short id; or a job, and its newest run is shown.",
            autocompletion=complete_names_and_runs,
        ),
    ],
    run: RunId = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Show a run: when and why it ran, who asked for it, and how it went."""
    job_id, run_id = chosen_run(job, run, tells=False)
    entry = api().json(api().ask("GET", run_path(job_id, run_id)), "id", "status")
    if json:
        show_data(entry)
    else:
        show_run(entry, names_of([job_id]).get(job_id, job_id))
