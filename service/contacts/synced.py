"""An address book elsewhere whose cards are contacts here: what it brings, changes and takes away again.

Every step can be cut off. Whose a card is, is written down before the contact is made, so that none is left behind that
nobody knows to be a card's; what the contact has from it likewise, so that it can go again; the version of the card is
written down last, so that what was cut off is done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal

from redis import Redis

from service.contacts.people import ParsedCard
from service.contacts.provenance import NOTHING, carried, fields_of, fields_without, given_by, together
from service.keys import Keys
from service.store.address_books import CardStore, Given, SeenCard, SkippedCard
from service.store.contacts import Contact, ContactStore, Saved

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
        address: of the address book, as its server spells it; it is not kept.
    """

    def __init__(self, client: Redis, keys: Keys, contacts: ContactStore, address: str) -> None:
        self.id = sha256(address.encode()).hexdigest()[:32]
        """Stands for the address."""
        self._cards = CardStore(client, keys, self.id)
        self._contacts = contacts

    @property
    def token(self) -> str | None:
        """Up to which change it was read; None if it is to be read whole, also to learn what its cards have given."""
        return self._cards.token() if self._cards.learned() else None

    @token.setter
    def token(self, token: str | None) -> None:
        self._cards.set_token(token)

    def keep(self) -> None:
        """What is not kept for 90 days is forgotten: an address book that is followed no more. Its contacts stay."""
        self._cards.keep()

    def known(self) -> Iterator[SeenCard]:
        """Every card that was seen, in no order; one may come twice. One of which it is not known what it has given
        comes without a version, to be fetched again."""
        if self._cards.learned():
            yield from self._cards.all()
            return
        for cards in self._cards.pages():
            for card, given in zip(cards, self._cards.given([card.href for card in cards]), strict=True):
                yield card if given is not None else replace(card, etag="")

    def seen(self, hrefs: Sequence[str]) -> list[SeenCard | None]:
        """The cards as they were seen last."""
        return self._cards.get_many(hrefs)

    def count(self) -> int:
        """How many cards it had."""
        return self._cards.count()

    def skipped(self) -> list[SkippedCard]:
        """The cards that could not be taken."""
        return self._cards.skipped()

    def take(self, cards: Sequence[Received]) -> list[Saved]:
        """Makes and changes contacts by their cards. What a card had given and carries no more goes; other fields that
        it does not carry stay.

        Returns:
            What became of each card's contact.
        """
        saved: dict[str, Saved] = {}
        for apart in _rounds(cards):
            saved |= zip((card.href for card in apart), self._take(apart), strict=True)
        return [saved[card.href] for card in cards]

    def _take(self, cards: Sequence[Received]) -> list[Saved]:
        """Takes cards of as many persons."""
        new: list[SeenCard] = []
        for card, seen in zip(cards, self._cards.get_many([card.href for card in cards]), strict=True):
            if seen is None or seen.contact_id != card.person.contact_id:
                new.append(SeenCard(card.href, card.person.contact_id, ""))
                if seen is not None:  # it has become another person's
                    self._let_go(seen)
                    self._cards.save_given([(card.href, NOTHING)])
        changes = self._changes(cards)
        self._cards.save_many(new)
        self._cards.save_given((change.href, together([change.before, change.given])) for change in changes)
        saved = self._contacts.save_many(
            [(card.person.contact_id, change.fields) for card, change in zip(cards, changes, strict=True)]
        )
        self._cards.save_given((change.href, change.given) for change in changes)
        self._cards.save_many(SeenCard(card.href, card.person.contact_id, card.etag) for card in cards)
        self._cards.unskip([card.href for card in cards])
        return saved

    def would_take(self, cards: Sequence[Received]) -> list[tuple[Saved, list[str]]]:
        """What `take` would do to each card's contact, and which of its fields it would change."""
        return [_compared(change) for change in self._changes(cards)]

    def _changes(self, cards: Sequence[Received]) -> list[_Change]:
        ids = [card.person.contact_id for card in cards]
        hrefs = [card.href for card in cards]
        contacts = {contact.id: contact for contact in self._contacts.get_many(ids)}
        rows = zip(
            cards,
            map(contacts.get, ids),
            self._cards.get_many(hrefs),
            self._cards.given(hrefs),
            self._cards.given_by_others(list(zip(ids, hrefs, strict=True))),
            strict=True,
        )
        return [_change(card, contact, seen, given, together(others)) for card, contact, seen, given, others in rows]

    def skip(self, href: str, etag: str, reason: str, again: bool) -> None:
        """Notes that a card could not be taken; its contact, if it had one, stays as it is.

        Args:
            again: ask for it again, though it has not changed.
        """
        (seen,) = self._cards.get_many([href])
        self._cards.skip(SkippedCard(href, reason, again))
        self._cards.save_many([SeenCard(href, seen.contact_id if seen else None, "" if again else etag)])

    def drop(self, href: str) -> Removed:
        """Forgets a card that is gone. Removes its contact if an address book brought it and no other card is its; else
        what the contact has from this card alone goes."""
        (seen,) = self._cards.get_many([href])
        if seen is None:
            return "unknown"
        became = self._let_go(seen)
        self._cards.forget(href)
        return became

    def would_drop(self, href: str) -> tuple[Removed, Contact | None, list[str]]:
        """What `drop` would do, to whom, and which fields would go of a contact that is kept."""
        (seen,) = self._cards.get_many([href])
        if seen is None:
            return "unknown", None, []
        if contact := self._removable(seen):
            return "removed", contact, []
        contact, fields = self._without(seen)
        return "kept", contact, list(fields)

    def _let_go(self, seen: SeenCard) -> Removed:
        contact = self._removable(seen)
        if contact is not None:
            self._contacts.delete(contact.id)
        elif (kept := self._without(seen))[0] is not None and kept[1]:
            self._contacts.save(kept[0].id, kept[1], "update")
        if seen.contact_id is not None:
            self._cards.disown(seen.contact_id, seen.href)
        return "removed" if contact else "kept"

    def _without(self, seen: SeenCard) -> tuple[Contact | None, dict[str, object]]:
        """A card's contact, and what would become of its fields without the card."""
        contact = None if seen.contact_id is None else self._contacts.get(seen.contact_id)
        (given,) = self._cards.given([seen.href])
        if contact is None or not given:
            return contact, {}
        (others,) = self._cards.given_by_others([(contact.id, seen.href)])
        return contact, fields_without(contact, given, together(others))

    def _removable(self, seen: SeenCard) -> Contact | None:
        """A card's contact, if an address book brought it and no other card is it."""
        if seen.contact_id is None or self._cards.is_others(seen.contact_id, seen.href):
            return None
        contact = self._contacts.get(seen.contact_id)
        return contact if contact is not None and contact.source == SOURCE else None


@dataclass(frozen=True, slots=True)
class _Change:
    """What a card does to its contact.

    Args:
        contact: as it is; None if there is none yet.
        fields: what is written.
        before, given: what the card had given, and what it has given then.
    """

    href: str
    contact: Contact | None
    fields: dict[str, object]
    before: Given
    given: Given


def _change(
    card: Received, contact: Contact | None, seen: SeenCard | None, known: Given | None, others: Given
) -> _Change:
    before = known or NOTHING
    if seen is None or seen.contact_id != card.person.contact_id:
        before = NOTHING
    elif known is None and contact is not None and contact.source == SOURCE:
        before = carried(card.person)  # the release before took it from this card; what is gone since, nobody knows
    fields = fields_of(card.person, contact, before, others)
    return _Change(card.href, contact, fields, before, given_by(card.person, contact, before, others))


def _compared(change: _Change) -> tuple[Saved, list[str]]:
    fields = {field: value for field, value in change.fields.items() if field != "source"}
    if change.contact is None:
        return "created", list(fields)
    changed = [field for field, value in fields.items() if (getattr(change.contact, field) or None) != (value or None)]
    return ("updated" if changed else "unchanged"), changed


def _rounds(cards: Sequence[Received]) -> Iterator[list[Received]]:
    """The cards in turns, in each of which a person has one at the most: what one card gives is known to the next."""
    left = list(cards)
    while left:
        first: dict[str, Received] = {}
        for card in left:
            first.setdefault(card.person.contact_id, card)
        taken = list(first.values())
        yield taken
        chosen = {card.href for card in taken}
        left = [card for card in left if card.href not in chosen]
