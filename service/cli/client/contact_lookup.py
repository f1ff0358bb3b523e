"""Find contacts by the beginning of an id, or by the whole name."""

from __future__ import annotations

import re

from service.cli.client.api import api
from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted
from service.domain.ids import is_id

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
        ids = ", ".join(one["id"] for one in found[:SHOWN])
        raise Failure(Exit.REFUSED, f"{len(found)} contacts are called {quoted(text)}; use the id instead: {ids}")
    raise Failure(Exit.NOT_FOUND, f"No contact is called {quoted(text)}; `bot-scheduler contacts list --all` shows all")
