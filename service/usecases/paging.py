"""Lists by pages, and the cursors by which they go on."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import orjson

from service.domain.ids import is_id
from service.errors import ValidationFailed
from service.store.jobs.job_hashes import Position


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, its items as they are or as JSON, and the cursor of the next one if there is more."""

    items: list[Any]
    next_cursor: str | None

    def parsed(self) -> Page:
        """The same page, its items no longer JSON."""
        return Page([orjson.loads(item) for item in self.items], self.next_cursor)


def check_run_cursor(cursor: str | None) -> None:
    """Pages of runs go on after a run: its id is the cursor. Raises ValidationFailed."""
    if cursor is not None and not is_id(cursor):
        raise _bad_cursor()


def cursor_of(place: Position) -> str:
    """The cursor of the page after a place."""
    return base64.urlsafe_b64encode(f"{place.created}:{place.job_id}".encode()).decode().rstrip("=")


def position(cursor: str) -> Position:
    """The place after which the page of a cursor begins. Raises ValidationFailed."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        created, _, job_id = base64.b64decode(padded, b"-_", validate=True).decode("ascii").partition(":")
        if created.isdecimal() and len(created) <= 17 and is_id(job_id):
            return Position(int(created), job_id)
    except (ValueError, binascii.Error):
        pass
    raise _bad_cursor()


def _bad_cursor() -> ValidationFailed:
    return ValidationFailed.of("cursor", "must be the cursor of an earlier page")
