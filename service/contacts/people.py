"""What an address book's file says about one person, cleaned, and who that person is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

_IDENTITIES = UUID("5f0b3a52-6d0e-5c1e-9d7a-0b8c8f6f6a11")


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
        warnings: what was lost or guessed in reading it, a sentence each.
        shares_email: the same file gives the first address to somebody else, too.
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
    shares_email: bool = False
    unread: frozenset[str] = frozenset()

    @property
    def contact_id(self) -> str:
        """Follows from the identity: the UID, else the first e-mail address of their own, else name and birthday."""
        email = None if self.shares_email else next(iter(self.emails), None)
        return contact_id(uid=self.uid, email=email, name=self.name, birthday=self.birthday)

    def carried(self) -> dict[str, object]:
        """The contact's fields that this card has something to say about."""
        fields = ("name", "given_name", "family_name", "birthday", "emails", "phones", "urls", "language", "deceased")
        return {field: value for field in (*fields, "source") if (value := getattr(self, field))}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A card or row that could not be taken, and why; `position` counts from 1."""

    position: int
    reason: str


def told_apart(people: Iterable[ParsedCard | Skipped]) -> Iterator[ParsedCard | Skipped]:
    """The same people; whoever of a file has the address of somebody before them, but another name and birthday, is not
    them: families share addresses. Only the first of them is known by it."""
    known: dict[str, tuple[str, str]] = {}
    for one in people:
        if isinstance(one, ParsedCard) and one.emails and one.birthday and not one.uid:
            name, birthday = known.setdefault(one.contact_id, (one.name.casefold(), one.birthday[-5:]))
            if name != one.name.casefold() and birthday != one.birthday[-5:]:
                yield replace(one, shares_email=True)
                continue
        yield one


def contact_id(*, uid: str | None, email: str | None, name: str, birthday: str | None) -> str:
    """The id of the person with this identity, always the same for the same person."""
    if uid:
        identity = "uid:" + uid.strip().casefold().removeprefix("urn:uuid:")
    elif email:
        identity = "email:" + email.casefold()
    else:
        identity = f"name:{name.casefold()}:{birthday or ''}"
    return str(uuid5(_IDENTITIES, identity))
