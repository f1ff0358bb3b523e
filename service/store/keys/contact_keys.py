"""Keys of contacts, and of the address books that they are synced with."""

from __future__ import annotations


class ContactKeys:
    """Keys of people; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    @property
    def contacts(self) -> str:
        """Sorted set of all contacts' ids, each with score 0, so that they page in the order of the ids."""
        return f"{self.prefix}:contacts"

    def contact(self, contact_id: str) -> str:
        """Name the hash of one contact."""
        return f"{self.prefix}:contact:{contact_id}"

    def identity(self, digest: str) -> str:
        """Name the string of the ids of the contacts with that identity, deleted ones included."""
        return f"{self.prefix}:identity:{digest}"

    def contact_gone(self, contact_id: str) -> str:
        """Name the hash that keeps the identities of a deleted contact, and the ids of those merged into it."""
        return f"{self.prefix}:gone:{contact_id}"

    @property
    def contacts_before(self) -> str:
        """Set of the ids of contacts deleted before there were identities, and of their entries in the ledger."""
        return f"{self.prefix}:contacts:before"

    @property
    def seal(self) -> str:
        """String: the key of the HMACs that stand for erased persons, see `service.domain.people.erasure.seal`."""
        return f"{self.prefix}:seal"

    @property
    def erased_texts(self) -> str:
        """String: how many texts erasures have cut. When it changes, processes forget the runs that they remember."""
        return f"{self.prefix}:erased_texts"

    def birthdays(self, month: int, day: int) -> str:
        """Name the set of the ids of the contacts born on that day of the year."""
        return self.birthdays_of(f"{month:02d}-{day:02d}")

    def birthdays_of(self, day: str) -> str:
        """Name the same set, of a day written as `MM-DD`."""
        return f"{self.prefix}:birthdays:{day}"

    @property
    def visits(self) -> str:
        """Sorted set: id of a contact with a profile page -> time of the last visit, ms; 0 for never."""
        return f"{self.prefix}:visits"

    def cards(self, book: str) -> str:
        """Name the hash of a synced address book: card -> its contact and the version last seen."""
        return f"{self.prefix}:cards:{book}"

    def cards_skipped(self, book: str) -> str:
        """Name the hash of the cards of an address book that could not be taken -> the reason."""
        return f"{self.prefix}:cards:{book}:skipped"

    def cards_given(self, book: str) -> str:
        """Name the hash of a synced address book: card -> the values that its contact has from it, JSON."""
        return f"{self.prefix}:cards:{book}:given"

    def cards_token(self, book: str) -> str:
        """Name the string that says up to which change an address book was read."""
        return f"{self.prefix}:cards:{book}:token"

    @property
    def card_owners(self) -> str:
        """Sorted set of texts of contact, book and card, each with score 0, to find a contact's cards."""
        return f"{self.prefix}:card_owners"
