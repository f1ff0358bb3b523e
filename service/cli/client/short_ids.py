"""Ids by their first characters, as tables show them where there is no room for the whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from service.cli.client.api import api
from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted

_BEGINNING = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,27}")
LOOKED_AT = 200
"""The newest items of a list among which an id is looked for."""


def whole_id(text: str, path: str, **params: Any) -> str:
    """Return the id that begins with `text`; `text` itself if it is no beginning of an id, or nothing begins so.

    Args:
        text: The first eight characters of an id, or more.
        path: The list in which it stands, from the root.
        params: The list's query.

    Raises:
        Failure: Several ids begin so.
    """
    if not _BEGINNING.fullmatch(text):
        return text
    return among(text, api().get(path, limit=LOOKED_AT, **params))


def among(text: str, items: Iterable[Mapping[str, Any]]) -> str:
    """Return the id of the item whose id begins with `text`, likewise."""
    found = list(dict.fromkeys(str(item["id"]) for item in items if str(item["id"]).startswith(text)))
    if len(found) > 1:
        raise Failure(Exit.REFUSED, f"Several ids begin with {quoted(text)}: {', '.join(found)}")
    return found[0] if found else text
