"""`bot-scheduler keys …`: list, create, show, update, rotate and revoke stored API keys.

A key is printed once, when it is made: alone on standard output, or the addresses in which it stands, with the
sentences around it on standard error.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from service.cli.client.access_lookup import key_path
from service.cli.client.api import api
from service.cli.client.completing import complete_keys, complete_names, one_of
from service.cli.client.job_lookup import find_id
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json, Yes
from service.cli.input.commands import Commands
from service.cli.input.key_flags import (
    BotLimits,
    Expires,
    KeyFlags,
    LabelLimits,
    Note,
    Scopes,
    SetOfScopes,
    parsed_overlap,
)
from service.cli.output.escaping import quoted
from service.cli.output.formats import manner, show_data
from service.cli.output.printing import hand_over, is_interactive, moment, note, say, show_fields
from service.cli.output.tables import Column, show_table
from service.cli.output.times import utc
from service.domain.access.key_choice import STATES
from service.domain.access.scopes import Scope
from service.domain.input.refusals import listed

app = Commands("List, create, change, rotate and revoke API keys.")

KeyId = Annotated[
    str,
    typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.", autocompletion=complete_keys),
]


@app.command("list", reads=True)
def list_keys(
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Only keys with this in their name, note or id.")
    ] = None,
    scope: Annotated[
        str | None,
        typer.Option(
            "--scope", metavar="SCOPE", help="Only keys with this scope.", autocompletion=one_of(map(str, Scope))
        ),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state", metavar="STATE", help=f"Only keys that are {listed(STATES)}.", autocompletion=one_of(STATES)
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List the stored keys, oldest first. Needs a key with the scope admin, as all except `me` do."""
    found = list(api().pages("/scheduler/keys", None, q=search, scope=scope, state=state))
    if json:
        show_data(found)
    elif not found and (search or scope or state):
        note("No key is like that.")
    elif not found:
        note("There are no stored keys yet. To create one, see: bot-scheduler keys create --help")
    else:
        show_table(
            (Column("NAME", least=12), Column("SCOPES"), Column("LIMITS", rank=1), Column("EXPIRES", "time"),
             Column("LAST USED", "time"), Column("ID", "whole")),
            [
                (key["name"], ", ".join(key["scopes"]), _limits(key), key["expires_at"] or "never",
                 key["last_used_at"] or "never", key["id"])
                for key in found
            ],
        )  # fmt: skip


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name, for people.")],
    scope: Scopes = None, set_: SetOfScopes = None, label: LabelLimits = None, bot: BotLimits = None,
    expires: Expires = None, remark: Note = None,
    ping: Annotated[
        str | None,
        typer.Option(
            "--ping", metavar="JOB", help="Make it for the pings of this heartbeat job alone.",
            autocompletion=complete_names,
        ),
    ] = None,
    badge: Annotated[
        str | None,
        typer.Option(
            "--badge", metavar="JOB", help="Make it for the badge of this job alone.", autocompletion=complete_names,
        ),
    ] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Create a key with scopes and limits, and print it, this once; with --scope feed alone, a calendar's address.

    With --scope badge alone, it prints the addresses of a badge and its page; with --badge JOB, those of one job.
    With --ping JOB, it prints the address to which the script of a heartbeat job sends its pings, and the line for it.

    bot-scheduler keys create "Ana on call" --set operator --bot webhook --expires 90d
    """
    flags = KeyFlags(scope, set_, label, bot, expires, remark)
    fields = {"name": name, **flags.fields({}, datetime.now(UTC))}
    bound = {its: job for its, job in ((Scope.PING, ping), (Scope.BADGE, badge)) if job is not None}
    for its, job in bound.items():
        if "scopes" in fields:
            raise Failure(
                Exit.USAGE, "Use one of --ping, --badge, or --scope and --set: such a key may do nothing else"
            )
        fields |= {"scopes": [its.value], "job_id": find_id(job)}
    if "scopes" not in fields:
        raise Failure(Exit.USAGE, "A key needs scopes: give --scope, --set, --ping or --badge")
    made = api().json(api().ask("POST", "/scheduler/keys", body=fields), "id", "name", "key")
    _hand_over(f"Created {made['name']} ({made['id']}).", made, json)


@app.command(reads=True)
def show(key: KeyId, json: Json = False) -> None:
    """Show a key: what it may do, who created it, and when and from where it was last used."""
    _show(api().json(api().ask("GET", key_path(key)), "id", "scopes"), json)


@app.command(reads=True)
def me(json: Json = False) -> None:
    """Show the key that this command uses, and what it may do. Every key may ask."""
    _show(api().json(api().ask("GET", "/scheduler/keys/me"), "id", "scopes"), json)


@app.command()
def update(
    key: KeyId,
    name: Annotated[str | None, typer.Option("--name", help="The new name.")] = None,
    scope: Scopes = None, set_: SetOfScopes = None, label: LabelLimits = None, bot: BotLimits = None,
    all_bots: Annotated[bool, typer.Option("--all-bots", help="Take the limit to some bots away.")] = False,
    expires: Expires = None, remark: Note = None, json: Json = False,
) -> None:  # fmt: skip
    """Change what a key may do, its name, its expiry or its note. The key itself stays the same.

    --scope and --set, like --bot, name all that the key has from now on. --label changes single labels; KEY= takes one
    away. --note "" takes the note away.
    """
    path = key_path(key)
    if bot and all_bots:
        raise Failure(Exit.USAGE, "Use --bot or --all-bots, not both")
    current = api().get(path) if label else {}
    fields = KeyFlags(scope, set_, label, bot, expires, remark).fields(current, datetime.now(UTC))
    fields |= {"bot_types": None} if all_bots else {}
    fields |= {} if name is None else {"name": name}
    if not fields:
        raise Failure(Exit.USAGE, "Nothing to change: give flags")
    changed = api().json(api().ask("PUT", path, body=fields), "id", "name")
    if json:
        show_data(changed)
    else:
        say(f"Changed {changed['name']} ({changed['id']})")


@app.command()
def rotate(
    key: KeyId,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="1h", help="Accept the old secret for this long, too; at most 7d.")
    ] = "0s",
    json: Json = False,
) -> None:
    """Give a key a new secret, and print the new key, this once. Its id, scopes and limits stay."""
    path, body = f"{key_path(key)}/rotate", {"overlap_seconds": parsed_overlap(overlap)}
    made = api().json(api().ask("POST", path, body=body), "id", "name", "key", "previous_until")
    until = made["previous_until"]
    old = f"The old secret is accepted until {utc(until)}." if until else "The old secret is refused from now on."
    _hand_over(f"Rotated {made['name']} ({made['id']}). {old}", made, json)


@app.command()
def revoke(key: KeyId, yes: Yes = False, json: Json = False) -> None:
    """Revoke a key: it is refused within a second, and its sessions end. You cannot undo this."""
    path = key_path(key)
    found = api().json(api().ask("GET", path), "id", "name")
    question = f"Revoke {quoted(found['name'])} and end its sessions? You cannot undo this."
    if not yes and is_interactive() and not typer.confirm(question, err=True):
        raise Failure(Exit.FAILED, "Nothing was revoked")
    api().ask("DELETE", path)
    if json:
        show_data({"revoked": found["id"], "name": found["name"]})
    else:
        say(f"Revoked {found['name']} ({found['id']})")


def _hand_over(done: str, made: dict[str, Any], json: bool) -> None:
    """Print a new key, the only time that anybody sees it."""
    if json and not manner().quiet:
        show_data(made)
        return
    if "feed" in made:  # its address has the key in it
        note(f"{done} Subscribe to this address in a calendar. It is a secret, and shown only now:")
        hand_over(made["feed"])
        return
    if "ping" in made:
        note(f"{done} Send pings to this address. It is a secret, and shown only now:")
        hand_over(made["ping"])
        call = "curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null"
        note(f'In the script, with this address as PING: {call} "$PING/start", and at the')
        note('end the same with "$PING", or "$PING/fail".')
        return
    if "badge" in made:
        note(f"{done} The addresses of a picture and of a page for people. Both have the key, and are shown only now:")
        hand_over(made["badge"])
        hand_over(made["status_page"])
        return
    note(f"{done} The key is shown only now, so keep it in a safe place:")
    hand_over(made["key"])


def _show(key: dict[str, Any], json: bool) -> None:
    if json:
        show_data(key)
        return
    show_fields(
        [
            ("name", key["name"]),
            ("id", key["id"]),
            ("scopes", ", ".join(key["scopes"])),
            ("limits", _limits(key) or "none: all jobs"),
            ("job", key.get("job_id")),
            ("expires", _at(key.get("expires_at")) or "never"),
            ("note", key.get("note")),
            ("created", _at(key.get("created_at"), " by ", key.get("created_by_name"))),
            ("last used", _at(key.get("last_used_at"), " from ", key.get("last_used_from"))),
            ("old secret until", _at(key.get("previous_until"))),
        ]
    )


def _limits(key: dict[str, Any]) -> str | None:
    limits = [*(key["labels"] or {}).items(), *([("bot", key["bot_types"])] if key["bot_types"] else ())]
    return ", ".join(f"{name}={' or '.join(values)}" for name, values in limits) or None


def _at(time: str | None, between: str = "", more: str | None = None) -> str | None:
    return time and f"{moment(time)}{between + more if more else ''}"
