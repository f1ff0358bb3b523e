"""Arguments and options that several commands share."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from service.cli.client.job_lookup import complete_names
from service.cli.exits import Exit, Failure

JobName = Annotated[
    str,
    typer.Argument(metavar="JOB", help="The job's id, or its name if it is unique.", autocompletion=complete_names),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to standard output.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Without a terminal, it does not ask.")]
Limit = Annotated[int, typer.Option("--limit", min=1, metavar="N", help="Show at most N.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a field of bot_config. A VALUE that is not JSON is text."),
]
Options = Annotated[
    list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="Set a field of options in the same way.")
]
At = Annotated[str | None, typer.Option("--at", metavar="HH:MM", help="Every day at this time.")]
On = Annotated[
    str | None, typer.Option("--on", metavar="DAYS", help="With --at: only on these days, such as mon,wed,fri.")
]
Every = Annotated[str | None, typer.Option("--every", metavar="2h30m", help="At this interval, in d, h, m and s.")]
Cron = Annotated[
    str | None, typer.Option("--cron", metavar="EXPR", help="By this cron expression, such as '0 8-18 * * 1-5'.")
]
Zone = Annotated[
    str | None, typer.Option("--timezone", metavar="ZONE", help="The time zone, such as Europe/Vienna (default: UTC).")
]


def parsed_pairs(option: str, pairs: list[str] | None) -> dict[str, Any]:
    """Parse `KEY=VALUE` options.

    Raises:
        Failure: A pair has no key or no `=`.
    """
    fields: dict[str, Any] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise Failure(Exit.USAGE, f"{option} takes KEY=VALUE, not {pair!r}")
        try:
            fields[key] = json.loads(value)
        except ValueError:
            fields[key] = value
    return fields
