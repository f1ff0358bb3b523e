"""Arguments and options that several commands share; those of schedules are in `schedule_arguments`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from service.cli.client.completing import (
    complete_bots,
    complete_names,
    complete_names_and_runs,
    complete_runs,
    complete_states,
)
from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted

JobName = Annotated[
    str,
    typer.Argument(metavar="JOB", help="The job's id, or its name if it is unique.", autocompletion=complete_names),
]
JobOrRun = Annotated[
    str,
    typer.Argument(
        metavar="JOB", help="The job's id or unique name; or the id of a run, alone.",
        autocompletion=complete_names_and_runs,
    ),
]  # fmt: skip
AnyJob = Annotated[
    str | None,
    typer.Argument(
        metavar="JOB",
        help="The job's id, or its name if it is unique; without it, all jobs.",
        autocompletion=complete_names,
    ),
]
OnlyJob = Annotated[
    str | None,
    typer.Option("--job", metavar="JOB", help="Only this job, by its id or name.", autocompletion=complete_names),
]
OnlyBot = Annotated[
    str | None, typer.Option("--bot", metavar="BOT", help="Only jobs of this bot.", autocompletion=complete_bots)
]
OnlyState = Annotated[
    str | None,
    typer.Option(
        "--state", metavar="STATE", autocompletion=complete_states,
        help="Only scheduled, disabled, ended, broken, failing, late, slow, empty or troubled jobs.",
    ),
]  # fmt: skip
RunId = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="The run's id, or its short id, as in tables; without it, the newest run.",
        autocompletion=complete_runs,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", rich_help_panel="Output", help="Print JSON and nothing else; short for -o json.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Without a terminal, it does not ask.")]
Days = Annotated[
    int | None,
    typer.Option("--days", metavar="N", help="How far --dry-run looks ahead (default: 30 days; at most 366)."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, metavar="N", help="Show at most N.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a field of bot_config. A VALUE that is not JSON is text."),
]
File = Annotated[
    str | None,
    typer.Option(
        "--file", "-f", metavar="FILE", help="A YAML or JSON file of the job's fields; - reads standard input."
    ),
]
Options = Annotated[
    list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="Set a field of options in the same way.")
]
Labels = Annotated[
    list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="Set a label; KEY= takes it away.")
]
LabelFilter = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="KEY=VALUE", help="Only with this label; if repeated, with all of them."),
]


def laid_over(base: Any, values: dict[str, Any]) -> Any:
    """Lay values over a file's or a job's object; anything else stays, for the service to refuse it."""
    return {**base, **values} if isinstance(base, dict) else base if base else values


def parsed_pairs(option: str, pairs: list[str] | None) -> dict[str, Any]:
    """Parse `KEY=VALUE` options.

    Raises:
        Failure: A pair has no key or no `=`.
    """
    fields: dict[str, Any] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise Failure(Exit.USAGE, f"{option} takes KEY=VALUE, not {quoted(pair)}")
        try:
            fields[key] = json.loads(value)
        except ValueError:
            fields[key] = value
    return fields


def parsed_labels(pairs: list[str] | None) -> dict[str, str]:
    """Parse `KEY=VALUE` labels, which are text whatever they look like.

    Raises:
        Failure: A pair has no key or no `=`.
    """
    labels = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise Failure(Exit.USAGE, f"--label takes KEY=VALUE, not {quoted(pair)}")
        labels[key] = value
    return labels


def label_filters(pairs: list[str] | None) -> list[str]:
    """Return `KEY=VALUE` labels as the API's filters have them.

    Raises:
        Failure: A pair has no key or no `=`.
    """
    return [f"{key}:{value}" for pair in pairs or [] for key, value in parsed_labels([pair]).items()]
