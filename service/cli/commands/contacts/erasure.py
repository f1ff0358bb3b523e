"""`bot-scheduler contacts erase`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.contact_lookup import contact_id as whole
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import Json, Yes
from service.cli.output.escaping import counted, line
from service.cli.output.formats import show_data
from service.cli.output.printing import is_interactive, note, say

LONGEST_SECONDS = 600
"""The limit of the wait: every key of the installation is read once."""


def erase(
    contact_id: Annotated[str, typer.Argument(metavar="ID", help="The contact's id, also one that was deleted.")],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Erase a person: the contact, and their name, addresses and numbers in all of Redis. You cannot undo this.

    The answer says where they were found. If it breaks off, repeat it: the contact goes last.
    """
    contact_id = whole(contact_id)
    path = f"/scheduler/contacts/{segment(contact_id)}"
    if is_interactive() and not yes:
        _confirm(path, contact_id)
    answer = api().json(
        api().ask("DELETE", path, params={"erase": "true"}, seconds=LONGEST_SECONDS),
        "erased_as", "found", "left", "under_way",
    )  # fmt: skip
    if json:
        show_data(answer)
    else:
        _report(answer)


def _confirm(path: str, contact_id: str) -> None:
    """Ask, by the person's name if there is one. Raises Failure if the answer is no."""
    try:
        whom = line(api().get(path)["name"])
    except Failure as failure:
        if failure.exit is not Exit.NOT_FOUND:
            raise
        whom = f"the deleted contact {line(contact_id)}"
    if not typer.confirm(f"Erase {whom} from everything in Redis? You cannot undo this.", err=True):
        raise Failure(Exit.FAILED, "Nothing was changed")


def _report(answer: dict[str, Any]) -> None:
    """Say where the person was found, and what people have to do themselves."""
    found = ", ".join(f"{line(place).replace('_', ' ')} {count:,}" for place, count in answer["found"].items())
    say(f"Erased. Found in: {found or 'nothing else'}")
    say(f"From now on, {answer['erased_as']} stands for the person")
    for key in answer["left"]:
        note(f"  still names the person, for you to change: {line(key)}")
    runs = answer["under_way"]
    if runs:
        note(f"{counted(len(runs), 'run')} may write the person once more:")
    for run in runs:
        note(f"  {line(run['run_id'])} of job {line(run['job_id'])} ({line(run['bot_type'])})")
    if runs:
        note("Wait until they have ended, create the contact again, and erase it again.")
