"""Find contacts: one by the beginning of an id or by the whole name, several by words."""

from __future__ import annotations

import re
from typing import Any

from service.cli.client.api import api
from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted
from service.cli.output.tables import SHORT_ID
from service.domain.ids import is_id
from service.domain.input.search import folded, is_found

_BEGINNING = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,27}")
SHOWN = 5
"""The most candidates that an error names."""


def contact_id(text: str) -> str:
    """Return a contact's id. A whole id is returned unchecked: it may be that of a deleted contact.

    Args:
        text: An id, its first eight characters or more, or a name.

    Raises:
        Failure: No contact is called so, or several are.
    """
    if is_id(text):
        return text
    found = [one for one in api().pages("/scheduler/contacts", None)
             if one["name"] == text or (_BEGINNING.fullmatch(text) and one["id"].startswith(text))]  # fmt: skip
    if len(found) == 1:
        return str(found[0]["id"])
    if found:
        told = "".join(f"\n  {_told_apart(one)}" for one in found[:SHOWN])
        more = f"\n  … and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise Failure(Exit.REFUSED, f"{len(found)} contacts are called {quoted(text)}; use the id:{told}{more}")
    raise Failure(Exit.NOT_FOUND, f"No contact is called {quoted(text)}; `bot-scheduler contacts list TEXT` searches")


def contacts_with(words: str) -> list[dict[str, Any]]:
    """Return the contacts that have these words in their names or addresses, by name; all of them without words.

    The API lists contacts by their ids, and has no search.
    """
    found = [one for one in api().pages("/scheduler/contacts", None) if is_found(words, _searched(one))]
    return sorted(found, key=lambda one: (one["name"].casefold(), one["id"]))


def _searched(contact: dict[str, Any]) -> str:
    names = (contact["name"], *contact["emails"], *contact["phones"], *contact["urls"])
    return folded("\n".join(names))


def _told_apart(contact: dict[str, Any]) -> str:
    """Write enough of an id, and what tells the person from others of the same name."""
    born = [f"born {contact['birthday']}"] if contact["birthday"] else []
    return ", ".join([contact["id"][:SHORT_ID], *born, *contact["emails"][:1], *contact["phones"][:1]])
