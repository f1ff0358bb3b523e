"""Synchronisation with a remote address book: by its changes since the last run, or by all of its cards.

Cards are taken in chunks, missing ones are removed after that, and the token is stored last. If a run is cut off, the
next one repeats it and finds the cards it took unchanged. A card that moved is thus taken at its new place before it is
dropped at its old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from bot_scheduler import Context
from service.bots.contacts_sync.carddav import Card, CardDav, Changes, TokenLost
from service.bots.contacts_sync.dav import BookFailed
from service.contacts.intake.card_changes import Received
from service.contacts.intake.synced import SyncedBook
from service.contacts.people import ParsedCard
from service.contacts.reading import vcard

CHUNK = 50
"""Cards in one request."""
TOO_MANY = "there are as many contacts as MAX_CONTACTS allows"
SHOWN = 100
"""The most skipped cards, warnings, and changes of a rehearsal in the result."""


@dataclass(slots=True)
class Tally:
    """The counts of a run, as its result shows them. All but `removed` count cards."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    kept: int = 0
    left_over: int = 0
    skips: dict[str, str] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    warned: int = 0

    def warn(self, href: str, name: str, reason: str) -> None:
        """Record the loss of a part of a card."""
        self.warned += 1
        if len(self.warnings) < SHOWN:
            self.warnings.append({"card": href.rpartition("/")[2], "name": name, "reason": reason})

    def note(self, action: str, contact_id: str, name: str, fields: Iterable[str] = ()) -> None:
        """Record a change that a rehearsal would make."""
        if len(self.changes) < SHOWN:
            change: dict[str, Any] = {"action": action, "contact_id": contact_id, "name": name}
            self.changes.append(change | {"fields": list(fields)} if fields else change)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts, JSON-ready."""
        shown = sorted(self.skips.items())[:SHOWN]
        counts = ("created", "updated", "unchanged", "removed", "kept", "left_over")
        return {name: getattr(self, name) for name in counts} | {
            "skipped": [{"card": href.rpartition("/")[2], "reason": reason} for href, reason in shown],
            "skipped_total": len(self.skips),
            "warnings": self.warnings,
            "warnings_total": self.warned,
        }


class BookSync:
    """One run over one address book.

    Args:
        context: the run's context.
        remote: the remote address book.
        local: its local state.
        tally: counts the work.
    """

    def __init__(self, context: Context, remote: CardDav, local: SyncedBook, tally: Tally) -> None:
        self._context = context
        self._remote = remote
        self._local = local
        self._tally = tally
        self._rehearses: bool = context.config.dry_run
        self._again: list[str] = []
        self._taken: dict[str, str] = {}
        """The taken cards, each with its contact's id."""

    def run(self) -> None:
        """Synchronise.

        Raises:
            BookFailed: the address book cannot be read, or not to its end.
            Stopped: the run was asked to stop.
        """
        if not self._rehearses:
            self._local.keep()
        skipped = self._local.skipped()
        self._tally.skips = {card.href: card.reason for card in skipped}
        self._again = [card.href for card in skipped if card.again]
        token = self._local.token
        if token is not None:
            try:
                self._by_changes(token)
                return
            except TokenLost:
                self._context.log.info("The server cannot list the changes since the last run; comparing all cards")
        self._by_everything()

    def _by_everything(self) -> None:
        listing = self._remote.everything()
        same, gone = set(), set()
        for card in self._local.known():
            version = listing.versions.get(card.href)
            if version is None:
                gone.add(card.href)
            elif version and version == card.etag:
                same.add(card.href)
        self._tally.unchanged += len(same - self._tally.skips.keys() - self._taken.keys())
        self._fetch([href for href in listing.versions if href not in same])
        self._drop(sorted(gone))
        self._remember(listing.token)

    def _by_changes(self, token: str) -> None:
        before, touched = self._local.count(), set(self._tally.skips)
        hrefs, gone, more = self._again, list[str](), True
        while more:
            changes = self._remote.since(token)
            hrefs = [href for href in hrefs if href not in changes.gone] + self._new_versions(changes)
            gone = [href for href in gone if href not in changes.versions] + changes.gone
            touched |= {card.href for card in self._local.seen([*hrefs, *gone]) if card is not None}
            self._fetch(list(dict.fromkeys(hrefs)))
            if changes.more and changes.token in (None, token):
                raise BookFailed("the server cut off its list of changes")
            hrefs, more, token = [], changes.more, changes.token or token
        self._drop(gone)
        self._tally.unchanged += before - len(touched)
        self._remember(token)

    def _new_versions(self, changes: Changes) -> list[str]:
        """Return the cards that were not taken before the last run was cut off."""
        seen = self._local.seen(list(changes.versions))
        pairs = zip(changes.versions.items(), seen, strict=True)
        return [href for (href, etag), card in pairs if card is None or not etag or card.etag != etag]

    def _remember(self, token: str | None) -> None:
        if not self._rehearses:
            self._local.token = token
            self._local.keep()

    def _fetch(self, hrefs: Sequence[str]) -> None:
        """Take these cards, one chunk at a time."""
        self._tally.left_over = len(hrefs)
        for start in range(0, len(hrefs), CHUNK):
            self._context.progress(start, len(hrefs))
            chunk = hrefs[start : start + CHUNK]
            received = [read for card in self._remote.cards(chunk) if (read := self._read(card)) is not None]
            self._take(received)
            self._tally.left_over -= len(chunk)
        self._context.progress(len(hrefs), len(hrefs))

    def _read(self, card: Card) -> Received | None:
        """Return the person on a card; None if the card is gone, or skipped with its reason."""
        if card.gone:
            self._drop([card.href])
            return None
        if card.text is None:
            self._skip(card, card.reason, again=True)
            return None
        try:
            person = next(vcard.read(BytesIO(card.text.encode("utf-8", "replace"))), None)
        except Exception as error:  # noqa: BLE001 - whatever a card holds costs the card alone
            self._skip(card, f"the card cannot be read ({type(error).__name__})", again=False)
            return None
        if isinstance(person, ParsedCard):
            return Received(card.href, card.etag, person)
        self._skip(card, "the card contains no vCard" if person is None else person.reason, again=False)
        return None

    def _skip(self, card: Card | Received, reason: str, again: bool) -> None:
        self._tally.skips[card.href] = reason
        self._context.log.warning("%s: not taken: %s", card.href.rpartition("/")[2], reason)
        if not self._rehearses:
            self._local.skip(card.href, card.etag, reason, again)

    def _take(self, received: Sequence[Received]) -> None:
        left_out: list[Received] = []
        if self._rehearses:
            for card, (contact_id, became, fields) in zip(received, self._local.would_take(received), strict=True):
                self._taken[card.href] = contact_id
                self._count(became)
                if became != "unchanged":
                    self._tally.note(became, contact_id, card.person.name, fields)
        else:
            for card, (contact_id, became) in zip(received, self._local.take(received), strict=True):
                if became == "too_many":
                    left_out.append(card)
                else:
                    self._taken[card.href] = contact_id
                    self._count(became)
        for card in received:
            self._tally.skips.pop(card.href, None)
            for reason in card.person.warnings:
                self._tally.warn(card.href, card.person.name, reason)
        for card in left_out:
            self._skip(card, TOO_MANY, again=True)

    def _count(self, became: str) -> None:
        setattr(self._tally, became, getattr(self._tally, became) + 1)

    def _drop(self, hrefs: Iterable[str]) -> None:
        """Drop cards that are gone. Pass over those that were never taken."""
        taken = set(self._taken.values()) if self._rehearses else set()
        for href in hrefs:
            if self._rehearses:
                became, contact, fields = self._local.would_drop(href)
                if contact is not None and contact.id in taken:
                    became = "kept"  # the card has moved
                elif contact is not None and (became == "removed" or fields):
                    self._tally.note("updated" if fields else became, contact.id, contact.name, fields)
            else:
                became = self._local.drop(href)
            if became != "unknown":
                self._count(became)
            self._tally.skips.pop(href, None)
