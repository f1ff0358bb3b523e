"""A person as an address book's file describes them, cleaned."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.people.contact import Contact
from service.domain.people.traits import Traits


def uid_of(contact: Contact) -> str:
    """Under which UID a contact leaves: the first that it came with, else its own id, by which it is found again."""
    return contact.uids[0] if contact.uids else contact.id


class TooMuch(ValueError):
    """A file has more than is taken in one go; says so as the predicate of a sentence whose subject is the file."""


@dataclass(frozen=True, slots=True)
class ParsedCard:
    """One person as a file gives them; what the file does not carry is None or empty.

    Args:
        position: of the card or row in its file, from 1.
        uid: the card's own identifier.
        source: `vcard` or `csv`. The other fields are `Contact`'s.
        deceased: the file has a date of death; None if it says nothing.
        warnings: losses and guesses in reading it, a sentence each.
        unread: fields of which the file has something that could not be read.
    """

    position: int
    name: str
    uid: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    birthday: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    language: str | None = None
    source: str = "vcard"
    deceased: bool | None = None
    warnings: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()

    @property
    def traits(self) -> Traits:
        """The traits that identify the person."""
        return Traits(self.name, (self.uid,) if self.uid else (), self.emails, self.birthday)

    def carried(self) -> dict[str, object]:
        """Return the contact's fields that this card has."""
        fields = ("name", "given_name", "family_name", "birthday", "emails", "phones", "urls", "language", "deceased")
        return {field: value for field in (*fields, "source") if (value := getattr(self, field))}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A card or row that could not be taken, and why; `position` counts from 1."""

    position: int
    reason: str
