"""The address book, as a bot sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol


class Person(Protocol):
    """The person of a ledger entry: a contact, or anything else with these three attributes."""

    @property
    def id(self) -> str:
        """The contact's id."""

    @property
    def identities(self) -> Sequence[str]:
        """Opaque marks by which the ledger recognises the person under other ids."""

    @property
    def former_ids(self) -> Sequence[str]:
        """The ids of contacts that were merged into this one."""


class Contact(Person, Protocol):
    """One person in the address book. Everything is read-only."""

    @property
    def name(self) -> str:
        """The full name, never empty."""

    @property
    def given_name(self) -> str | None:
        """The given name."""

    @property
    def family_name(self) -> str | None:
        """The family name."""

    @property
    def birthday(self) -> str | None:
        """`YYYY-MM-DD`, or `--MM-DD` if the year is unknown."""

    @property
    def emails(self) -> Sequence[str]:
        """E-mail addresses, the preferred one first."""

    @property
    def phones(self) -> Sequence[str]:
        """Phone numbers, the preferred one first."""

    @property
    def urls(self) -> Sequence[str]:
        """Web addresses, the preferred one first."""

    @property
    def language(self) -> str | None:
        """A language tag, such as `fr` or `de-AT`."""

    @property
    def source(self) -> str | None:
        """Where the contact first came from: `vcard`, `csv`, `api` or `carddav`."""

    @property
    def deceased(self) -> bool:
        """Whether the person is known to have died."""

    @property
    def last_messaged_at(self) -> int | None:
        """When a bot last sent a message, in epoch seconds."""

    @property
    def last_visited_at(self) -> int | None:
        """When a bot last visited the profile page, in epoch seconds."""

    @property
    def profile(self) -> str | None:
        """The profile page: the first http(s) address of `urls`."""


class Contacts(Protocol):
    """The address book. Each call reads it as it is at that moment."""

    def born_on(self, days: Iterable[tuple[int, int]]) -> Iterable[Contact]:
        """Return everybody with a birthday on one of the days.

        Args:
            days: pairs of month and day, such as `(4, 12)`.
        """

    def all(self) -> Iterator[Contact]:
        """Iterate over every contact in the order of their ids, in bounded memory."""

    def record_message(self, contact_id: str, at: int) -> None:
        """Set the contact's `last_messaged_at`. Do nothing if the contact is gone.

        Args:
            contact_id: the contact's id.
            at: epoch seconds.
        """
