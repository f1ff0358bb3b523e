"""An address book made from a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class FakeContact:
    """One person of the address book; see `bot_scheduler.Contact` for the fields.

    In a test, two contacts that share an entry of `identities` are the same person. The service makes these marks from
    names, UIDs, addresses and birthdays, and compares them with more care.
    """

    id: str
    name: str
    given_name: str | None = None
    family_name: str | None = None
    birthday: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    language: str | None = None
    source: str | None = "api"
    deceased: bool = False
    last_messaged_at: int | None = None
    last_visited_at: int | None = None
    identities: tuple[str, ...] = ()
    former_ids: tuple[str, ...] = ()

    @property
    def profile(self) -> str | None:
        """The first http(s) address of `urls`."""
        return next((url for url in self.urls if url.lower().startswith(("http://", "https://"))), None)


class FakeContacts:
    """The address book of a test.

    Args:
        contacts: everybody in it.
    """

    def __init__(self, contacts: Iterable[FakeContact] = ()) -> None:
        self._contacts = {contact.id: contact for contact in contacts}

    def born_on(self, days: Iterable[tuple[int, int]]) -> list[FakeContact]:
        """Return everybody with a birthday on one of the days, pairs of month and day."""
        wanted = {(month, day) for month, day in set(days)}
        return [contact for contact in self.all() if contact.birthday and _day(contact.birthday) in wanted]

    def all(self) -> Iterator[FakeContact]:
        """Iterate over every contact in the order of their ids."""
        return iter(sorted(self._contacts.values(), key=lambda contact: contact.id))

    def record_message(self, contact_id: str, at: int) -> None:
        """Set the contact's `last_messaged_at`. Do nothing if the contact is gone."""
        if contact_id in self._contacts:
            self._contacts[contact_id] = replace(self._contacts[contact_id], last_messaged_at=at)


def _day(birthday: str) -> tuple[int, int]:
    return int(birthday[-5:-3]), int(birthday[-2:])
