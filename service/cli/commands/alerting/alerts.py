"""`bot-scheduler alerts`: who was told what."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api
from service.cli.client.job_lookup import find_id
from service.cli.input.arguments import Json
from service.cli.output.printing import note, show_json, show_table


def alerts(
    limit: Annotated[int, typer.Option("--limit", min=1, help="The most alerts to show.")] = 20,
    kind: Annotated[str | None, typer.Option("--kind", help="Only of this kind, such as failed or service.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", metavar="NAME", help="Only told to this channel.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Only waiting, sent or given_up.")] = None,
    job: Annotated[str | None, typer.Option("--job", metavar="JOB", help="Only of this job.")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """List the newest alerts, and who was told, when, and by how many tries."""
    job_id = None if job is None else find_id(job)
    found = list(api().pages("/scheduler/alerts", limit, kind=kind, channel=channel, state=state, job_id=job_id))
    if json:
        show_json(found)
    elif not found:
        note("No alert is like that.")
    else:
        show_table(
            ("AT (UTC)", "ALERT", "TOLD", "STATE", "TRIES", "LAST TRY (UTC)", "ERROR"),
            [row for one in found for row in _alert_rows(one)],
        )


def _alert_rows(alert: dict[str, Any]) -> list[tuple[str, ...]]:
    told = [
        (one["to"], one["state"], str(one["tries"]), one["last_tried_at"] or "–", one["error"] or "–")
        for one in alert["deliveries"]
    ] or [("nobody", "–", "–", "–", "–")]
    heads = [(alert["at"], alert["subject"]), *[("", "")] * (len(told) - 1)]
    return [(*head, *row) for head, row in zip(heads, told, strict=True)]
