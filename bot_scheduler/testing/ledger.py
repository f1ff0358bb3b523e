"""A ledger in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from bot_scheduler.contacts import Person
from bot_scheduler.testing.clock import Expiring, FakeClock
from bot_scheduler.testing.contacts import FakeContacts
from bot_scheduler.testing.stored import as_utf8

LIFETIME = 400 * 86_400
"""Seconds for which an entry is kept."""
CLAIMED = "claimed"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Claim:
    """A claim that its run has not settled."""

    run_id: str
    number: int


class LedgerEntries:
    """The entries that all runs of a bot share, and which of the runs are under way.

    Args:
        clock: tells when entries expire.
        contacts: tells which contacts are the same person.
    """

    def __init__(self, clock: FakeClock, contacts: FakeContacts) -> None:
        self.entries: Expiring[Claim | str] = Expiring(clock)
        self.under_way: set[str] = set()
        self.numbers = count()
        self._contacts = contacts

    def ids_of(self, person: Person) -> list[str]:
        """Return all ids of the person, the given contact's own first."""
        ids = [person.id, *person.former_ids]
        for contact in self._contacts.all():
            if set(contact.identities) & set(person.identities) or person.id in contact.former_ids:
                ids += [contact.id, *contact.former_ids]
        return list(dict.fromkeys(ids))


class FakeLedger:
    """One run's ledger; see `bot_scheduler.Ledger`.

    Args:
        shared: the entries that all runs of the bot share.
        run_id: the run's id.
        origin_id: the id of the first attempt.
    """

    def __init__(self, shared: LedgerEntries, run_id: str, origin_id: str) -> None:
        self._shared = shared
        self._claim = Claim(run_id, next(shared.numbers))
        self._origin_id = origin_id

    @property
    def entries(self) -> dict[str, str]:
        """The outcomes of the bot's keys, for a test to look at; `"unknown"` for unsettled claims."""
        return {key: _outcome(value) for key, value in self._shared.entries.items().items()}

    def claim(self, key: str, *, retake: bool = False, person: Person | None = None) -> str:
        """Claim `key` before acting; see `bot_scheduler.Ledger.claim`."""
        claims = []
        for place in self._places(key, person):
            value = self._shared.entries.get(place)
            if isinstance(value, str):
                return value
            if value is not None and value != self._claim and not (retake and self._is_over(value)):
                claims.append(value)
        if self._shared.entries.get(key) == self._claim:
            return CLAIMED
        if claims:
            return UNKNOWN
        self._shared.entries.set(key, self._claim, LIFETIME)
        return CLAIMED

    def outcomes(self, keys: Sequence[str], people: Sequence[Person] = ()) -> list[str | None]:
        """Return the state of each key without claiming it; see `bot_scheduler.Ledger.outcomes`."""
        whose: Sequence[Person | None] = people or [None] * len(keys)
        return [self._state(key, person) for key, person in zip(keys, whose, strict=True)]

    def settle(self, key: str, outcome: str) -> None:
        """Record the outcome of a claim that is this run's; `"released"` gives it back."""
        if self._shared.entries.get(as_utf8(key)) != self._claim:
            return
        if outcome == "released":
            self._shared.entries.delete(key)
        else:
            self._shared.entries.set(key, as_utf8(outcome), LIFETIME)

    def first_run(self) -> str:
        """Return the id of the first attempt."""
        return self._origin_id

    def _places(self, key: str, person: Person | None) -> list[str]:
        """All keys that count: `key`, and the same one under each other id of the person."""
        if person is None:
            return [as_utf8(key)]
        return [as_utf8(f"{one}{key.removeprefix(person.id)}") for one in self._shared.ids_of(person)]

    def _state(self, key: str, person: Person | None) -> str | None:
        values = [self._shared.entries.get(place) for place in self._places(key, person)]
        settled = next((value for value in values if isinstance(value, str)), None)
        if settled is not None:
            return settled
        return UNKNOWN if any(values) else None

    def _is_over(self, claim: Claim) -> bool:
        return claim.run_id not in self._shared.under_way


def _outcome(value: Claim | str) -> str:
    return value if isinstance(value, str) else UNKNOWN
