"""`bot-scheduler snoozes …`: list the snoozes that are on, and end one. Links in alerts make them."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.client.api import api, segment
from service.cli.input.arguments import Json
from service.cli.output.printing import note, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="List and end snoozes: jobs whose alerts wait, by links in alerts.")


@app.command("list")
def list_snoozes(json: Json = False) -> None:
    """List the snoozes that are on."""
    found = list(api().pages("/scheduler/snoozes", None))
    if json:
        show_json(found)
    elif not found:
        note("Nothing is snoozed.")
    else:
        show_table(
            ("JOB", "TOLD NOTHING", "SINCE (UTC)", "UNTIL (UTC)", "ID"),
            [(one["job"] or one["job_id"], one["to"], one["since"], one["until"], one["id"]) for one in found],
        )


@app.command("end")
def end_snooze(
    snooze: Annotated[str, typer.Argument(metavar="ID", help="The snooze's; `bot-scheduler snoozes list` shows it.")],
) -> None:
    """End a snooze. What it has held is told together."""
    api().ask("DELETE", f"/scheduler/snoozes/{segment(snooze)}")
    note(f"Ended the snooze {snooze}.")
