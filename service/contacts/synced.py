"""An address book elsewhere whose cards are contacts here: what it brings, changes and takes away again.

Every step can be cut off. Whose a card is, is written down before the contact is made, so that none is left behind that
nobody knows to be a card's; the version of the card is written down last, so that what was cut off is done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal

from redis import Redis

from service.contacts.decisions import Entry
from service.contacts.intake import Intake
from service.contacts.people import ParsedCard
from service.keys import Keys
from service.store.address_books import CardStore, SeenCard, SkippedCard
from service.store.contact_records import Contact
from service.store.contacts import ContactStore, Saved

SOURCE = "carddav"
"""The `source` of contacts that an address book brought."""

Removed = Literal["removed", "kept", "unknown"]


@dataclass(frozen=True, slots=True)
class Received:
    """A card as the address book gave it.

    Args:
        href: its path on the server.
        etag: its version.
        person: what it says.
    """

    href: str
    etag: str
    person: ParsedCard

    def __post_init__(self) -> None:
        object.__setattr__(self, "person", replace(self.person, source=SOURCE))


class SyncedBook:
    """One address book elsewhere, and the contacts that are its cards.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        contacts: where contacts are kept.
        intake: takes people in there.
        address: of the address book, as its server spells it; it is not kept.
    """

    def __init__(self, client: Redis, keys: Keys, contacts: ContactStore, intake: Intake, address: str) -> None:
        self.id = sha256(address.encode()).hexdigest()[:32]
        """Stands for the address."""
        self._cards = CardStore(client, keys, self.id)
        self._contacts = contacts
        self._intake = intake

    @property
    def token(self) -> str | None:
        """Up to which change it was read; None if it is to be read whole."""
        return self._cards.token()

    @token.setter
    def token(self, token: str | None) -> None:
        self._cards.set_token(token)

    def keep(self) -> None:
        """What is not kept for 90 days is forgotten: an address book that is followed no more. Its contacts stay."""
        self._cards.keep()

    def known(self) -> Iterator[SeenCard]:
        """Every card that was seen, in no order; one may come twice."""
        return self._cards.all()

    def seen(self, hrefs: Sequence[str]) -> list[SeenCard | None]:
        """The cards as they were seen last."""
        return self._cards.get_many(hrefs)

    def count(self) -> int:
        """How many cards it had."""
        return self._cards.count()

    def skipped(self) -> list[SkippedCard]:
        """The cards that could not be taken."""
        return self._cards.skipped()

    def take(self, cards: Sequence[Received]) -> list[tuple[str, Saved]]:
        """Makes and changes contacts by their cards. Fields that a card does not carry stay.

        Returns:
            The id of each card's contact, and what became of it.
        """
        seen = dict(
            zip((card.href for card in cards), self._cards.get_many([card.href for card in cards]), strict=True)
        )

        def own(planned: Sequence[tuple[int, str]]) -> None:
            new: list[SeenCard] = []
            for number, contact_id in planned:
                href, before = cards[number].href, seen[cards[number].href]
                if before is None or before.contact_id != contact_id:
                    new.append(SeenCard(href, contact_id, ""))
                    if before is not None:  # it has become another person's
                        self._let_go(before)
                    seen[href] = new[-1]
            self._cards.save_many(new)

        taken = [one for one in self._intake.take(self._entries(cards, seen), about_to=own) if one is not None]
        self._cards.save_many(
            SeenCard(card.href, one.contact.id, card.etag) for card, one in zip(cards, taken, strict=True)
        )
        self._cards.unskip([card.href for card in cards])
        return [(one.contact.id, one.became) for one in taken]

    def would_take(self, cards: Sequence[Received]) -> list[tuple[str, Saved, list[str]]]:
        """The id of each card's contact, what `take` would do to it, and which of its fields it would change."""
        seen = dict(
            zip((card.href for card in cards), self._cards.get_many([card.href for card in cards]), strict=True)
        )
        ids = self._intake.identify(self._entries(cards, seen))
        found = {contact.id: contact for contact in self._contacts.get_many(ids)}
        return [(one, *_compared(card.person, found.get(one))) for one, card in zip(ids, cards, strict=True)]

    def _entries(self, cards: Sequence[Received], seen: Mapping[str, SeenCard | None]) -> list[Entry]:
        whose = [before.contact_id if (before := seen[card.href]) else None for card in cards]
        return [
            Entry(card.person.traits, card.person.carried(), before) for card, before in zip(cards, whose, strict=True)
        ]

    def skip(self, href: str, etag: str, reason: str, again: bool) -> None:
        """Notes that a card could not be taken; its contact, if it had one, stays as it is.

        Args:
            again: ask for it again, though it has not changed.
        """
        (seen,) = self._cards.get_many([href])
        self._cards.skip(SkippedCard(href, reason, again))
        self._cards.save_many([SeenCard(href, seen.contact_id if seen else None, "" if again else etag)])

    def drop(self, href: str) -> Removed:
        """Forgets a card that is gone; removes its contact if an address book brought it and no other card is its."""
        (seen,) = self._cards.get_many([href])
        if seen is None:
            return "unknown"
        became = self._let_go(seen)
        self._cards.forget(href)
        return became

    def would_drop(self, href: str) -> tuple[Removed, Contact | None]:
        """What `drop` would do, and to whom."""
        (seen,) = self._cards.get_many([href])
        if seen is None:
            return "unknown", None
        contact = self._removable(seen)
        return ("removed" if contact else "kept"), contact

    def _let_go(self, seen: SeenCard) -> Removed:
        contact = self._removable(seen)
        if contact is not None:
            self._contacts.delete(contact.id)
        if seen.contact_id is not None:
            self._cards.disown(seen.contact_id, seen.href)
        return "removed" if contact else "kept"

    def _removable(self, seen: SeenCard) -> Contact | None:
        """A card's contact, if an address book brought it and no other card is it."""
        if seen.contact_id is None or self._cards.is_others(seen.contact_id, seen.href):
            return None
        contact = self._contacts.get(seen.contact_id)
        return contact if contact is not None and contact.source == SOURCE else None


def _compared(person: ParsedCard, contact: Contact | None) -> tuple[Saved, list[str]]:
    carried = person.carried()
    carried.pop("source")
    if contact is None:
        return "created", list(carried)
    changed = [field for field, value in carried.items() if getattr(contact, field) != value]
    return ("updated" if changed else "unchanged"), changed
