"""Changes that cards of a synchronised address book make to their contacts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.contacts.intake.provenance import NOTHING, carried, fields_of, given_by
from service.contacts.people import ParsedCard
from service.domain.people.contact import Contact
from service.domain.people.traits import says_less
from service.store.address_books import Given
from service.store.contacts import Saved

SOURCE = "carddav"
"""The `source` of contacts that an address book brought."""


@dataclass(frozen=True, slots=True)
class Received:
    """Card as the address book gave it.

    Args:
        href: its path on the server.
        etag: its version.
        person: its contents.
    """

    href: str
    etag: str
    person: ParsedCard

    def __post_init__(self) -> None:
        object.__setattr__(self, "person", replace(self.person, source=SOURCE))


@dataclass(frozen=True, slots=True)
class Change:
    """Change that a card makes to its contact.

    Args:
        contact: the contact as it is; None if it is new.
        fields: the fields to write.
        before, given: values that the card had given before, and has given afterwards.
    """

    href: str
    contact: Contact | None
    fields: dict[str, object]
    before: Given
    given: Given

    @property
    def forgets_year(self) -> bool:
        """Whether the contact's year of birth goes."""
        birthday = self.fields.get("birthday")
        known = self.contact.birthday if self.contact else None
        return isinstance(birthday, str) and says_less(birthday, known)


def change_of(card: Received, contact: Contact | None, known: Given | None, others: Given) -> Change:
    """Return the change that a card makes to its contact.

    Args:
        card: as the address book gave it.
        contact: the contact as it is; None if it is new.
        known: the values that the card had given; None if they are unknown.
        others: values that other cards have given.
    """
    before = known or NOTHING
    if known is None and contact is not None and contact.source == SOURCE:
        before = carried(card.person)  # from an older release; values that are gone since are unknown
    fields = fields_of(card.person, contact, before, others)
    return Change(card.href, contact, fields, before, given_by(card.person, contact, before, others))


def compared(change: Change) -> tuple[Saved, list[str]]:
    """Return what a change would do, and which fields it would change."""
    fields = {field: value for field, value in change.fields.items() if field != "source"}
    if change.contact is None:
        return "created", list(fields)
    changed = [field for field, value in fields.items() if (getattr(change.contact, field) or None) != (value or None)]
    return ("updated" if changed else "unchanged"), changed
