"""Files of address books, of a kind that the content shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from service.contacts.dates import DateOrder
from service.contacts.people import ParsedCard, Skipped, TooMuch
from service.contacts.reading import vcard
from service.contacts.reading.charsets import FileText, survey
from service.contacts.reading.date_orders import decide_for_cards
from service.contacts.reading.layout import examine, find_sheet, ignored_columns
from service.contacts.reading.lines import Lines, Readable
from service.contacts.reading.spreadsheet import SheetReader
from service.domain.web_encodings import codec_of
from service.errors import ValidationFailed

MAX_PEOPLE = 1_000_000
"""Most rows or cards of a file."""
MAX_SKIPPED = 100_000
"""Most rows or cards of a file that cannot be imported."""
_TAKEN = "a vCard or CSV file is needed"
_WORKBOOKS = (b"[Content_Types].xml", b"xl/", b"opendocument.spreadsheet")
"""One of these stands near the beginning of an .xlsx or .ods file, which is a ZIP archive."""
_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BEGIN_VCARD = re.compile(rb"\s*BEGIN\s*:\s*VCARD\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of the client that sends a file.

    Args:
        date_order: the first part of dates such as 3/4/1990; None to detect it from the file.
        charset: the file's encoding, by a name that the web knows; None to detect it from the file.
    """

    date_order: DateOrder | None = None
    charset: str | None = None


AS_FOUND = ReadOptions()


@dataclass(slots=True)
class AddressBookFile:
    """People of a file, one at a time, and findings about the file.

    Args:
        people: see `__iter__`.
        ignored_columns: headings that were not understood, known from the beginning.
        warnings: about the file as a whole, a sentence each; complete once everybody was read.
    """

    people: Iterator[ParsedCard | Skipped]
    ignored_columns: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[ParsedCard | Skipped]:
        return _bounded(self.people)


def read_people(stream: Readable, options: ReadOptions = AS_FOUND) -> AddressBookFile:
    """Read the people in a vCard or CSV file, one at a time, in bounded memory.

    A first pass over the file finds its encoding and the order of its dates. Iterating raises `TooMuch` at the limit if
    the file has too many people, or too many that cannot be imported.

    Args:
        stream: read more than once if it can seek, else copied first.
        options: those of the client.

    Raises:
        ValidationFailed: the file is empty, or neither vCard nor CSV with known headings, or not in the encoding that
            `options` name.
    """
    lines = Lines(stream, codec_of(options.charset))
    if (refusal := _other_kind(lines.beginning())) is not None:
        raise ValidationFailed.of("", refusal)
    head = next((line for line in lines if line.strip()), None)
    if head is None:
        raise ValidationFailed.of("", "The file is empty; send a vCard or CSV file with contacts.")
    if _BEGIN_VCARD.fullmatch(head):
        text = survey(lines, is_vcard=True, charset=options.charset)
        dates, warnings = decide_for_cards(lines, options.date_order)
        return AddressBookFile(vcard.read_lines(text.naming(lines), dates), warnings=[*text.warnings, *warnings])
    return _spreadsheet(lines, survey(lines, is_vcard=False, charset=options.charset), options)


def _other_kind(data: bytes) -> str | None:
    """Return a sentence that refuses a known kind of file."""
    if data.startswith(_OLD_OFFICE) or (data.startswith(_ZIP) and any(sign in data for sign in _WORKBOOKS)):
        return f"The file is a workbook of a spreadsheet program, but {_TAKEN}; save it as CSV there, and send that."
    if data.startswith(_ZIP):
        return f"The file is a ZIP archive, but {_TAKEN}; unpack it, and send each file in it."
    return None


def _spreadsheet(lines: Lines, text: FileText, options: ReadOptions) -> AddressBookFile:
    sheet = find_sheet(lines, text)
    if sheet is None:
        raise ValidationFailed.of(
            "",
            "The file is neither vCard (its first line is BEGIN:VCARD) "
            "nor CSV with headings such as name,birthday,email,url.",
        )
    facts = examine(sheet, MAX_PEOPLE)
    dates, warnings = facts.dates.decide(sheet.columns.usual_order, sheet.columns.order, options.date_order)
    warnings = [*text.warnings, *warnings]
    people = SheetReader(sheet, facts, dates, warnings)
    return AddressBookFile(iter(people), ignored_columns(sheet.columns, facts), warnings)


def _bounded(people: Iterator[ParsedCard | Skipped]) -> Iterator[ParsedCard | Skipped]:
    skipped = 0
    for count, one in enumerate(people):
        skipped += isinstance(one, Skipped)
        if count >= MAX_PEOPLE:
            raise TooMuch(f"has more than {MAX_PEOPLE:,} entries")
        if skipped > MAX_SKIPPED:
            raise TooMuch(f"has more than {MAX_SKIPPED:,} entries that cannot be imported")
        yield one
