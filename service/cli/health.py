"""`bot-scheduler health` and `acknowledge`"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.api import api
from service.cli.arguments import Json
from service.cli.failures import Exit, Failure
from service.cli.output import coloured, counted, say, show_fields, show_json, worded
from service.domain.status import HEALTHY


def health(
    workers: Annotated[int, typer.Option("--workers", min=0, help="So many must be up, too.")] = 0, json: Json = False
) -> None:
    """Ask whether the service is well; needs no key. The exit code is 0 if it is, and 1 if not."""
    answer = api().json(api().ask("GET", "/scheduler/health", taken=(503,)), "status", "workers")
    if json:
        show_json(answer)
    else:
        well = answer["status"] == HEALTHY
        show_fields(
            [("status", coloured(answer["status"], "ok" if well else "problem"))]
            + [(name.replace("_", " "), _told(value)) for name, value in answer.items() if name != "status"]
        )
    if answer["workers"] < workers:
        raise Failure(Exit.FAILED, f"{answer['workers']} of {counted(workers, 'worker')} asked for are up")
    if answer["status"] != HEALTHY:
        raise typer.Exit(Exit.FAILED)


def acknowledge(json: Json = False) -> None:
    """Say that you have seen that the clock stepped, or that the data went back; doctor and console are quiet then."""
    answer = api().json(api().ask("POST", "/scheduler/acknowledge"), "data_went_back", "clock_steps")
    if json:
        show_json(answer)
        return
    back = answer["data_went_back"]
    seen = ([back] if back else []) + answer["clock_steps"]
    for one in seen:
        say(f"Acknowledged: {one['detail']}")
    if not seen:
        say("There is nothing to acknowledge")


def _told(value: Any) -> str | None:
    if value is None:
        return None
    return str(value["detail"]) if isinstance(value, dict) else worded(value)
