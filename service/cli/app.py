"""The application `bot-scheduler`: all commands under their names."""

from __future__ import annotations

from typing import Annotated

import typer

from service import VERSION
from service.cli.commands import (
    backfills,
    batches,
    calendars,
    changes,
    clock_changes,
    contacts,
    definitions,
    health,
    jobs,
    keys,
    occurrence_edits,
    occurrences,
    pauses,
    processes,
    runs,
    runs_again,
    sessions,
)
from service.cli.commands.alerting import alerts, channels, rules, snoozes
from service.cli.doctor import command as doctor
from service.cli.output.printing import say

app = typer.Typer(
    name="bot-scheduler",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Manage the jobs, runs, contacts and keys of a Bot Scheduler through its API.

    Set BOT_SCHEDULER_URL to its address (default: http://127.0.0.1:8000) and API_KEY to its key.

    For a service on this machine, API_KEY is optional: the key that `bot-scheduler up` or `make up` keeps in DATA_DIR
    works too.""",
    epilog="Exit codes: 0 success · 1 the run failed, the service is unhealthy, or something differs · "
    "2 wrong usage · 3 not found · 4 refused · 5 wrong, missing or insufficient key · 6 unreachable",
)


def _tell_version(asked: bool) -> None:
    if asked:
        say(f"bot-scheduler {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


app.add_typer(jobs.app, name="jobs")
app.command("history")(runs.history)
app.command("logs")(runs.logs)
app.command("cancel")(runs.cancel)
app.command("again")(runs_again.again)
app.command("now")(runs_again.now)
app.command("move")(runs_again.move)
app.add_typer(backfills.app, name="backfill")
app.command("batch")(batches.batch)
app.command("preview")(runs.preview)
app.command("occurrences")(occurrences.occurrences)
app.command("explain")(occurrences.explain)
app.add_typer(contacts.app, name="contacts")
app.command("export")(definitions.export)
app.command("apply")(definitions.apply)
app.command("clock-changes")(clock_changes.clock_changes)
app.command("health")(health.health)
app.command("acknowledge")(health.acknowledge)
app.command("audit")(changes.audit)
app.command("revisions")(changes.revisions)
app.command("restore")(changes.restore)
app.command("pauses")(pauses.pauses)
app.command("pause")(pauses.pause)
app.command("resume")(pauses.resume)
app.add_typer(calendars.app, name="calendars")
app.add_typer(occurrence_edits.app, name="occurrence")
app.add_typer(channels.app, name="channels")
app.add_typer(rules.app, name="rules")
app.add_typer(snoozes.app, name="snoozes")
app.command("alerts")(alerts.alerts)
app.add_typer(keys.app, name="keys")
app.add_typer(sessions.app, name="sessions")
app.command("doctor")(doctor.doctor)
app.command("up", rich_help_panel="Processes")(processes.up)
app.command("web", rich_help_panel="Processes")(processes.web)
app.command("scheduler", rich_help_panel="Processes")(processes.scheduler)
app.command("worker", rich_help_panel="Processes")(processes.worker)
