"""`bot-scheduler contacts duplicates` and `contacts merge`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.contact_lookup import contact_id as whole
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json, Yes
from service.cli.output.escaping import counted, line
from service.cli.output.formats import show_data
from service.cli.output.printing import err, is_interactive, note, say
from service.cli.output.tables import Column, show_table

MOST_LOSSES = 20
"""The most values lost in a merge to print. `--json` has all."""
_FIELDS = ("name", "birthday", "emails", "phones", "source", "id")
_COLUMNS = (
    Column("NAME", least=16), Column("BIRTHDAY", "whole"), Column("EMAILS", least=12), Column("PHONES", rank=1),
    Column("SOURCE", rank=2), Column("ID", "id"),
)  # fmt: skip


def duplicates(
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="Show at most N groups.")] = 20,
    json: Json = False,
) -> None:
    """List contacts that may be the same person, in groups with reasons. Nothing is merged."""
    groups = list(api().pages("/scheduler/contacts/duplicates", limit))
    if json:
        show_data(groups)
        return
    if not groups:
        note("No two contacts look like the same person.")
        return
    for group in groups:
        say(f"{line(group['contacts'][0]['name'])}: {', '.join(map(line, group['reasons']))}")
        show_table(_COLUMNS, [_row(one) for one in group["contacts"]])
    note("To merge a group: bot-scheduler contacts merge ID FROM…")


def merge(
    contact_id: Annotated[str, typer.Argument(metavar="ID", help="The contact to keep, with its own fields.")],
    others: Annotated[list[str], typer.Argument(metavar="FROM…", help="The contacts to merge into it and delete.")],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Merge contacts into one. You cannot undo this.

    The contact that stays takes over the others' cards, their entries in imported files, and the record of greetings.
    """
    path = f"/scheduler/contacts/{segment(whole(contact_id))}"
    others = [whole(one) for one in others]
    if is_interactive() and not yes:
        _confirm(path, others)
    answer = api().json(api().ask("POST", f"{path}/merge", body={"from": others}), "contact", "left_out")
    if json:
        show_data(answer)
        return
    say(f"Merged into {line(answer['contact']['name'])} ({answer['contact']['id']})")
    left_out = answer["left_out"]
    for lost in left_out[:MOST_LOSSES]:
        note(f"  not kept: {line(lost['field'])} {line(lost['value'])}")
    if len(left_out) > MOST_LOSSES:
        note(f"  … and {len(left_out) - MOST_LOSSES} more; --json shows all")


def _confirm(path: str, others: list[str]) -> None:
    """Show the contacts and ask. Raises Failure if the answer is no."""
    found = [api().get(path), *(api().get(f"/scheduler/contacts/{segment(one)}") for one in others)]
    for one in found:
        err().print("  ".join(str(cell) for cell in _row(one) if cell), markup=False, highlight=False, soft_wrap=True)
    question = f"Merge {counted(len(others), 'contact')} into {line(found[0]['name'])}? You cannot undo this."
    if not typer.confirm(question, err=True):
        raise Failure(Exit.FAILED, "Nothing was changed")


def _row(contact: dict[str, Any]) -> list[str | None]:
    cells = (contact[name] for name in _FIELDS)
    return [line(", ".join(cell)) if isinstance(cell, list) else cell and line(cell) for cell in cells]
