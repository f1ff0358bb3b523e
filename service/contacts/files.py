"""An address book's file of whatever kind, told by its content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from service.contacts import spreadsheet, vcard
from service.contacts.lines import Readable, byte_lines
from service.contacts.people import ParsedCard, Skipped, TooMuch
from service.errors import ValidationFailed

MAX_PEOPLE = 1_000_000
"""Rows or cards of a file."""
MAX_SKIPPED = 100_000
"""Rows or cards of a file that cannot be taken."""
_BEGIN_VCARD = re.compile(rb"\s*BEGIN\s*:\s*VCARD\s*", re.IGNORECASE)


def read_people(stream: Readable) -> Iterator[ParsedCard | Skipped]:
    """The people in a vCard or CSV file, one at a time, in bounded memory.

    Raises:
        ValidationFailed: the file is empty, or neither vCard nor CSV with known headings.
        TooMuch: it has too many people, or too many that cannot be taken; those before were yielded.
    """
    lines = byte_lines(stream)
    head = next((line for line in lines if line.strip()), None)
    if head is None:
        raise ValidationFailed.of("", "The file is empty; send a vCard or CSV file with contacts.")
    whole = chain([head], lines)
    if _BEGIN_VCARD.fullmatch(head):
        return _bounded(vcard.read_lines(whole))
    if delimiter := spreadsheet.delimiter_of(head):
        return _bounded(spreadsheet.read_lines(whole, delimiter))
    raise ValidationFailed.of(
        "",
        "The file is neither vCard (its first line is BEGIN:VCARD) "
        "nor CSV with headings such as name,birthday,email,url.",
    )


def _bounded(people: Iterator[ParsedCard | Skipped]) -> Iterator[ParsedCard | Skipped]:
    skipped = 0
    for count, one in enumerate(people):
        skipped += isinstance(one, Skipped)
        if count >= MAX_PEOPLE:
            raise TooMuch(f"has more than {MAX_PEOPLE:,} rows or cards")
        if skipped > MAX_SKIPPED:
            raise TooMuch(f"has more than {MAX_SKIPPED:,} rows or cards that cannot be taken")
        yield one
