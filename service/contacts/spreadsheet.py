"""Reads contacts from CSV: a plain `name,birthday,email,url`, Google's headings, old and new, and Outlook's in English,
French and German."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice

from service.contacts.cleaning import (
    clean_email,
    clean_language,
    clean_phone,
    clean_text,
    clean_url,
    unique,
)
from service.contacts.dates import parse_birthday
from service.contacts.formulas import rearmed
from service.contacts.lines import decode
from service.contacts.people import ParsedCard, Skipped, TooMuch

DELIMITERS = ",;\t"

_HEADINGS = {
    "uid": "uid",
    "name": "name|full name|display name",
    "given": "given name|first name|given_name|first_name|prénom|vorname",
    "middle": "additional name|middle name|deuxième prénom|weitere vornamen|zweiter vorname",
    "family": "family name|last name|family_name|last_name|surname|nom|nom de famille|nachname",
    "birthday": "birthday|birth date|date of birth|bday|anniversaire|date de naissance|geburtstag|geburtsdatum",
    "email": r"e-?mails?|e-?mail \d+ - value|e-?mail(?: \d)? address"
    r"|adresse (?:de messagerie|e-?mail)(?: \d)?|e-?mail(?: \d:)?[- ]adresse",
    "phone": r"phones?|telephone|phone \d+ - value|(?:mobile|home|business|primary|other) phone(?: 2)?"
    r"|tél\.? mobile|téléphone(?: \d)?(?: \((?:domicile|bureau|autre)\)| principal)?(?: \d)?|téléphone mobile"
    r"|telefon (?:privat|geschäftlich)(?: 2)?|mobiltelefon|haupttelefon|weiteres telefon",
    "url": r"urls?|website|homepage|profile|web page|website \d+ - value|page web|webseite",
    "language": "language|lang|langue|sprache",
}
_DAY_FIRST = re.compile("anniversaire|date de naissance|geburtstag|geburtsdatum")
"""Headings of languages in which the day comes before the month."""
_NUMBERED_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[T ].*)?", re.DOTALL)
_NO_DATE = re.compile(r"0+([./-])0+\1 ?0+")
MAX_LINES = 1000
"""Physical lines of one row; one that is longer has a quote that nobody closed."""
MAX_EMPTY = 1_000_000
"""Rows that hold nothing, in a file; each costs as much reading as another."""
SAMPLE = 500
"""Rows that are looked at to find out whether dates such as 4/12/1990 have the month or the day first."""


def delimiter_of(heading_line: bytes) -> str | None:
    """The character that separates a heading line's known columns; None if it is no heading line."""
    for delimiter in DELIMITERS:
        columns = _columns(next(csv.reader([decode(heading_line)], delimiter=delimiter), []))
        if {"name", "given", "family", "email"} & set(columns):
            return delimiter
    return None


def read_lines(lines: Iterator[bytes], delimiter: str) -> Iterator[ParsedCard | Skipped]:
    """The people in a CSV file.

    Args:
        lines: the file's, the headings first.
        delimiter: see `delimiter_of`.

    Yields:
        A `ParsedCard` or a `Skipped` for each row that is not blank; positions count the rows after the headings.

    Raises:
        TooMuch: too many rows hold nothing.
    """
    rows = _Rows(lines, delimiter)
    headings = rows.headings()
    columns = _columns(headings)
    numbered = iter(rows)
    sample = list(islice(numbered, SAMPLE))
    born = [cell for _, row in sample if isinstance(row, list) for cell in _cells(columns, row, "birthday")]
    day_first = _is_day_first(headings, born)
    for position, row in chain(sample, numbered):
        yield Skipped(position, row) if isinstance(row, str) else _person(position, columns, row, day_first)


class _Rows:
    """A file's rows. A quote that is not closed costs the line on which it stands, not all that follow.

    Args:
        lines: the file's.
        delimiter: between two cells.
    """

    def __init__(self, lines: Iterator[bytes], delimiter: str) -> None:
        self._lines = (decode(line) + "\n" for line in lines)
        self._delimiter = delimiter
        self._again: deque[str] = deque()
        self._of_row: list[str] = []

    def headings(self) -> list[str]:
        """The first row."""
        return self._next(strict=False) or []

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        """The rows that are not blank, each with its position; in place of one that cannot be read, why."""
        position = empty = 0
        while (row := self._read()) is not None:
            if isinstance(row, str) or any(cell.strip() for cell in row):
                position += 1
                yield position, row
                continue
            empty += 1
            if empty > MAX_EMPTY:
                raise TooMuch(f"has more than {MAX_EMPTY:,} rows that hold nothing")

    def _read(self) -> list[str] | str | None:
        try:
            return self._next(strict=True)
        except csv.Error as error:
            # The module tells its errors apart by their words alone; lines are too short for a field that is not open.
            is_open = "unexpected end" in str(error) or "field limit" in str(error)
            self._again.extendleft(reversed(self._of_row[1:] if is_open else self._of_row))
        if is_open:
            return "a quote is opened on this line and not closed"
        try:
            return self._next(strict=False)  # quotes within a cell
        except csv.Error as error:
            return f"the row cannot be read: {error}"

    def _next(self, strict: bool) -> list[str] | None:
        self._of_row = []
        return next(csv.reader(self._feed(), delimiter=self._delimiter, strict=strict), None)

    def _feed(self) -> Iterator[str]:
        """Lines, one by one as the reader asks for them, for one row."""
        while len(self._of_row) < MAX_LINES:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                return
            self._of_row.append(line)
            yield line


def _is_day_first(headings: list[str], written: list[str]) -> bool:
    """Whether 4/12/1990 is December 4: as dates of the same file show that can be read in one way only, else as is
    usual in the language of the headings."""
    dates = [match for text in written if (match := _NUMBERED_DATE.fullmatch(text))]
    shows_day_first = any(int(date[1]) > 12 or date[2] == "." for date in dates)
    shows_month_first = any(int(date[3]) > 12 for date in dates)
    if shows_day_first != shows_month_first:
        return shows_day_first
    return any(_DAY_FIRST.fullmatch(_known(heading)) for heading in headings)


def _iso(text: str, day_first: bool) -> str:
    """A date of numbers in the order of ISO 8601; any other text as it is."""
    match = _NUMBERED_DATE.fullmatch(text)
    if match is None:
        return "" if _NO_DATE.fullmatch(text) else text
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    day_first = second <= 12 and (day_first or first > 12 or match[2] == ".")
    day, month = (first, second) if day_first else (second, first)
    return f"{year:04d}-{month:02d}-{day:02d}" if month <= 12 else text


def _columns(headings: list[str]) -> dict[str, list[int]]:
    """Which columns hold which field."""
    columns: dict[str, list[int]] = {}
    for index, heading in enumerate(headings):
        known = _known(heading)
        for name, pattern in _HEADINGS.items():
            if re.fullmatch(pattern, known):
                columns.setdefault(name, []).append(index)
    return columns


def _known(heading: str) -> str:
    return " ".join(heading.split()).casefold()


def _cells(columns: dict[str, list[int]], row: list[str], field: str) -> list[str]:
    found = (rearmed(row[index]) for index in columns.get(field, []) if index < len(row))
    return [part.strip() for cell in found for part in cell.split(" ::: ") if part.strip()]


def _person(position: int, columns: dict[str, list[int]], row: list[str], day_first: bool) -> ParsedCard | Skipped:
    def cells(field: str) -> list[str]:
        return _cells(columns, row, field)

    def first(field: str) -> str | None:
        return clean_text(next(iter(cells(field)), ""))

    given, family = first("given"), first("family")
    emails = unique(map(clean_email, cells("email")))
    composed = " ".join(part for part in (given, first("middle"), family) if part)
    name = first("name") or clean_text(composed) or next(iter(emails), None)
    if name is None:
        return Skipped(position, "the row has neither a name nor an e-mail address")
    try:
        birthday = parse_birthday(_iso(first("birthday") or "", day_first))
    except ValueError as error:
        return Skipped(position, str(error))
    return ParsedCard(
        position=position,
        name=name,
        uid=first("uid"),
        given_name=given,
        family_name=family,
        birthday=birthday,
        emails=emails,
        phones=unique(map(clean_phone, cells("phone"))),
        urls=unique(map(clean_url, cells("url"))),
        language=next(iter(unique(map(clean_language, cells("language")))), None),
        source="csv",
    )
