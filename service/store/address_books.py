"""Memory of a synced address book: each card's version and contact, and the values that it has given."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from redis import Redis

from service.store.keys import Keys
from service.store.server.exchange import packed, write_together
from service.store.server.translation import translate_errors

BATCH = 500
"""Cards read or written in one round trip."""
LIFETIME = 90 * 86_400
"""Seconds after which an address book that is no longer synced is forgotten."""
MOST_OWNERS = 100
"""Most cards of one contact that are read."""
_NOBODY = "-"

Given = Mapping[str, tuple[str | bool, ...]]
"""The values that a contact has from a card, by field."""


@dataclass(frozen=True, slots=True)
class SeenCard:
    """A card as last seen.

    Args:
        href: its path on the server.
        contact_id: its contact; None if the card could not be taken.
        etag: the version; empty to fetch the card again whatever its version.
    """

    href: str
    contact_id: str | None
    etag: str


@dataclass(frozen=True, slots=True)
class SkippedCard:
    """A card that could not be taken, and why.

    Args:
        again: whether to fetch it again, though it has not changed.
    """

    href: str
    reason: str
    again: bool


class CardStore:
    """The commands on the cards of one address book.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        book: the address book's short name; letters and digits.
    """

    def __init__(self, client: Redis, keys: Keys, book: str) -> None:
        self._client = client
        self._keys = keys
        self._book = book
        self._cards = keys.cards(book)
        self._skipped = keys.cards_skipped(book)
        self._token = keys.cards_token(book)
        self._given = keys.cards_given(book)
        self._owners = keys.card_owners

    def token(self) -> str | None:
        """Return up to which change the address book was read; None if it was never read to its end."""
        with translate_errors():
            found = self._client.get(self._token)
        return found.decode() if isinstance(found, bytes) else found

    def set_token(self, token: str | None) -> None:
        """Remember how far the address book was read; None to start over the next time."""
        with translate_errors():
            if token is None:
                self._client.delete(self._token)
            else:
                self._client.set(self._token, token)

    def keep(self) -> None:
        """Keep this memory for another `LIFETIME`."""
        self._write([("EXPIRE", key, LIFETIME) for key in (self._cards, self._skipped, self._token, self._given)])

    def count(self) -> int:
        """Count the remembered cards."""
        with translate_errors():
            return int(self._client.hlen(self._cards))

    def all(self) -> Iterator[SeenCard]:
        """Yield every card, in no order, read in batches; one may come twice."""
        return chain.from_iterable(self.pages())

    def pages(self) -> Iterator[list[SeenCard]]:
        """Yield every card as `all` does, some hundred at a time."""
        cursor = 0
        while True:
            with translate_errors():
                found: Any = self._client.hscan(self._cards, cursor, count=BATCH)
            cursor = found[0]
            yield [_seen(href.decode(), value) for href, value in found[1].items()]
            if cursor == 0:
                return

    def get_many(self, hrefs: Sequence[str]) -> list[SeenCard | None]:
        """Return each card as last seen, or None."""
        found: list[SeenCard | None] = []
        for batch in _batches(hrefs):
            with translate_errors():
                values: Any = self._client.hmget(self._cards, batch)
            found += [_seen(href, value) if value else None for href, value in zip(batch, values, strict=True)]
        return found

    def save_many(self, cards: Iterable[SeenCard]) -> None:
        """Remember the cards, and that they own their contacts."""
        commands: list[tuple[str | int, ...]] = []
        for card in cards:
            if card.contact_id is not None:
                commands.append(("ZADD", self._owners, 0, self._owner(card.contact_id, card.href)))
            commands.append(("HSET", self._cards, card.href, f"{card.contact_id or _NOBODY} {card.etag}"))
        self._write(commands)

    def forget(self, href: str) -> None:
        """Forget a card."""
        self._write([("HDEL", key, href) for key in (self._given, self._skipped, self._cards)])

    def learned(self) -> bool:
        """Return whether the values of each card are known; an earlier release did not store them."""
        with translate_errors():
            return int(self._client.hlen(self._given)) >= int(self._client.hlen(self._cards))

    def given(self, hrefs: Sequence[str]) -> list[Given | None]:
        """Return the values that each card has given; None if they are not known."""
        return [_given(value) for value in self._given_of(self._book, hrefs)]

    def save_given(self, cards: Iterable[tuple[str, Given | None]]) -> None:
        """Remember the values that each card, by its path, has given."""
        self._write([("HSET", self._given, href, json.dumps(given, ensure_ascii=False)) for href, given in cards])

    def given_by_others(self, owned: Sequence[tuple[str, str]]) -> list[list[Given]]:
        """Return the values that other cards of each contact have given, from any remembered address book.

        Args:
            owned: contacts, each with the card to leave out.
        """
        others = [
            [owner for owner in owners if owner != (self._book, href)]
            for (_, href), owners in zip(owned, self._owners_of([contact_id for contact_id, _ in owned]), strict=True)
        ]
        hrefs: defaultdict[str, list[str]] = defaultdict(list)
        for book, href in {owner for owners in others for owner in owners}:
            hrefs[book].append(href)
        found = {
            (book, href): given
            for book, of_book in hrefs.items()
            for href, value in zip(of_book, self._given_of(book, of_book), strict=True)
            if (given := _given(value))
        }
        return [[found[owner] for owner in owners if owner in found] for owners in others]

    def _given_of(self, book: str, hrefs: Sequence[str]) -> list[bytes | None]:
        found: list[bytes | None] = []
        for batch in _batches(hrefs):
            with translate_errors():
                found += self._client.hmget(self._keys.cards_given(book), batch)  # type: ignore[arg-type]
        return found

    def _owners_of(self, contact_ids: Sequence[str]) -> list[list[tuple[str, str]]]:
        """Return the address books and paths of each contact's cards."""
        with translate_errors(), self._client.pipeline(transaction=False) as pipe:
            for contact_id in contact_ids:
                start = f"{contact_id} ".encode()
                pipe.zrange(self._owners, b"[" + start, b"(" + start + b"\xff", bylex=True, offset=0, num=MOST_OWNERS)
            rows: Any = pipe.execute()
        return [[_owner_of(owner) for owner in owners] for owners in rows]

    def disown(self, contact_id: str, href: str) -> None:
        """Note that a card no longer owns a contact."""
        with translate_errors():
            self._client.zrem(self._owners, self._owner(contact_id, href))

    def is_others(self, contact_id: str, href: str) -> bool:
        """Return whether another card, of any remembered address book, owns a contact, too."""
        (owners,) = self._owners_of([contact_id])
        books = {book for book, other in owners if (book, other) != (self._book, href)}
        with translate_errors():
            return bool(books) and bool(self._client.exists(*(self._keys.cards(book) for book in books)))

    def skip(self, card: SkippedCard) -> None:
        """Remember why a card could not be taken."""
        why = f"{'again' if card.again else 'changed'} {card.reason}"
        self._write([("HSETNX", self._given, card.href, "null"), ("HSET", self._skipped, card.href, why)])

    def unskip(self, hrefs: Sequence[str]) -> None:
        """Forget why these cards could not be taken."""
        if hrefs:
            with translate_errors():
                self._client.hdel(self._skipped, *hrefs)

    def skipped(self) -> list[SkippedCard]:
        """Return every card that could not be taken, by its path."""
        with translate_errors():
            rows: Any = self._client.hgetall(self._skipped)
        found = [(href.decode(), *value.decode().split(" ", 1)) for href, value in rows.items()]
        return [SkippedCard(href, reason, when == "again") for href, when, reason in sorted(found)]

    def _write(self, commands: Sequence[tuple[str | int, ...]]) -> None:
        """Send commands that are safe to repeat, in one round trip."""
        with translate_errors():
            write_together(self._client, [packed(*command) for command in commands])

    def _owner(self, contact_id: str, href: str) -> str:
        return f"{contact_id} {self._book} {href}"


def _seen(href: str, value: bytes) -> SeenCard:
    contact_id, _, etag = value.decode().partition(" ")
    return SeenCard(href, None if contact_id == _NOBODY else contact_id, etag)


def _given(value: bytes | None) -> Given | None:
    found = json.loads(value) if value else None
    return None if found is None else {field: tuple(values) for field, values in found.items()}


def _owner_of(text: bytes) -> tuple[str, str]:
    _, book, href = text.decode().split(" ", 2)
    return book, href


def _batches(hrefs: Sequence[str]) -> Iterator[Sequence[str]]:
    return (hrefs[start : start + BATCH] for start in range(0, len(hrefs), BATCH))
