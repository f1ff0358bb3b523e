"""`bot-scheduler sessions …`: list the console's sessions, and end one."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.client.access_lookup import complete_session_ids, session_path
from service.cli.client.api import api
from service.cli.input.arguments import Json
from service.cli.output.printing import note, say, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="List and end sessions of the console.")

SessionId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The session's id, as `sessions list` shows it.", autocompletion=complete_session_ids
    ),
]


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
def end(session: SessionId, json: Json = False) -> None:
    """End a session. Its browser must sign in again."""
    api().ask("DELETE", session_path(session))
    if json:
        show_json({"ended": session})
    else:
        say(f"Ended {session}")
