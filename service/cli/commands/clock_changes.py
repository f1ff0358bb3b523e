"""`bot-scheduler clock-changes`: which jobs meet a coming change of clocks, and what becomes of each."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.client.api import api
from service.cli.input.arguments import Json
from service.cli.output.formats import show_data
from service.cli.output.printing import note
from service.cli.output.tables import NAME_LEAST, Column, show_table
from service.cli.output.times import utc


def clock_changes(
    days: Annotated[
        int | None, typer.Option("--days", help="How far to look ahead (default: 45; at most 366).")
    ] = None,
    json: Json = False,
) -> None:
    """Show which enabled jobs meet a change of the clocks of their zone, and what becomes of their runs."""
    found = api().get("/scheduler/clock-changes", days=days)
    if not isinstance(found, dict) or "changes" not in found:
        raise api().lacks("changes")
    if json:
        show_data(found)
    elif not found["changes"]:
        note(f"Until {utc(found['until'])}, no job meets a change of clocks.")
    else:
        show_table(
            (
                Column("AT", "time"), Column("JOB", least=NAME_LEAST), Column("WHAT HAPPENS", least=20),
                Column("ID", "id", rank=1),
            ),
            [(one["at"], one["job_name"], one["sentence"], one["job_id"]) for one in found["changes"]],
        )  # fmt: skip
        if (more := found["count"] - len(found["changes"])) > 0:
            note(f"{more} more are not listed; ask for fewer days.")
