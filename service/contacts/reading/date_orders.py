"""Order of dates such as 3/4/1990, day or month first, as all dates of a file show together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from service.contacts.dates import DateOrder
from service.contacts.reading.lines import Lines
from service.contacts.reading.written_dates import AS_USUAL, Reading, order_of

_SHOWN = 3
_BEGIN = re.compile(rb"\s*BEGIN\s*:\s*VCARD", re.IGNORECASE)
_SLASHED = re.compile(rb"(?:BDAY|bday)[^:\r\n]{0,99}:[^\d\r\n]{0,9}\d{1,2}[./-]")
"""Hardly any file of cards has such dates. A warning names the card of one that lies between two pieces of the file."""
_BIRTHDAY = re.compile(rb"(?:[\w-]+\.)?BDAY[^:]{0,200}:(.{6,40})", re.IGNORECASE)


@dataclass(slots=True)
class Shown:
    """Dates with the same evidence: their number, and the positions of the first ones."""

    total: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, position: int) -> None:
        """Count a date of the row or card at `position`."""
        self.total += 1
        if len(self.first) < _SHOWN:
            self.first.append(position)


@dataclass(slots=True)
class DateEvidence:
    """Evidence of the order of dates in a file.

    Args:
        day, month: dates that certainly have the day or the month first.
        dotted: dates whose dots tell that the day is first.
        either: dates that can be read both ways.
    """

    day: Shown = field(default_factory=Shown)
    month: Shown = field(default_factory=Shown)
    dotted: Shown = field(default_factory=Shown)
    either: Shown = field(default_factory=Shown)

    def add(self, position: int, text: str) -> None:
        """Add a date of the row or card at `position`."""
        if text[4:5] != "-" and (shown := order_of(text)) is not None:
            kinds = {"day": self.day, "month": self.month, "dotted": self.dotted, "either": self.either}
            kinds[shown].add(position)

    def decide(self, usual: DateOrder, stated: DateOrder | None, asked: DateOrder | None) -> tuple[Reading, list[str]]:
        """Decide how to read dates that can be read both ways, and return the warnings about it.

        Args:
            usual: the first part in the language of the file.
            stated: the first part that a heading names.
            asked: the first part that the client names.
        """
        if asked is not None:
            against = self.month if asked == "day" else self.day
            told = (
                f"the date of {_name(against)} makes no sense with date_order={asked}, and was read the other way round"
            )
            return Reading(asked, asked), [told] if against.total else []
        day_first, order = self.day.total + self.dotted.total, stated or usual
        if day_first != self.month.total:
            order = "day" if day_first > self.month.total else "month"
        one_way = bool(day_first) != bool(self.month.total)
        is_clear = not self.either.total or one_way or (stated == order and not day_first)
        return Reading(order), [] if is_clear else [self._doubt(order)]

    def _doubt(self, order: DateOrder) -> str:
        why = "nothing in the file shows which"
        if self.month.total:
            day_first = self.day if self.day.total else self.dotted
            why = f"the day is first in {_name(day_first)}, the month in {_name(self.month)}"
        dates = "one date" if self.either.total == 1 else f"{self.either.total:,} dates"
        return (
            f"{dates} such as 3/4/1990 ({_name(self.either)}) may have the day or the month first, and {why}, so "
            f"the {order} was read first; if that is wrong, import the file again with "
            f"date_order={'month' if order == 'day' else 'day'}"
        )


def _name(shown: Shown) -> str:
    more = shown.total - len(shown.first)
    numbers = ", ".join(map(str, shown.first)) + (f" and {more:,} more" if more else "")
    return f"{'entries' if shown.total > 1 else 'entry'} {numbers}"


def decide_for_cards(lines: Lines, asked: DateOrder | None) -> tuple[Reading, list[str]]:
    """Decide as `DateEvidence.decide` does, for a vCard file."""
    if any(_SLASHED.search(chunk) for chunk in lines.chunks()):
        return _evidence_of_cards(lines).decide("month", None, asked)
    return (Reading(asked, asked) if asked else AS_USUAL), []


def _evidence_of_cards(lines: Lines) -> DateEvidence:
    evidence = DateEvidence()
    position = 0
    for line in lines:
        if _BEGIN.match(line):
            position += 1
        elif match := _BIRTHDAY.match(line):
            evidence.add(position, match[1].decode("utf-8", "replace").strip())
    return evidence
