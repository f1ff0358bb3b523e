"""Requests to end several sessions at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.input.refusals import Refusals, echo, require_object

MOST_SESSIONS = 1000
"""The most sessions that a request may name."""
_ID = re.compile("[0-9a-f]{32}")
_KINDS = ("sessions", "key_id", "all")


@dataclass(frozen=True, slots=True)
class EndRequest:
    """Which sessions to end: those named, those of a key, or all that the caller may end.

    Args:
        sessions: their ids; None for one of the others.
        key_id: the key's id, or `root`; None for one of the others.
        keep_current: whether the session that asks stays.
    """

    sessions: Sequence[str] | None
    key_id: str | None
    keep_current: bool


def is_session_id(text: object) -> bool:
    """Return whether `text` is the id of a session in form."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def parse_end(body: object) -> EndRequest:
    """Parse a request to end sessions.

    Args:
        body: has `sessions`, `key_id` or `all` (true), and may have `keep_current`.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    fields, refusals = require_object(body, ""), Refusals()
    refusals.unknown(fields, (*_KINDS, "keep_current"), "", "the body")
    named = [kind for kind in _KINDS if kind in fields]
    if len(named) != 1:
        refusals.add("body", "must have one of sessions, key_id and all, which say what to end")
    sessions, key_id, keeps = fields.get("sessions"), fields.get("key_id"), fields.get("keep_current", False)
    if "sessions" in fields and not _are_ids(sessions):
        refusals.add("sessions", f"must be a list of 1 to {MOST_SESSIONS:,} ids of sessions, not {echo(sessions)}")
    if "key_id" in fields and (not isinstance(key_id, str) or not key_id):
        refusals.add("key_id", f"must be the id of a key, or root, not {echo(key_id)}")
    if "all" in fields and fields["all"] is not True:
        refusals.add("all", f"must be true, not {echo(fields['all'])}; leave it out to end less")
    if not isinstance(keeps, bool):
        refusals.add("keep_current", f"must be true or false, not {echo(keeps)}")
    refusals.raise_any()
    return EndRequest(sessions, key_id, keeps)


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= MOST_SESSIONS and all(map(is_session_id, value))
