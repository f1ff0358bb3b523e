"""Rows of contacts: the traits by which people are told apart, as they are stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """The traits of a contact, see `Contact`. Of a deleted one, only identities and former ids."""

    id: str
    living: bool
    name: str = ""
    emails: tuple[str, ...] = ()
    birthday: str | None = None
    uids: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    former_ids: tuple[str, ...] = ()
    parts: str = ""


def row_of(contact_id: str, living: Sequence[bytes | None], buried: Sequence[bytes | None] | None) -> Row | None:
    """Read a contact from fields of its two possible hashes; None if there is neither.

    Args:
        contact_id: the contact's.
        living: its name, emails, birthday, UIDs, identities, former ids and parts.
        buried: the identities, former ids and parts of a deleted one; None if it lives.
    """
    if buried is not None:
        if buried[0] is None:
            return None
        identities, former_ids, parts = buried
        return Row(contact_id, False, identities=_words(identities), former_ids=_words(former_ids), parts=_plain(parts))
    name, emails, birthday, uids, identities, former_ids, parts = living
    return Row(
        contact_id, True, (name or b"").decode(), texts(emails), birthday.decode() if birthday else None, texts(uids),
        _words(identities), _words(former_ids), _plain(parts),
    )  # fmt: skip


def _plain(value: bytes | None) -> str:
    return (value or b"").decode()


def _words(value: bytes | None) -> tuple[str, ...]:
    return tuple(value.decode().split()) if value else ()


def texts(value: bytes | None) -> tuple[str, ...]:
    """Read a stored list of texts."""
    return tuple(json.loads(value)) if value else ()
