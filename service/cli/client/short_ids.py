"""Ids by their first or last characters, as tables show them where there is no room for the whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from service.cli.client.api import api
from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted

_PART = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,27}|[0-9a-f-]{0,27}[0-9a-f]{8}")
SHOWN = 5
"""The most ids or names that an error offers."""
LOOKED_AT = 200
"""The newest items of a list among which an id is looked for."""


def whole_id(text: str, path: str, **params: Any) -> str:
    """Return the id that begins or ends with `text`; `text` itself if it is no part of an id, or no id has it.

    The runs of a job's occurrences begin alike, and end with their instants.

    Args:
        text: The first eight characters of an id, or more; or the last.
        path: The list in which it stands, from the root.
        params: The list's query.

    Raises:
        Failure: Several ids do.
    """
    if not _PART.fullmatch(text):
        return text
    return among(text, api().get(path, limit=LOOKED_AT, **params))


def among(text: str, items: Iterable[Mapping[str, Any]]) -> str:
    """Return the id of the item whose id begins or ends with `text`, likewise."""
    ids = dict.fromkeys(str(item["id"]) for item in items)
    found = [one for one in ids if one.startswith(text) or one.endswith(text)]
    if len(found) > 1:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise Failure(
            Exit.REFUSED, f"{len(found)} ids begin or end with {quoted(text)}: {', '.join(found[:SHOWN])}{more}"
        )
    return found[0] if found else text
