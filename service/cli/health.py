"""`bot-scheduler health`"""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.api import api
from service.cli.arguments import Json
from service.cli.failures import Exit, Failure
from service.cli.output import coloured, show_fields, show_json, worded


def health(
    workers: Annotated[int, typer.Option("--workers", min=0, help="So many must be up, too.")] = 0, json: Json = False
) -> None:
    """Ask whether the service is well; needs no key. The exit code is 0 if it is, and 1 if not."""
    answer = api().json(api().ask("GET", "/scheduler/health", taken=(503,)))
    if json:
        show_json(answer)
    else:
        well = answer["status"] == "healthy"
        show_fields(
            [("status", coloured(answer["status"], "ok" if well else "problem"))]
            + [(name.replace("_", " "), worded(value)) for name, value in answer.items() if name != "status"]
        )
    if answer["workers"] < workers:
        raise Failure(Exit.FAILED, f"{answer['workers']} workers are up, and {workers} were asked for")
    if answer["status"] != "healthy":
        raise typer.Exit(Exit.FAILED)
