"""`bot-scheduler bots` and `messages test`: what the service can do, and whether its messages arrive."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api
from service.cli.client.completing import complete_bots
from service.cli.client.contact_lookup import contact_id
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json
from service.cli.input.commands import Commands
from service.cli.output.escaping import quoted
from service.cli.output.formats import show_data
from service.cli.output.job_words import setting_shown
from service.cli.output.printing import say
from service.cli.output.tables import Column, show_table

messages = Commands("Send a test message.")

Bot = Annotated[
    str | None,
    typer.Argument(metavar="BOT", help="Show the settings of this bot.", autocompletion=complete_bots),
]


def bots(bot: Bot = None, json: Json = False) -> None:
    """List the bots, or show one: which fields its bot_config has, for --set."""
    found = api().items(api().ask("GET", "/scheduler/bots"))
    if bot is None:
        if json:
            show_data(found)
        else:
            columns = (Column("NAME", "whole"), Column("DESCRIPTION"))
            show_table(columns, [(one["name"], one["description"]) for one in found])
        return
    one = next((one for one in found if one["name"] == bot), None)
    if one is None:
        raise Failure(Exit.NOT_FOUND, f"There is no bot {quoted(bot)}; `bot-scheduler bots` lists them")
    if json:
        show_data(one)
        return
    say(f"{one['name']}: {one['description']}\n")
    schema = one["config_schema"]
    show_table(
        (Column("FIELD", "whole"), Column("TYPE", least=6), Column("DEFAULT"), Column("DESCRIPTION", least=20)),
        [
            (name, _type(field), _default(schema, name), field.get("description"))
            for name, field in schema.get("properties", {}).items()
        ],
    )


def _default(schema: dict[str, Any], name: str) -> str | None:
    return (
        "required" if name in schema.get("required", ()) else setting_shown(schema["properties"][name].get("default"))
    )


def _type(field: dict[str, Any]) -> str:
    """Say in a word or two what values a field of a JSON schema takes."""
    if "enum" in field:
        return "|".join(map(str, field["enum"]))
    kinds = [one.get("type") or str(one.get("$ref", "")).rpartition("/")[2] for one in field.get("anyOf", [field])]
    return " or ".join(kind for kind in kinds if kind and kind != "null")


@messages.command("test")
def send_test(
    email: Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="To this address.")] = None,
    phone: Annotated[str | None, typer.Option("--phone", metavar="NUMBER", help="To this number.")] = None,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="To this address of a channel.")] = None,
    contact: Annotated[
        str | None, typer.Option("--contact", metavar="ID", help="To this contact, by its id or whole name.")
    ] = None,
    json: Json = False,
) -> None:
    """Send one message through MESSAGE_URL now, and wait until it is taken.

    bot-scheduler messages test --email me@example.org
    """
    body = {"email": email, "phone": phone, "url": url, "contact_id": contact and contact_id(contact)}
    given = {name: value for name, value in body.items() if value is not None}
    sent = api().json(api().ask("POST", "/scheduler/messages/test", body=given or None, seconds=120), "sent", "to")
    if json:
        show_data(sent)
    else:
        say(f"Sent to {sent['to']}: {sent['subject']}")
