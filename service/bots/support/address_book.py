"""The address book as the built-in bots use it: more than `bot_scheduler` promises to everybody else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, cast

from bot_scheduler import Context
from service.contacts.intake.synced import SyncedBook
from service.domain.people.contact import Contact, Visit


class BirthdayIndex(Protocol):
    """The part of the address book that knows whose birthday it is."""

    def born_on(self, days: Iterable[tuple[int, int]]) -> list[Contact]:
        """Return everybody with a birthday on one of the days, pairs of month and day."""


class AddressBook(BirthdayIndex, Protocol):
    """The part of `service.usecases.contacts.ContactBook` that the built-in bots use."""

    def record_message(self, contact_id: str, at: int) -> None:
        """Record that a message went out at `at`, epoch seconds."""

    def least_recently_visited(self, limit: int) -> list[Contact]:
        """Return at most `limit` contacts with a profile page, the longest unvisited first."""

    def record_visit(self, contact_id: str, at: int, visit: Visit | None) -> None:
        """Record the visit to a contact's page at `at`, epoch seconds; None if the page was not asked for."""

    def synced(self, address: str) -> SyncedBook:
        """Return the local state of the remote address book at `address`."""


def address_book(context: Context) -> AddressBook:
    """Return the run's address book."""
    return cast(AddressBook, context.contacts)
