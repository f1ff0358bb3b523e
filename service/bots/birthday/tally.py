"""Counts of a birthday run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.bots.birthday.birthdays import Greeting
from service.contacts.cleaning import clean_text

SHOWN = 100
"""The most messages of a rehearsal, and failures of a run, in the result."""
FAILURES_SIZE = 12_000
"""The most characters of JSON for the failures, so that the counts beside them are never cut off."""
NAME_SIZE = 40
"""The most characters of a name in a sentence, since strangers write names."""

ACCOUNTED = ("already", "sent", "failed", "unknown", "skipped_no_address", "skipped_deceased", "deferred")
"""The outcomes for a person with a birthday. People without any of them are left over."""


@dataclass(slots=True)
class Tally:
    """The counts of a run, as its result shows them. All but `messages_sent` count people."""

    messages_sent: int = 0
    found: int = 0
    sent: int = 0
    already: int = 0
    left_over: int = 0
    failed: int = 0
    unknown: int = 0
    deferred: int = 0
    skipped_no_address: int = 0
    skipped_deceased: int = 0
    failures: list[dict[str, str]] = field(default_factory=list)
    _size: int = 0
    _without_address: list[Greeting] = field(default_factory=list)
    _deceased: list[Greeting] = field(default_factory=list)

    def note(self, greeting: Greeting, reason: str) -> None:
        """Record why somebody was not greeted, or perhaps not."""
        contact = greeting.contact
        failure = {"contact_id": contact.id, "name": contact.name, "reason": reason}
        self._size += len(json.dumps(failure))
        if len(self.failures) < SHOWN and self._size <= FAILURES_SIZE:
            self.failures.append(failure)

    def count_settled(self, greeting: Greeting, outcome: str) -> None:
        """Count a person whom the ledger has."""
        if outcome == "unknown":
            self.unknown += 1
            self.note(greeting, "an earlier run was cut short; the message may or may not have been sent")
        elif outcome == "failed":
            self.failed += 1
            self.note(greeting, "an earlier run could not deliver the message")
        else:
            self.already += 1

    def of_the_living(self, greetings: Iterable[Greeting]) -> list[Greeting]:
        """Return the people who can be greeted. Count the dead."""
        living: list[Greeting] = []
        for greeting in greetings:
            (self._deceased if greeting.contact.deceased else living).append(greeting)
        self.skipped_deceased = len(self._deceased)
        return living

    def count_without_address(self, greeting: Greeting) -> None:
        """Count a person who has no address."""
        self.skipped_no_address += 1
        self._without_address.append(greeting)

    def skipped(self) -> Iterator[tuple[str, list[Greeting]]]:
        """Yield the reasons for skipping people, with the people."""
        yield "without an address that MESSAGE_URL names", self._without_address
        yield "marked as deceased", self._deceased

    @property
    def rest(self) -> int:
        """How many people have no outcome yet."""
        return self.found - sum(int(getattr(self, name)) for name in ACCOUNTED)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts, JSON-ready."""
        return {name: getattr(self, name) for name in self.__slots__ if not name.startswith("_")}


def listed(names: Sequence[str], total: int) -> str:
    """Return people in one line, such as `Amelia Rivers, Ben Okri and 2 more`.

    Args:
        names: at least one name to show.
        total: the number of people; the unnamed ones are counted.
    """
    parts = [_shortened(clean_text(name, limit=len(name)) or "?") for name in names]
    if total > len(names):
        parts.append(f"{total - len(names):,} more")
    *before, last = parts
    return f"{', '.join(before)} and {last}" if before else last


def _shortened(name: str) -> str:
    return name if len(name) <= NAME_SIZE else f"{name[: NAME_SIZE - 1]}…"
