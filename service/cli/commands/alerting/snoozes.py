"""`bot-scheduler snoozes …`: list the snoozes that are on, and end one. Links in alerts make them."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.client.api import api, segment
from service.cli.client.completing import complete_snoozes
from service.cli.client.short_ids import whole_id
from service.cli.input.arguments import Json
from service.cli.input.commands import Commands
from service.cli.output.formats import show_data
from service.cli.output.printing import note
from service.cli.output.tables import NAME_LEAST, Column, show_table

app = Commands("List and end snoozes: jobs whose alerts wait, by links in alerts.")


@app.command("list", reads=True)
def list_snoozes(json: Json = False) -> None:
    """List the snoozes that are on."""
    found = list(api().pages("/scheduler/snoozes", None))
    if json:
        show_data(found)
    elif not found:
        note("Nothing is snoozed.")
    else:
        show_table(
            (Column("JOB", least=NAME_LEAST), Column("TOLD NOTHING", rank=1), Column("SINCE", "time"),
             Column("UNTIL", "time"), Column("ID", "id")),
            [(one["job"] or one["job_id"], one["to"], one["since"], one["until"], one["id"]) for one in found],
        )  # fmt: skip


@app.command("end")
def end_snooze(
    snooze: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The snooze's; `bot-scheduler snoozes list` shows it.", autocompletion=complete_snoozes
        ),
    ],
) -> None:
    """End a snooze. What it has held is told together."""
    api().ask("DELETE", f"/scheduler/snoozes/{segment(whole_id(snooze, '/scheduler/snoozes'))}")
    note(f"Ended the snooze {snooze}.")
