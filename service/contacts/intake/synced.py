"""Synchronised address book: its cards are contacts here, which it makes, changes and removes.

A kill may come between any two steps. The book records a card's contact before it makes the contact, so that no contact
is left without its card, and likewise the values that the card gives, so that they can go again. It records the card's
version last, so that an interrupted step is done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Literal

from service.contacts.intake.card_changes import SOURCE, Change, Received, change_of, compared
from service.contacts.intake.intake import MOST_TRIES, Intake, too_busy
from service.contacts.intake.provenance import NOTHING, fields_without, together
from service.contacts.matching.entries import Entry
from service.domain.people.contact import Contact
from service.store.address_books import CardStore, SeenCard, SkippedCard
from service.store.contacts import ContactStore, Saved
from service.store.keys import Keys
from service.store.server.connection import Client

Removed = Literal["removed", "kept", "unknown"]


class SyncedBook:
    """One remote address book, and the contacts of its cards.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        contacts: the contacts in Redis.
        intake: writes people there.
        address: of the address book, as its server spells it; it is not stored.
    """

    def __init__(self, client: Client, keys: Keys, contacts: ContactStore, intake: Intake, address: str) -> None:
        self.id = sha256(address.encode()).hexdigest()[:32]
        """Stands for the address."""
        self._cards = CardStore(client, keys, self.id)
        self._contacts = contacts
        self._intake = intake

    @property
    def token(self) -> str | None:
        """Token of the last change that was read; None if the book must be read whole."""
        return self._cards.token() if self._cards.learned() else None

    @token.setter
    def token(self, token: str | None) -> None:
        self._cards.set_token(token)

    def keep(self) -> None:
        """Keep the book's records for 90 more days. A book that nobody follows is then forgotten; its contacts stay."""
        self._cards.keep()

    def known(self) -> Iterator[SeenCard]:
        """Yield every card that was seen, in no order; one may come twice.

        A card whose given values are unknown comes without a version, so that it is fetched again.
        """
        if self._cards.learned():
            yield from self._cards.all()
            return
        for cards in self._cards.pages():
            for card, given in zip(cards, self._cards.given([card.href for card in cards]), strict=True):
                yield card if given is not None else replace(card, etag="")

    def seen(self, hrefs: Sequence[str]) -> list[SeenCard | None]:
        """Return the cards as they were last seen."""
        return self._cards.get_many(hrefs)

    def count(self) -> int:
        """Return the number of cards that the book had."""
        return self._cards.count()

    def skipped(self) -> list[SkippedCard]:
        """Return the cards that could not be taken."""
        return self._cards.skipped()

    def take(self, cards: Sequence[Received]) -> list[tuple[str, Saved]]:
        """Make and change contacts by their cards.

        A value that a card had given and no longer carries goes; other fields that it does not carry stay.

        Returns:
            The id of each card's contact, and the outcome for the contact. A card with `too_many` has none, and comes
            again.

        Raises:
            StoreUnavailable: others kept changing to whom the cards belong.
        """
        taken: dict[str, tuple[str, Saved]] = {}
        left = list(cards)
        for _ in range(MOST_TRIES + len(cards)):
            if not left:
                return [taken[card.href] for card in cards]
            taken |= self._take(left)
            left = [card for card in left if card.href not in taken]
        raise too_busy()

    def _take(self, cards: Sequence[Received]) -> dict[str, tuple[str, Saved]]:
        """Take the first card of each person, so that the values that one card gives are known to the next.

        Takes nothing if somebody has become another contact meanwhile.
        """
        seen = self._seen(cards)
        first: dict[str, Received] = {}
        for card, contact_id in zip(cards, self._intake.identify(_entries(cards, seen)), strict=True):
            first.setdefault(contact_id, card)
        new = [SeenCard(card.href, one, "") for one, card in first.items() if _whose(seen[card.href]) != one]
        for href in (other.href for other in new):
            if (before := seen[href]) is not None:  # it has become another person's
                self._let_go(before)
                self._cards.save_given([(href, NOTHING)])
        changes = self._changes(first)
        self._cards.save_many(new)
        self._cards.save_given((change.href, together([change.before, change.given])) for change in changes)
        try:
            saved = self._write(first, changes)
        except _BecameOthers:
            return {}
        self._cards.save_given((change.href, change.given) for change in changes)
        kept = [(one, card) for (one, card), became in zip(first.items(), saved, strict=True) if became != "too_many"]
        self._cards.save_many(SeenCard(card.href, one, card.etag) for one, card in kept)
        self._cards.unskip([card.href for _, card in kept])
        return {card.href: (one, became) for (one, card), became in zip(first.items(), saved, strict=True)}

    def _write(self, cards: Mapping[str, Received], changes: Sequence[Change]) -> list[Saved]:
        ids = list(cards)

        def check(planned: Sequence[tuple[int, str]]) -> None:
            if any(ids[number] != contact_id for number, contact_id in planned):
                raise _BecameOthers

        entries = [
            Entry(card.person.traits, change.fields, one, forgets_year=change.forgets_year)
            for (one, card), change in zip(cards.items(), changes, strict=True)
        ]
        return [one.became for one in self._intake.take(entries, about_to=check) if one is not None]

    def would_take(self, cards: Sequence[Received]) -> list[tuple[str, Saved, list[str]]]:
        """Return the id of each card's contact, what `take` would do to it, and the fields that it would change."""
        ids = self._intake.identify(_entries(cards, self._seen(cards)))
        changes = self._changes_of(list(zip(ids, cards, strict=True)))
        return [(one, *compared(change)) for one, change in zip(ids, changes, strict=True)]

    def _seen(self, cards: Sequence[Received]) -> dict[str, SeenCard | None]:
        hrefs = [card.href for card in cards]
        return dict(zip(hrefs, self._cards.get_many(hrefs), strict=True))

    def _changes(self, cards: Mapping[str, Received]) -> list[Change]:
        return self._changes_of(list(cards.items()))

    def _changes_of(self, cards: Sequence[tuple[str, Received]]) -> list[Change]:
        """Return the change that each card makes to the contact with the id beside it."""
        owners = [(one, card.href) for one, card in cards]
        hrefs = [card.href for _, card in cards]
        contacts = {contact.id: contact for contact in self._contacts.get_many(one for one, _ in cards)}
        rows = zip(
            cards,
            self._cards.get_many(hrefs),
            self._cards.given(hrefs),
            self._cards.given_by_others(owners),
            strict=True,
        )
        return [
            change_of(card, contacts.get(one), known if _whose(seen) == one else NOTHING, together(others))
            for (one, card), seen, known, others in rows
        ]

    def skip(self, href: str, etag: str, reason: str, again: bool) -> None:
        """Record that a card could not be taken; its contact, if it has one, stays as it is.

        Args:
            href: the card's path.
            etag: its version.
            reason: why, for people.
            again: fetch the card again, though it has not changed.
        """
        (seen,) = self._cards.get_many([href])
        self._cards.skip(SkippedCard(href, reason, again))
        self._cards.save_many([SeenCard(href, seen.contact_id if seen else None, "" if again else etag)])

    def drop(self, href: str) -> Removed:
        """Forget a card that is gone.

        Removes its contact if an address book brought it and no other card belongs to it; else removes the values that
        only this card gave.
        """
        (seen,) = self._cards.get_many([href])
        if seen is None:
            return "unknown"
        became = self._let_go(seen)
        self._cards.forget(href)
        return became

    def would_drop(self, href: str) -> tuple[Removed, Contact | None, list[str]]:
        """Return what `drop` would do, to whom, and which fields a kept contact would lose."""
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
            self._intake.change(kept[0].id, kept[1])
        if seen.contact_id is not None:
            self._cards.disown(seen.contact_id, seen.href)
        return "removed" if contact else "kept"

    def _without(self, seen: SeenCard) -> tuple[Contact | None, dict[str, object]]:
        """Return a card's contact, and the fields that would change without the card."""
        contact = None if seen.contact_id is None else self._contacts.get(seen.contact_id)
        (given,) = self._cards.given([seen.href])
        if contact is None or not given:
            return contact, {}
        (others,) = self._cards.given_by_others([(contact.id, seen.href)])
        return contact, fields_without(contact, given, together(others))

    def _removable(self, seen: SeenCard) -> Contact | None:
        """Return a card's contact if an address book brought it and no other card belongs to it."""
        if seen.contact_id is None or self._cards.is_others(seen.contact_id, seen.href):
            return None
        contact = self._contacts.get(seen.contact_id)
        return contact if contact is not None and contact.source == SOURCE else None


class _BecameOthers(Exception):
    """Somebody else has changed meanwhile to whom some cards belong."""


def _whose(seen: SeenCard | None) -> str | None:
    return None if seen is None else seen.contact_id


def _entries(cards: Sequence[Received], seen: Mapping[str, SeenCard | None]) -> list[Entry]:
    return [Entry(card.person.traits, card.person.carried(), _whose(seen[card.href])) for card in cards]
