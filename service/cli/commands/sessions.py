"""`bot-scheduler sessions …`: list the console's sessions, and end some."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.access_lookup import complete_session_ids, key_path, session_path
from service.cli.client.api import api
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json
from service.cli.output.printing import note, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="List and end sessions of the console.")

SessionIds = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID]…", help="The sessions' ids, as `sessions list` shows them.", autocompletion=complete_session_ids
    ),
]
ROOT = "root"


@app.command("list")
def list_sessions(json: Json = False) -> None:
    """List the sessions that this key has opened; with the scope admin and without limits, all. The newest first."""
    found = list(api().pages("/scheduler/sessions", None))
    if json:
        show_json(found)
    elif not found:
        note("There are no sessions that this key may see.")
    else:
        show_table(
            ("KEY", "SIGNED IN (UTC)", "LAST USED (UTC)", "FROM", "ENDS (UTC)", "BROWSER", "ID"),
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
        str | None, typer.Option("--key", metavar="ID", help="End all sessions of this key; root: of the root key.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="End all sessions that this key may end.")] = False,
    json: Json = False,
) -> None:
    """End sessions. Their browsers must sign in again."""
    if sum((bool(session), key is not None, everything)) != 1:
        raise Failure(Exit.USAGE, "Name sessions, or give --key or --all")
    if session and len(session) == 1:
        api().ask("DELETE", session_path(session[0]))
        ended = 1
    else:
        body: dict[str, Any] = {"sessions": [session_path(one).rpartition("/")[2] for one in session or ()]}
        if key is not None:
            body = {"key_id": key if key == ROOT else key_path(key).rpartition("/")[2]}
        ended = api().json(api().ask("POST", "/scheduler/sessions/end", body={"all": True} if everything else body),
                           "ended")["ended"]  # fmt: skip
    if json:
        show_json({"ended": ended})
    else:
        say(f"Ended {session[0] if session and len(session) == 1 else _counted(ended)}")


def _counted(number: int) -> str:
    return f"{number} session{'s' * (number != 1)}"
