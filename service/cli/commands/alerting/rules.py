"""`bot-scheduler rules …`: list, create, show, change and delete rules."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.completing import complete_bots, complete_channels, complete_kinds, complete_rules
from service.cli.client.job_lookup import find_id
from service.cli.client.short_ids import whole_id
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json, OnlyJob, Yes, parsed_labels
from service.cli.input.commands import Commands
from service.cli.input.job_files import read_bytes
from service.cli.output.formats import show_data
from service.cli.output.printing import is_interactive, note, show_fields
from service.cli.output.tables import Column, show_table
from service.domain.alerting.rule import KINDS
from service.domain.input.refusals import listed

app = Commands("List, create, change and delete rules: which alerts a channel gets.")

RuleId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The rule's id; `bot-scheduler rules list` shows it.", autocompletion=complete_rules
    ),
]
On = Annotated[
    list[str] | None,
    typer.Option("--on", metavar="KIND", help=f"{listed(KINDS)}; may be repeated.", autocompletion=complete_kinds),
]
Label = Annotated[
    list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="Only jobs with this label; if repeated, all.")
]
Bot = Annotated[
    list[str] | None,
    typer.Option("--bot", metavar="BOT", help="Only jobs of this bot; may be repeated.", autocompletion=complete_bots),
]
After = Annotated[int | None, typer.Option("--after", metavar="N", help="Failures in a row before it is told.")]
Template = Annotated[
    str | None,
    typer.Option("--template", metavar="FILE", help="A file with the template; - for standard input."),
]


@app.command("list", reads=True)
def list_rules(
    channel: Annotated[
        str | None,
        typer.Option("--channel", metavar="NAME", help="Only of this channel.", autocompletion=complete_channels),
    ] = None,
    json: Json = False,
) -> None:
    """List the rules."""
    found = list(api().pages("/scheduler/rules", None, channel=channel))
    if json:
        show_data(found)
    elif not found:
        note("There are no rules. To create one, see: bot-scheduler rules create --help")
    else:
        columns = (
            Column("CHANNEL"), Column("ON", least=12), Column("JOBS", least=8), Column("AFTER", "whole", rank=1),
            Column("TEMPLATE", "whole", rank=2), Column("ID", "id"),
        )  # fmt: skip
        show_table(columns, [_rule_row(one) for one in found])


@app.command("create")
def create_rule(
    channel: Annotated[
        str,
        typer.Argument(metavar="CHANNEL", help="The channel that is told.", autocompletion=complete_channels),
    ],
    on: On = None, label: Label = None, bot: Bot = None, job: OnlyJob = None, after: After = None,
    template: Template = None, json: Json = False,
) -> None:  # fmt: skip
    """Create a rule: a channel is told of some alerts of some jobs.

    bot-scheduler rules create ops --on failed --on recovered --label team=crm --after 3
    """
    fields = {"channel": channel, **_rule_fields(on, label, bot, job, after, template)}
    _show_rule(api().json(api().ask("POST", "/scheduler/rules", body=fields), "id", "on"), json, "Created")


@app.command("update")
def update_rule(
    rule: RuleId, on: On = None, label: Label = None, bot: Bot = None, job: OnlyJob = None, after: After = None,
    template: Template = None, json: Json = False,
) -> None:  # fmt: skip
    """Change a rule. --on, --label and --bot each name all that it has from now on."""
    fields = _rule_fields(on, label, bot, job, after, template)
    if not fields:
        raise Failure(Exit.USAGE, "Nothing to change: give flags")
    _show_rule(api().json(api().ask("PUT", _rule(rule), body=fields), "id", "on"), json, "Changed")


@app.command("show", reads=True)
def show_rule(rule: RuleId, json: Json = False) -> None:
    """Show a rule."""
    _show_rule(api().json(api().ask("GET", _rule(rule)), "id", "on"), json, None)


@app.command("delete")
def delete_rule(rule: RuleId, yes: Yes = False) -> None:
    """Delete a rule."""
    if not yes and is_interactive() and not typer.confirm(f"Delete the rule {rule}?", err=True):
        raise Failure(Exit.FAILED, "Nothing was deleted")
    api().ask("DELETE", _rule(rule))
    note(f"Deleted the rule {rule}.")


def _template(path: str) -> str:
    try:
        return read_bytes(path).decode(errors="replace")
    except Failure as failure:
        told = f"--template takes a file with the template, or - for standard input: {failure}"
        raise Failure(Exit.USAGE, told) from None


def _rule_fields(
    on: list[str] | None, label: list[str] | None, bot: list[str] | None, job: str | None, after: int | None,
    template: str | None,
) -> dict[str, Any]:  # fmt: skip
    text = None if template is None else _template(template)
    given = {
        "on": on or None, "labels": parsed_labels(label) if label else None, "bot_types": bot or None,
        "job_id": None if job is None else find_id(job), "after": after, "template": text,
    }  # fmt: skip
    return {name: value for name, value in given.items() if value is not None}


def _rule(rule_id: str) -> str:
    return f"/scheduler/rules/{segment(whole_id(rule_id, '/scheduler/rules'))}"


def _jobs_shown(rule: dict[str, Any]) -> str:
    parts = [f"{name}={value}" for name, value in rule["labels"].items()]
    parts += [" or ".join(rule["bot_types"])] if rule["bot_types"] else []
    parts += [rule["job_id"]] if rule["job_id"] else []
    return ", ".join(parts) or "all"


def _rule_row(rule: dict[str, Any]) -> tuple[str, ...]:
    template = "own" if rule["template"] else "–"
    return rule["channel"], ", ".join(rule["on"]), _jobs_shown(rule), str(rule["after"]), template, rule["id"]


def _show_rule(rule: dict[str, Any], json: bool, done: str | None) -> None:
    if done is not None:
        note(f"{done} the rule {rule['id']}.")
    if json:
        show_data(rule)
        return
    show_fields([
        ("id", rule["id"]), ("channel", rule["channel"]), ("on", ", ".join(rule["on"])), ("jobs", _jobs_shown(rule)),
        ("after", str(rule["after"])), ("template", rule["template"] or "–"),
    ])  # fmt: skip
