"""Rows of contacts, as they are stored: the traits that tell people apart, and those by which lists find them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.domain.input.search import folded
from service.domain.people.names import collated
from service.store.keys import Keys
from service.store.server.kept_rows import Source

KEPT = 50_000
"""Most contacts whose rows a process keeps: 20,000 of them take some 15 MB."""
_LISTED = ("name", "birthday", "emails", "phones", "urls")


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


class ListedContact(NamedTuple):
    """A contact in a list.

    Args:
        name: in the form in which names are sorted.
        id: its id.
        text: all that a search looks at, in the form in which it is searched.
    """

    name: str
    id: str
    text: str


def listed_source(keys: Keys) -> Source[ListedContact]:
    """Return where the rows of an installation's contacts come from."""
    return Source(keys.contacts, keys.contact, _LISTED, _listed, KEPT)


def _listed(contact_id: str, _: int, values: Sequence[bytes | None]) -> ListedContact | None:
    name, birthday, *lists = values
    if name is None:
        return None
    shown = name.decode()
    parts = (shown, _plain(birthday), *(text for value in lists for text in texts(value)))
    return ListedContact(collated(shown), contact_id, folded("\n".join(parts)))


def _plain(value: bytes | None) -> str:
    return (value or b"").decode()


def _words(value: bytes | None) -> tuple[str, ...]:
    return tuple(value.decode().split()) if value else ()


def texts(value: bytes | None) -> tuple[str, ...]:
    """Read a stored list of texts."""
    return tuple(json.loads(value)) if value else ()
