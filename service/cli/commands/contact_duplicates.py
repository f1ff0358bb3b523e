"""`bot-scheduler contacts duplicates` and `contacts merge`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json, Yes
from service.cli.output.printing import asks, counted, err, line, note, say, show_json, show_table

LEFT_OUT_SHOWN = 20
_FIELDS = ("name", "birthday", "emails", "phones", "source", "id")


def duplicates(
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most this many groups.")] = 20,
    json: Json = False,
) -> None:
    """List contacts that may be one person, in groups, each with its reason; merging is for you to decide."""
    groups = list(api().pages("/scheduler/contacts/duplicates", limit))
    if json:
        show_json(groups)
        return
    if not groups:
        note("No two contacts look like one person.")
        return
    for group in groups:
        say(f"{line(group['contacts'][0]['name'])}: {', '.join(map(line, group['reasons']))}")
        show_table(tuple(name.upper() for name in _FIELDS), [_row(one) for one in group["contacts"]])
    note("`bot-scheduler contacts merge ID FROM…` makes one of them.")


def merge(
    contact_id: Annotated[str, typer.Argument(metavar="ID", help="The contact that stays, and keeps its own fields.")],
    others: Annotated[
        list[str], typer.Argument(metavar="FROM…", help="Those that become a part of it; they are gone.")
    ],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Make one contact of several. That cannot be undone.

    What led to the others leads to it: their cards of address books, the entries of files, and who was greeted.
    """
    path = f"/scheduler/contacts/{segment(contact_id)}"
    if asks() and not yes:
        _confirm(path, others)
    answer = api().json(api().ask("POST", f"{path}/merge", body={"from": others}), "contact", "left_out")
    if json:
        show_json(answer)
        return
    say(f"Merged into {line(answer['contact']['name'])} ({answer['contact']['id']})")
    left_out = answer["left_out"]
    for lost in left_out[:LEFT_OUT_SHOWN]:
        note(f"  not kept: {line(lost['field'])} {line(lost['value'])}")
    if len(left_out) > LEFT_OUT_SHOWN:
        note(f"  … and {len(left_out) - LEFT_OUT_SHOWN} more; --json names all")


def _confirm(path: str, others: list[str]) -> None:
    """Shows who is meant and asks. Raises Failure if that is not wanted."""
    found = [api().get(path), *(api().get(f"/scheduler/contacts/{segment(one)}") for one in others)]
    for one in found:
        err().print("  ".join(str(cell) for cell in _row(one) if cell), markup=False, highlight=False, soft_wrap=True)
    said = f"Make {counted(len(others), 'contact')} a part of {line(found[0]['name'])}? That cannot be undone."
    if not typer.confirm(said, err=True):
        raise Failure(Exit.FAILED, "Nothing was changed")


def _row(contact: dict[str, Any]) -> list[str | None]:
    cells = (contact[name] for name in _FIELDS)
    return [line(", ".join(cell)) if isinstance(cell, list) else cell and line(cell) for cell in cells]
