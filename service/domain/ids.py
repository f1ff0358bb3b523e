"""Ids of jobs, runs and contacts: UUIDs in one spelling. Short on purpose: there is one such check."""

from __future__ import annotations

import re

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The spelling that `str(uuid.UUID(…))` writes."""


def is_id(text: object) -> bool:
    """Return whether `text` is a UUID in the spelling that we write; anything else names nothing."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None
