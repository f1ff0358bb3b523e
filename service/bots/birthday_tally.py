"""What a birthday run did, counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from service.bots.birthdays import Greeting

SHOWN = 100
"""Messages of a rehearsal, and failures of a run, that the result shows."""


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
    skipped_no_address: int = 0
    failures: list[dict[str, str]] = field(default_factory=list)

    def note(self, greeting: Greeting, reason: str) -> None:
        """Shows why somebody was not, or not surely, greeted."""
        if len(self.failures) < SHOWN:
            contact = greeting.contact
            self.failures.append({"contact_id": contact.id, "name": contact.name, "reason": reason})

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

    @property
    def rest(self) -> int:
        """Those of whom nothing is written down yet."""
        return self.found - self.already - self.sent - self.failed - self.unknown - self.skipped_no_address

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__slots__}
