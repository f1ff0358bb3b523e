"""What a birthday run did, counted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from service.bots.birthdays import Greeting

SHOWN = 100
"""Messages of a rehearsal, and failures of a run, that the result shows at most."""
FAILURES_SIZE = 12_000
"""Characters of JSON that the failures have at most, so that the counts beside them are never cut off a result."""

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
        """Those who can be greeted; the dead are counted, and nobody else is told of them."""
        living = [greeting for greeting in greetings if not greeting.contact.deceased]
        self.skipped_deceased = self.found - len(living)
        return living

    @property
    def rest(self) -> int:
        """Those of whom nothing is written down yet."""
        return self.found - sum(int(getattr(self, name)) for name in ACCOUNTED)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__slots__ if not name.startswith("_")}
