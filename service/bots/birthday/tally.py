"""What a birthday run did, counted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.bots.birthday.birthdays import Greeting
from service.contacts.cleaning import clean_text

SHOWN = 100
"""Messages of a rehearsal, and failures of a run, that the result shows at most."""
FAILURES_SIZE = 12_000
"""Characters of JSON that the failures have at most, so that the counts beside them are never cut off a result."""
NAME_SIZE = 40
"""Characters of a name in a sentence at most: names are the words of strangers."""

ACCOUNTED = ("already", "sent", "failed", "unknown", "skipped_no_address", "skipped_deceased", "deferred")
"""What can become of somebody who was found; who is in none of these is left over."""


@dataclass(slots=True)
class Tally:
    """What a run did, as its result tells it. All but `messages_sent` count people."""

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
        """Shows why somebody was not, or not surely, greeted."""
        contact = greeting.contact
        failure = {"contact_id": contact.id, "name": contact.name, "reason": reason}
        self._size += len(json.dumps(failure))
        if len(self.failures) < SHOWN and self._size <= FAILURES_SIZE:
            self.failures.append(failure)

    def count_settled(self, greeting: Greeting, outcome: str) -> None:
        """Counts somebody whom the ledger knows."""
        if outcome == "unknown":
            self.unknown += 1
            self.note(greeting, "an earlier run was cut short; the message may or may not have been sent")
        elif outcome == "failed":
            self.failed += 1
            self.note(greeting, "an earlier run could not deliver the message")
        else:
            self.already += 1

    def of_the_living(self, greetings: Iterable[Greeting]) -> list[Greeting]:
        """Those who can be greeted; the dead are counted."""
        living: list[Greeting] = []
        for greeting in greetings:
            (self._deceased if greeting.contact.deceased else living).append(greeting)
        self.skipped_deceased = len(self._deceased)
        return living

    def count_without_address(self, greeting: Greeting) -> None:
        """Counts somebody who cannot be reached."""
        self.skipped_no_address += 1
        self._without_address.append(greeting)

    def skipped(self) -> Iterator[tuple[str, list[Greeting]]]:
        """Those who were skipped, by the reason."""
        yield "without an address that MESSAGE_URL names", self._without_address
        yield "marked as deceased", self._deceased

    @property
    def rest(self) -> int:
        """Those of whom nothing is written down yet."""
        return self.found - sum(int(getattr(self, name)) for name in ACCOUNTED)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__slots__ if not name.startswith("_")}


def listed(names: Sequence[str], total: int) -> str:
    """People in one line, such as `Amelia Rivers, Ben Okri and 2 more`.

    Args:
        names: of those who are named, at least one.
        total: how many there are; the others are counted.
    """
    parts = [_shortened(clean_text(name, limit=len(name)) or "?") for name in names]
    if total > len(names):
        parts.append(f"{total - len(names):,} more")
    *before, last = parts
    return f"{', '.join(before)} and {last}" if before else last


def _shortened(name: str) -> str:
    return name if len(name) <= NAME_SIZE else f"{name[: NAME_SIZE - 1]}…"
