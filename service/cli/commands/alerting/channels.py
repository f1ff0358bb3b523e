"""`bot-scheduler channels …`: list, create, show, change, test and delete channels."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.completing import complete_channels
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json, Yes
from service.cli.input.commands import Commands
from service.cli.input.schedule_texts import parsed_duration
from service.cli.output.escaping import quoted
from service.cli.output.formats import show_data
from service.cli.output.printing import is_interactive, note, say, show_fields
from service.cli.output.tables import Column, show_table

app = Commands("List, create, change, test and delete channels of alerts.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.", autocompletion=complete_channels)]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.")]
Url = Annotated[
    str | None,
    typer.Option("--url", metavar="env:BOT_SECRET_X", help="The variable that holds its Apprise URLs."),
]
Quiet = Annotated[
    str | None,
    typer.Option("--quiet", metavar="22:00-07:00@ZONE", help="Quiet hours and their time zone; none for none."),
]
Digest = Annotated[
    str | None, typer.Option("--digest", metavar="2m", help="Gather alerts for so long, or for these seconds; 0: not.")
]
PerHour = Annotated[int | None, typer.Option("--per-hour", metavar="N", help="The most messages within any hour.")]


@app.command("list", reads=True)
def list_channels(json: Json = False) -> None:
    """List the channels."""
    found = list(api().pages("/scheduler/channels", None))
    if json:
        show_data(found)
    elif not found:
        note("There are no channels yet. To create one, see: bot-scheduler channels create --help")
    else:
        show_table(
            (
                Column("NAME", least=12), Column("URL", least=12), Column("QUIET", least=11, rank=2),
                Column("DIGEST", "whole", rank=4), Column("PER HOUR", "whole", rank=3), Column("RULES", "whole"),
                Column("WAITING", "whole"), Column("FAILING", "whole"),
            ),
            [
                (one["name"], one["url"], _quiet_shown(one), f"{one['digest_seconds']} s", str(one["max_per_hour"]),
                 str(one["rules"]), str(one["waiting"]), str(one["failing"]))
                for one in found
            ],
        )  # fmt: skip


@app.command("create")
def create_channel(
    name: NewName, url: Url = None, quiet: Quiet = None, digest: Digest = None, per_hour: PerHour = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Create a channel. Then test it, and make a rule for it.

    bot-scheduler channels create ops --url env:BOT_SECRET_OPS --quiet 22:00-07:00@Europe/Vienna
    """
    fields = {"name": name, **_channel_fields(url, quiet, digest, per_hour)}
    _show_channel(api().json(api().ask("POST", "/scheduler/channels", body=fields), "name", "url"), json, "Created")


@app.command("update")
def update_channel(
    name: Name, url: Url = None, quiet: Quiet = None, digest: Digest = None, per_hour: PerHour = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Change a channel."""
    fields = _channel_fields(url, quiet, digest, per_hour)
    if not fields:
        raise Failure(Exit.USAGE, "Nothing to change: give flags")
    _show_channel(api().json(api().ask("PUT", _channel(name), body=fields), "name", "url"), json, "Changed")


@app.command("show", reads=True)
def show_channel(name: Name, json: Json = False) -> None:
    """Show a channel, and how much waits for it."""
    _show_channel(api().json(api().ask("GET", _channel(name)), "name", "url"), json, None)


@app.command("test")
def try_channel(name: Name, json: Json = False) -> None:
    """Send a test message through a channel, now, and wait until it is taken."""
    sent = api().json(api().ask("POST", f"{_channel(name)}/test", seconds=120), "sent", "to")
    if json:
        show_data(sent)
    else:
        say(f"Sent to {sent['to']}: {sent['subject']}")


@app.command("delete")
def delete_channel(name: Name, yes: Yes = False) -> None:
    """Delete a channel that no rule names. What waits for it is given up."""
    if not yes and is_interactive() and not typer.confirm(f"Delete the channel {name}?", err=True):
        raise Failure(Exit.FAILED, "Nothing was deleted")
    api().ask("DELETE", _channel(name))
    note(f"Deleted the channel {name}.")


def _channel_fields(url: str | None, quiet: str | None, digest: str | None, per_hour: int | None) -> dict[str, Any]:
    fields: dict[str, Any] = {} if quiet is None else {"quiet_hours": _quiet(quiet)}
    given = {"url": url, "digest_seconds": None if digest is None else _seconds(digest), "max_per_hour": per_hour}
    return fields | {name: value for name, value in given.items() if value is not None}


def _quiet(text: str) -> dict[str, str] | None:
    if text == "none":
        return None
    hours, _, timezone = text.partition("@")
    start, _, end = hours.partition("-")
    if not (start and end and timezone):
        raise Failure(Exit.USAGE, f"--quiet is like 22:00-07:00@Europe/Vienna, or none, not {quoted(text)}")
    return {"from": start, "to": end, "timezone": timezone}


def _seconds(text: str) -> int:
    duration = parsed_duration(text)
    if not text.isascii() or (duration is None and not text.isdigit()):
        raise Failure(Exit.USAGE, f"--digest takes a time such as 2m, seconds, or 0 for none, not {quoted(text)}")
    return int(text) if duration is None else int(timedelta(**duration).total_seconds())


def _channel(name: str) -> str:
    return f"/scheduler/channels/{segment(name)}"


def _quiet_shown(channel: dict[str, Any]) -> str:
    quiet = channel["quiet_hours"]
    return f"{quiet['from']}–{quiet['to']} {quiet['timezone']}" if quiet else "–"


def _show_channel(channel: dict[str, Any], json: bool, done: str | None) -> None:
    if done is not None:
        note(f"{done} the channel {channel['name']}.")
        if channel.get("problem"):
            note(f"Nothing can be sent to it yet: {channel['problem']}.")
    if json:
        show_data(channel)
        return
    show_fields([
        ("name", channel["name"]), ("url", channel["url"]), ("quiet hours", _quiet_shown(channel)),
        ("digest", f"{channel['digest_seconds']} s"), ("messages per hour", str(channel["max_per_hour"])),
        ("rules", str(channel["rules"])), ("waiting", str(channel["waiting"])),
        ("failed tries in a row", str(channel["failing"])),
        *([("problem", channel["problem"])] if channel.get("problem") else []),
    ])  # fmt: skip
