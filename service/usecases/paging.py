"""Limits of pages, and the cursors that lead from one page to the next."""

from __future__ import annotations

import base64
import binascii

from service.domain.ids import is_id
from service.errors import ValidationFailed
from service.store.jobs.job_hashes import Position

MAX_PAGE = 200
"""The most runs or contacts on a page."""
MAX_JOB_PAGE = 1000
"""The most jobs on a page."""


def check_run_cursor(cursor: str | None) -> None:
    """Check the cursor of a page of runs, which is the id of the last run on the page before.

    Raises:
        ValidationFailed: the cursor is invalid.
    """
    if cursor is not None and not is_id(cursor):
        raise invalid_cursor()


def cursor_of(place: Position) -> str:
    """Return the cursor of the page of jobs after a position."""
    return base64.urlsafe_b64encode(f"{place.created}:{place.job_id}".encode()).decode().rstrip("=")


def position(cursor: str) -> Position:
    """Return the position after which a page of jobs begins.

    Raises:
        ValidationFailed: the cursor is invalid.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        created, _, job_id = base64.b64decode(padded, b"-_", validate=True).decode("ascii").partition(":")
        if created.isdecimal() and len(created) <= 17 and is_id(job_id):
            return Position(int(created), job_id)
    except (ValueError, binascii.Error):
        pass
    raise invalid_cursor()


def invalid_cursor() -> ValidationFailed:
    """Return the refusal of a cursor that no page has given."""
    return ValidationFailed.of("cursor", "must be the cursor of an earlier page")
