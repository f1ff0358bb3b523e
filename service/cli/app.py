"""The commands, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from service import VERSION
from service.cli import contacts, documents, health, jobs, runs
from service.cli.doctor import command as doctor
from service.cli.output import say

app = typer.Typer(
    name="bot-scheduler",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Jobs, runs and contacts of a Bot Scheduler, by its API.

    BOT_SCHEDULER_URL says where it is (http://127.0.0.1:8000 unless told), API_KEY opens it. For a service on this
    machine the key that `make up` keeps under DATA_DIR does as well, if it can be read.""",
    epilog="Exit codes: 0 ok · 1 a run failed, unhealthy, or it differs · 2 usage · 3 not found · 4 refused · "
    "5 unauthorised · 6 unreachable",
)


def _tell_version(asked: bool) -> None:
    if asked:
        say(f"bot-scheduler {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version, and end.")
    ] = False,
) -> None:
    """What may stand before a command."""


app.add_typer(jobs.app, name="jobs")
app.command("history")(runs.history)
app.command("logs")(runs.logs)
app.command("cancel")(runs.cancel)
app.command("preview")(runs.preview)
app.add_typer(contacts.app, name="contacts")
app.command("export")(documents.export)
app.command("apply")(documents.apply)
app.command("health")(health.health)
app.command("acknowledge")(health.acknowledge)
app.command("doctor")(doctor.doctor)
