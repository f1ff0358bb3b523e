"""Views of jobs, runs and lists as the API shows them: JSON for the wire, data for the console.

A view holds one of the two forms. The other one is made each time that somebody asks for it, so that an answer that
the store keeps as JSON goes to the wire without being parsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson

from service.domain.plain_json import dumps

Shown = bytes | dict[str, Any]
"""JSON, or the same as data."""


@dataclass(frozen=True, slots=True)
class View:
    """One thing as the API shows it.

    Args:
        shown: in either form.
    """

    shown: Shown

    @property
    def json(self) -> bytes:
        """The view as JSON."""
        return dumps(self.shown)

    @property
    def data(self) -> dict[str, Any]:
        """The view as data."""
        return _data(self.shown)


@dataclass(frozen=True, slots=True)
class JobView(View):
    """One job as the API shows it.

    Args:
        id: the job's.
        revision: its definition's.
    """

    id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    Args:
        shown: its items, all of them in the same form.
        next_cursor: leads to the next page; None on the last one.
    """

    shown: Sequence[Shown]
    next_cursor: str | None = None

    @property
    def json(self) -> bytes:
        """The page as a JSON array."""
        if self.shown and isinstance(self.shown[0], bytes):
            return b"[%b]" % b",".join(cast("Sequence[bytes]", self.shown))
        return dumps(list(self.shown))

    @property
    def data(self) -> list[dict[str, Any]]:
        """The page's items as data."""
        return [_data(item) for item in self.shown]


def _data(shown: Shown) -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(shown) if isinstance(shown, bytes) else shown
    return data
