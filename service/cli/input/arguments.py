"""Arguments and options that several commands share."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from service.cli.client.job_lookup import complete_names
from service.cli.exits import Exit, Failure

JobName = Annotated[
    str,
    typer.Argument(metavar="JOB", help="A job's id, or its name if no other has it.", autocompletion=complete_names),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to standard output.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Nobody is asked when there is no terminal.")]
Limit = Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most this many.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A field of bot_config; VALUE is JSON if it can be, else text."),
]
Options = Annotated[
    list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="Likewise a field of options.")
]
At = Annotated[str | None, typer.Option("--at", metavar="HH:MM", help="Every day at this time.")]
On = Annotated[str | None, typer.Option("--on", metavar="DAYS", help="With --at: only on these days (mon,wed,fri).")]
Every = Annotated[str | None, typer.Option("--every", metavar="2h30m", help="At an interval: d, h, m, s.")]
Cron = Annotated[str | None, typer.Option("--cron", metavar="EXPR", help="A cron expression (0 8-18 * * 1-5).")]
Zone = Annotated[str | None, typer.Option("--timezone", metavar="ZONE", help="Such as Europe/Vienna; UTC if not told.")]


def parsed_pairs(option: str, pairs: list[str] | None) -> dict[str, Any]:
    """What `KEY=VALUE` options say.

    Raises:
        Failure: one of them has no `=`.
    """
    found: dict[str, Any] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise Failure(Exit.USAGE, f"{option} takes KEY=VALUE, not {pair!r}")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found
