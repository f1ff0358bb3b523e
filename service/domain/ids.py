"""Ids of jobs, runs and contacts: UUIDs in one spelling. Short on purpose: there is one such check."""

from __future__ import annotations

from uuid import UUID


def is_id(text: object) -> bool:
    """Return whether `text` is a UUID in the spelling that we write; anything else names nothing."""
    try:
        return isinstance(text, str) and str(UUID(text)) == text
    except ValueError:
        return False
