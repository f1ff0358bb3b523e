"""The contact of an erased person: its fields go, and sealed names stand for what recognises it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from service.domain.people.erasure.seal import Seal
from service.domain.people.erasure.traces import Traces
from service.store.keys import Keys
from service.store.scripts import Argument, Gate, Limits, script_of
from service.store.server.exchange import execute, repeatable
from service.store.server.translation import translate_errors


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of a contact.

    Args:
        outcome: `erased`; `done` if there was nobody any more; `stale` if it has other identities by now.
        cards: how many cards of synced address books were its.
    """

    outcome: str
    cards: int


class ContactEraser:
    """Erases contacts of one installation.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        gate: checks before each use of Redis; None where the process makes them itself.
        limits: the installation's, for the audit log.
    """

    def __init__(self, client: Redis, keys: Keys, gate: Gate | None = None, limits: Limits | None = None) -> None:
        self._client = client
        self._keys = keys
        self._gate = gate
        self._erase = script_of(client, "erase_contact", keys, limits)

    def erase(
        self, contact_id: str, identities: Sequence[str], former_ids: Sequence[str], seal: Seal, traces: Traces,
        entries: Sequence[str], change: str, begun: str = "",
    ) -> Erased:  # fmt: skip
        """Erase one contact.

        Args:
            contact_id: the contact's id.
            identities: its identities as they were read.
            former_ids: the ids of contacts merged into it.
            seal: makes the sealed names.
            traces: tells cards whose names name the person, and renames entries of the ledger.
            entries: its entries of the ledger.
            change: the entry of the audit log.
            begun: the id of the entry that was written when the erasure began, which goes; empty for none.

        Raises:
            StoreUnavailable: Redis is away.
        """
        if self._gate is not None:
            self._gate.write()
        with translate_errors():
            cards = self._cards(contact_id)
            args: list[Argument] = [
                contact_id, seal.contact_id(contact_id), " ".join(identities), " ".join(seal.identities(identities)),
                " ".join(map(seal.contact_id, former_ids)), change, begun,
                len(entries), *(text for entry in entries for text in (entry, traces.renamed(entry))),
                *(text for book, card in cards for text in (book, card, "drop" if traces.are_in(card) else "")),
            ]  # fmt: skip
            outcome = self._erase(keys=(), args=args)
        return Erased(outcome.decode(), len(cards))

    def _cards(self, contact_id: str) -> list[tuple[str, str]]:
        """Return the address book and the card of each card of a contact."""
        start = f"{contact_id} ".encode()
        owners: Any = repeatable(
            lambda: execute(
                self._client, "ZRANGE", self._keys.card_owners, b"[" + start, b"(" + start + b"\xff", "BYLEX"
            )
        )
        found = [owner.decode().split(" ", 2) for owner in owners]
        return [(book, card) for _, book, card in found]
