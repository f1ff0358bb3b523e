"""`bot-scheduler alerts`: who was told what."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api
from service.cli.client.completing import complete_channels, complete_kinds, one_of
from service.cli.client.job_lookup import find_id
from service.cli.input.arguments import Json, Limit, OnlyJob
from service.cli.input.moments import Since, Until
from service.cli.output.formats import show_data
from service.cli.output.printing import note
from service.cli.output.tables import Column, show_table


def alerts(
    limit: Limit = 20,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", metavar="KIND", help="Only of this kind, such as failed or service.",
            autocompletion=complete_kinds,
        ),
    ] = None,
    channel: Annotated[
        str | None,
        typer.Option(
            "--channel", metavar="NAME", help="Only told to this channel.", autocompletion=complete_channels
        ),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state", metavar="STATE", help="Only waiting, sent or given_up.",
            autocompletion=one_of(("waiting", "sent", "given_up")),
        ),
    ] = None,
    job: OnlyJob = None,
    since: Since = None,
    until: Until = None,
    json: Json = False,
) -> None:  # fmt: skip
    """List the newest alerts, and who was told, when, and by how many tries."""
    job_id = None if job is None else find_id(job)
    filters = {"kind": kind, "channel": channel, "state": state, "since": since, "until": until}
    found = list(api().pages("/scheduler/alerts", limit, job_id=job_id, **filters))
    if json:
        show_data(found)
    elif not found:
        note("No alert is like that.")
    else:
        show_table(
            (
                Column("AT", "time"), Column("ALERT", least=20), Column("TOLD"), Column("STATE", "whole"),
                Column("TRIES", "whole", rank=3), Column("LAST TRY", "time", rank=2), Column("ERROR", least=12, rank=1),
            ),
            [row for one in found for row in _alert_rows(one)],
        )  # fmt: skip


def _alert_rows(alert: dict[str, Any]) -> list[tuple[str, ...]]:
    told = [
        (one["to"], one["state"], str(one["tries"]), one["last_tried_at"] or "–", one["error"] or "–")
        for one in alert["deliveries"]
    ] or [("nobody", "–", "–", "–", "–")]
    heads = [(alert["at"], alert["subject"]), *[("", "")] * (len(told) - 1)]
    return [(*head, *row) for head, row in zip(heads, told, strict=True)]
