"""Reads contacts from CSV: a plain `name,birthday,email,url`, Google's headings (old and new) and Outlook's English."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from service.contacts.lines import decode
from service.contacts.people import (
    ParsedCard,
    Skipped,
    clean_email,
    clean_language,
    clean_phone,
    clean_text,
    clean_url,
    parse_birthday,
    unique,
)

DELIMITERS = ",;\t"

_HEADINGS = {
    "uid": "uid|id",
    "name": "name|full name|display name",
    "given": "given name|first name|given_name|first_name",
    "middle": "additional name|middle name",
    "family": "family name|last name|family_name|last_name|surname",
    "birthday": "birthday|birth date|date of birth|bday",
    "email": r"e-?mails?|e-?mail \d+ - value|e-?mail(?: \d)? address",
    "phone": r"phones?|telephone|phone \d+ - value|(?:mobile|home|business|primary|other) phone(?: 2)?",
    "url": r"urls?|website|homepage|profile|web page|website \d+ - value",
    "language": "language|lang",
}
_NO_DATE = frozenset({"0/0/00", "0.0.00", "0/0/0000", "00/00/0000"})


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
    """
    rows = csv.reader((decode(line) + "\n" for line in lines), delimiter=delimiter)
    columns = _columns(next(rows, []))
    position = 0
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            position += 1
            yield Skipped(position, f"the row cannot be read: {error}")
            continue
        if row is None:
            return
        if any(cell.strip() for cell in row):
            position += 1
            yield _person(position, columns, row)


def _columns(headings: list[str]) -> dict[str, list[int]]:
    """Which columns hold which field."""
    columns: dict[str, list[int]] = {}
    for index, heading in enumerate(headings):
        known = " ".join(heading.split()).casefold()
        for name, pattern in _HEADINGS.items():
            if re.fullmatch(pattern, known):
                columns.setdefault(name, []).append(index)
    return columns


def _person(position: int, columns: dict[str, list[int]], row: list[str]) -> ParsedCard | Skipped:
    def cells(field: str) -> list[str]:
        found = (row[index] for index in columns.get(field, []) if index < len(row))
        return [part.strip() for cell in found for part in cell.split(" ::: ") if part.strip()]

    def first(field: str) -> str | None:
        return clean_text(next(iter(cells(field)), ""))

    given, family = first("given"), first("family")
    emails = unique(map(clean_email, cells("email")))
    composed = " ".join(part for part in (given, first("middle"), family) if part)
    name = first("name") or clean_text(composed) or next(iter(emails), None)
    if name is None:
        return Skipped(position, "the row has neither a name nor an e-mail address")
    born = first("birthday") or ""
    try:
        birthday = parse_birthday("" if born in _NO_DATE else born)
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
