"""The application `bot-scheduler`: all commands under their names."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated

import typer
from typer.main import get_command

from service import VERSION
from service.cli.client.profiles import ASKED, read_by_others, shown
from service.cli.commands import (
    backfills,
    batches,
    bots,
    calendars,
    changes,
    clock_changes,
    definitions,
    health,
    jobs,
    occurrence_edits,
    occurrences,
    pauses,
    previews,
    processes,
    run_lists,
    runs,
    runs_again,
)
from service.cli.commands.access import keys, login, sessions
from service.cli.commands.alerting import alerts, channels, rules, snoozes
from service.cli.commands.contacts import books
from service.cli.completion import use_own_scripts
from service.cli.doctor import command as doctor
from service.cli.input.commands import Commands
from service.cli.input.help_types import use_words_for_types
from service.cli.output.printing import note, say

app = Commands(
    """Manage the jobs, runs, contacts and keys of a Bot Scheduler through its API.

    On the machine of `bot-scheduler up` or `make up`, it finds address and key by itself.

    For another service, sign in once: `bot-scheduler login`. Scripts set BOT_SCHEDULER_URL and API_KEY.""",
    name="bot-scheduler",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
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
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", metavar="NAME", help="Use the service of this profile; `here` is this machine's.",
            autocompletion=login.complete_profiles,
        ),
    ] = None,
) -> None:  # fmt: skip
    """Take the options that stand before a command."""
    ASKED.set(profile)
    if (path := read_by_others()) is not None:
        note(f"Other users of this machine can read the keys in {shown(path)}; to prevent it: chmod 600 {shown(path)}")


use_own_scripts()
use_words_for_types()
EVERY_DAY, LATER, ALERTS, ACCESS, WHOLE, PROCESSES = (
    "Every day", "What is to come, and what was", "Pauses and alerts", "Access", "The whole", "Processes"
)  # fmt: skip
"""The panels of `--help`."""
app.add_typer(jobs.app, name="jobs", rich_help_panel=EVERY_DAY)
app.command("history", reads=True, rich_help_panel=EVERY_DAY)(run_lists.history)
app.add_typer(run_lists.app, name="runs", rich_help_panel=EVERY_DAY)
app.command("logs", rich_help_panel=EVERY_DAY)(runs.logs)
app.command("cancel", rich_help_panel=EVERY_DAY)(runs.cancel)
app.command("again", rich_help_panel=EVERY_DAY)(runs_again.again)
app.command("now", rich_help_panel=EVERY_DAY)(runs_again.now)
app.command("move", rich_help_panel=EVERY_DAY)(runs_again.move)
app.command("batch", rich_help_panel=EVERY_DAY)(batches.batch)
app.add_typer(books.app, name="contacts", rich_help_panel=EVERY_DAY)
app.command("bots", reads=True, rich_help_panel=EVERY_DAY)(bots.bots)
app.add_typer(bots.messages, name="messages", rich_help_panel=EVERY_DAY)
app.command("preview", reads=True, rich_help_panel=LATER)(previews.preview)
app.command("occurrences", reads=True, rich_help_panel=LATER)(occurrences.occurrences)
app.command("explain", rich_help_panel=LATER)(occurrences.explain)
app.add_typer(occurrence_edits.app, name="occurrence", rich_help_panel=LATER)
app.add_typer(backfills.app, name="backfill", rich_help_panel=LATER)
app.add_typer(calendars.app, name="calendars", rich_help_panel=LATER)
app.command("clock-changes", reads=True, rich_help_panel=LATER)(clock_changes.clock_changes)
app.command("pauses", reads=True, rich_help_panel=ALERTS)(pauses.pauses)
app.command("pause", rich_help_panel=ALERTS)(pauses.pause)
app.command("resume", rich_help_panel=ALERTS)(pauses.resume)
app.add_typer(channels.app, name="channels", rich_help_panel=ALERTS)
app.add_typer(rules.app, name="rules", rich_help_panel=ALERTS)
app.add_typer(snoozes.app, name="snoozes", rich_help_panel=ALERTS)
app.command("alerts", reads=True, rich_help_panel=ALERTS)(alerts.alerts)
app.command("login", rich_help_panel=ACCESS)(login.login)
app.command("logout", rich_help_panel=ACCESS)(login.logout)
app.add_typer(login.app, name="profiles", rich_help_panel=ACCESS)
app.add_typer(keys.app, name="keys", rich_help_panel=ACCESS)
app.add_typer(sessions.app, name="sessions", rich_help_panel=ACCESS)
app.command("audit", reads=True, rich_help_panel=ACCESS)(changes.audit)
app.command("health", reads=True, rich_help_panel=WHOLE)(health.health)
app.command("doctor", reads=True, rich_help_panel=WHOLE)(doctor.doctor)
app.command("acknowledge", rich_help_panel=WHOLE)(health.acknowledge)
app.command("export", rich_help_panel=WHOLE)(definitions.export)
app.command("apply", rich_help_panel=WHOLE)(definitions.apply)
app.command("revisions", reads=True, rich_help_panel=WHOLE)(changes.revisions)
app.command("restore", rich_help_panel=WHOLE)(changes.restore)
app.command("up", rich_help_panel=PROCESSES)(processes.up)
app.command("web", rich_help_panel=PROCESSES)(processes.web)
app.command("scheduler", rich_help_panel=PROCESSES)(processes.scheduler)
app.command("worker", rich_help_panel=PROCESSES)(processes.worker)


@cache
def command_line() -> Callable[..., object]:
    """Return the whole, which Typer takes a while to put together."""
    return get_command(app)
