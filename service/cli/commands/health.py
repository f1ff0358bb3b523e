"""`bot-scheduler health` and `acknowledge`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json
from service.cli.output.escaping import counted, readable
from service.cli.output.formats import show_data
from service.cli.output.printing import coloured, moment, say, show_fields
from service.domain.status import HEALTHY


def health(
    workers: Annotated[int, typer.Option("--workers", min=0, help="Require this many workers.")] = 0,
    json: Json = False,
) -> None:
    """Ask whether the service is healthy. Needs no key. Exit code 0 if it is healthy, 1 if not."""
    answer = api().json(api().ask("GET", "/scheduler/health", accepted=(503,)), "status", "workers")
    if json:
        show_data(answer)
    else:
        well = answer["status"] == HEALTHY
        show_fields(
            [("status", coloured(answer["status"], "ok" if well else "problem"))]
            + [(name.replace("_", " "), _shown(value)) for name, value in answer.items() if name != "status"]
        )
    if answer["workers"] < workers:
        up = f"{answer['workers']} {'is' if answer['workers'] == 1 else 'are'} up"
        raise Failure(Exit.FAILED, f"{counted(workers, 'worker')} must be up, but {up}")
    if answer["status"] != HEALTHY:
        raise typer.Exit(Exit.FAILED)


def acknowledge(json: Json = False) -> None:
    """Acknowledge a clock step, or data that went back. Doctor and console then stop reporting it."""
    answer = api().json(api().ask("POST", "/scheduler/acknowledge"), "data_went_back", "clock_steps")
    if json:
        show_data(answer)
        return
    back = answer["data_went_back"]
    seen = ([back] if back else []) + answer["clock_steps"]
    for one in seen:
        say(f"Acknowledged: {one['detail']}")
    if not seen:
        say("There is nothing to acknowledge")


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list):
        return "; ".join(f"{one['detail']}, since {moment(one['since'])}" for one in value)
    return str(value["detail"]) if isinstance(value, dict) else readable(value)
