"""`bot-scheduler sessions …`: list the console's sessions, and end some."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.access_lookup import key_path, session_path
from service.cli.client.api import api
from service.cli.client.completing import complete_keys, complete_sessions
from service.cli.client.short_ids import whole_id
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json
from service.cli.input.commands import Commands
from service.cli.output.formats import show_data
from service.cli.output.printing import note, say
from service.cli.output.tables import Column, show_table

app = Commands("List and end sessions of the console.")

SessionIds = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ID", help="The sessions' ids, as `sessions list` shows them.", autocompletion=complete_sessions
    ),
]
ROOT = "root"


@app.command("list", reads=True)
def list_sessions(json: Json = False) -> None:
    """List the sessions that this key has opened; with the scope admin and without limits, all. The newest first."""
    found = list(api().pages("/scheduler/sessions", None))
    if json:
        show_data(found)
    elif not found:
        note("There are no sessions that this key may see.")
    else:
        show_table(
            (
                Column("KEY", least=8), Column("SIGNED IN", "time", rank=3), Column("LAST USED", "time"),
                Column("FROM", "whole", rank=1), Column("ENDS", "time", rank=2), Column("BROWSER", rank=4),
                Column("ID", "id"),
            ),
            [
                (one["key_name"], one["created_at"], one["last_used_at"], one["last_used_from"], one["ends_at"],
                 one["user_agent"], one["id"])
                for one in found
            ],
        )  # fmt: skip


@app.command()
def end(
    session: SessionIds = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="ID", help="End all sessions of this key; root: of the root key.",
            autocompletion=complete_keys,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="End all sessions that this key may end.")] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """End sessions. Their browsers must sign in again."""
    if sum((bool(session), key is not None, everything)) != 1:
        raise Failure(Exit.USAGE, "Name sessions, or give --key or --all")
    session = [whole_id(one, "/scheduler/sessions") for one in session or ()]
    if len(session) == 1:
        api().ask("DELETE", session_path(session[0]))
        ended = 1
    else:
        body: dict[str, Any] = {"sessions": [session_path(one).rpartition("/")[2] for one in session]}
        if key is not None:
            body = {"key_id": key if key == ROOT else key_path(key).rpartition("/")[2]}
        ended = api().json(api().ask("POST", "/scheduler/sessions/end", body={"all": True} if everything else body),
                           "ended")["ended"]  # fmt: skip
    if json:
        show_data({"ended": ended})
    else:
        say(f"Ended {session[0] if len(session) == 1 else _counted(ended)}")


def _counted(number: int) -> str:
    return f"{number} session{'s' * (number != 1)}"
