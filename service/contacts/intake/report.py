"""Report of an import, as the API answers it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.contacts.people import ParsedCard, Skipped

MAX_TOLD = 1000
"""Most skipped entries, and most warnings, that a report lists, those of the whole file first; the rest is counted."""


END_OF_DAYS = "9999-12-31"


class ImportReport:
    """Counts of the outcomes of a file's entries.

    Args:
        most: contacts that there may be; 0 for any number.
        today: the latest day that it is anywhere on earth, `YYYY-MM-DD`; a birthday after it is told.
    """

    def __init__(self, most: int = 0, today: str = END_OF_DAYS) -> None:
        self._most = most
        self._today = today
        self._left_out = 0
        self._counts = {"created": 0, "updated": 0, "unchanged": 0}
        self._with_birthday = self._with_address = 0
        self._skipped: list[dict[str, Any]] = []
        self._merged = self._skipped_total = 0
        self._of_file: list[dict[str, Any]] = []
        self._warnings: list[dict[str, Any]] = []
        self._warnings_total = 0

    def read(self, card: ParsedCard) -> None:
        """Count an entry that is about to be imported."""
        self._with_birthday += card.birthday is not None
        self._with_address += bool(card.emails or card.phones)
        for reason in card.warnings:
            self.warn(reason, card.position, card.name)
        if card.birthday is not None and card.birthday > self._today:
            self.warn(f"the birthday {card.birthday} is in the future", card.position, card.name)

    def taken(self, became: str) -> None:
        """Count an imported entry.

        Args:
            became: `created`, `updated` or `unchanged`.
        """
        self._counts[became] += 1

    def merged(self) -> None:
        """Count two contacts that turned out to be one person."""
        self._merged += 1

    @property
    def changes(self) -> dict[str, int]:
        """The counts of changed contacts."""
        return {"created": self._counts["created"], "updated": self._counts["updated"], "merged": self._merged}

    @property
    def has_changed(self) -> bool:
        """Whether the address book has changed."""
        return any(self.changes.values())

    def skipped(self, entry: Skipped) -> None:
        """Count an entry that was skipped."""
        self._skipped_total += 1
        if len(self._skipped) < MAX_TOLD:
            self._skipped.append({"position": entry.position, "reason": entry.reason})

    def left_out(self, card: ParsedCard) -> None:
        """Count an entry that was read, but for which there was no room, as skipped."""
        self._left_out += 1
        self._with_birthday -= card.birthday is not None
        self._with_address -= bool(card.emails or card.phones)
        self.skipped(Skipped(card.position, f"there are as many contacts as MAX_CONTACTS allows ({self._most:,})"))

    def tell_left_out(self) -> None:
        """Add a warning that says how many entries were left out."""
        if self._left_out:
            self.warn(f"MAX_CONTACTS allows {self._most:,} contacts, so entries were left out: {self._left_out:,}")

    def warn(self, reason: str, position: int | None = None, name: str | None = None) -> None:
        """Add a warning about a loss or a guess, of one entry or, without a position, of the whole file."""
        self._warnings_total += 1
        told = self._of_file if position is None else self._warnings
        if len(told) < MAX_TOLD:
            told.append({"position": position, "name": name, "reason": reason})

    def counted(self) -> str:
        """Return the counts in words."""
        told = ", ".join(f"{count:,} {word}" for word, count in self._counts.items())
        return f"{told}, {self._skipped_total:,} skipped"

    def as_dict(self, ignored_columns: Iterable[str]) -> dict[str, Any]:
        """Return the report, JSON-ready.

        Args:
            ignored_columns: headings of the file that were not understood.
        """
        return {
            **self._counts,
            "skipped": self._skipped,
            "skipped_total": self._skipped_total,
            "warnings": [*self._of_file, *self._warnings][:MAX_TOLD],
            "warnings_total": self._warnings_total,
            "ignored_columns": list(ignored_columns),
            "with_birthday": self._with_birthday,
            "with_address": self._with_address,
        }
