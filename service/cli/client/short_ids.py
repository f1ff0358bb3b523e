"""Ids by their first or last characters, as tables show them where there is no room for the whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from service.cli.client.api import api
from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted
from service.cli.output.tables import SHORT_ID

_PART = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,27}|[0-9a-f-]{0,27}[0-9a-f]{8}")
_SHORT_RUN = re.compile(rf"([0-9a-f]{{{SHORT_ID}}})-([0-9a-f]{{{SHORT_ID}}})")
SHOWN = 5
"""The most ids or names that an error offers."""
LOOKED_AT = 200
"""The newest items of a list among which an id is looked for."""


def is_part(text: str) -> bool:
    """Tell whether `text` may be the beginning or the end of an id."""
    return _PART.fullmatch(text) is not None


def parts_of(text: str) -> tuple[str, str] | None:
    """Return the beginning of a job's id and the end of its run's, if this is the short id of a run in a table."""
    found = _SHORT_RUN.fullmatch(text)
    return None if found is None else (found[1], found[2])


def whole_id(text: str, path: str, most: int | None = LOOKED_AT, **params: Any) -> str:
    """Return the id that begins or ends with `text`; `text` itself if it is no part of an id, or no id has it.

    The runs of a job's occurrences begin alike, and end with their instants.

    Args:
        text: The first eight characters of an id, or more; or the last.
        path: The list in which it stands, from the root.
        most: How many items of the list are looked at; None looks at all.
        params: The list's query.

    Raises:
        Failure: Several ids do.
    """
    if not is_part(text):
        return text
    return among(text, api().pages(path, most, **params))


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
