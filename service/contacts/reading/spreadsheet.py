"""Contacts from CSV; `service.contacts.reading.headings` knows the headings of the programs that write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from service.contacts.cleaning import (
    MAX_NAME,
    MAX_VALUES,
    clean_language,
    clean_text,
    clean_url,
    emails_in,
    is_nothing,
    phones_in,
    unique,
)
from service.contacts.people import ParsedCard, Skipped
from service.contacts.reading.layout import Facts, Sheet, cells, first, values_at
from service.contacts.reading.written_dates import NO_BIRTHDAY, Birthday, Reading, join_birthday, read_birthday

MAX_ABSENT = 20
"""Most people with a warning that a sign such as N/A was read as no birthday; others are counted."""
_SHOWN = 100
_NO = frozenset({"no", "n", "false", "0", "nein", "non", "nee", "não", "falso", "alive", "living"})
_FoundIn = Callable[[str, list[str]], list[str]]
"""Finds the values in a cell, and adds invalid ones to a list."""


@dataclass(slots=True)
class SheetReader:
    """People in a spreadsheet.

    Args:
        sheet: with its rows.
        facts: that the rows show together.
        dates: how to read dates that can be read both ways.
        warnings: of the file as a whole; more are added at the end.
    """

    sheet: Sheet
    facts: Facts
    dates: Reading
    warnings: list[str]
    _absent: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[ParsedCard | Skipped]:
        """Yield a `ParsedCard` or a `Skipped` for each row that is not blank; positions count rows after the headings.

        Raises:
            TooMuch: too many rows are empty.
        """
        for position, row in self.sheet.rows():
            yield Skipped(position, row) if isinstance(row, str) else self._person(position, row)
        if (more := self._absent - MAX_ABSENT) > 0:
            self.warnings.append(f"{more:,} more birthdays say that they are unknown, such as N/A")

    def _person(self, position: int, row: list[str]) -> ParsedCard | Skipped:
        told: list[str] = []
        emails = self._values(row, "email", "e-mail address", emails_in, told)
        name, given, family = self._names(row, told)
        if name is None:
            name = next(iter(emails), None)
        if name is None:
            return Skipped(position, "the row has neither a name nor an e-mail address")
        birthday = self._birthday(row, told)
        if birthday.warning is not None and self._is_told(birthday):
            told.append(birthday.warning)
        width = len(self.sheet.columns.headings)
        if len(row) > width and any(cell.strip() for cell in row[width:]):
            told.append(f"the row has {len(row)} cells, but there are {width} headings; the extra cells were left out")
        return ParsedCard(
            position=position,
            name=name,
            uid=self._text(row, "uid", told),
            given_name=given,
            family_name=family,
            birthday=birthday.date,
            emails=emails,
            phones=self._values(row, "phone", "phone number", phones_in, told),
            urls=self._values(row, "url", "web address", _urls_in, told),
            language=next(iter(self._values(row, "language_tag", "language", _languages_in, told)), None),
            source="csv",
            deceased=_says_yes(first(self.sheet.columns, row, "deceased")) or None,
            warnings=tuple(dict.fromkeys(told)),
        )

    def _names(self, row: list[str], told: list[str]) -> tuple[str | None, str | None, str | None]:
        """Return the whole name, the given name, and the family name."""
        given = self._text(row, "given", told)
        family = _cut(" ".join(dict.fromkeys(cells(self.sheet.columns, row, "family"))), told)
        whole = self._text(row, "name", told)
        if self.facts.is_name_half and whole is not None:
            if "given" in self.sheet.columns.fields:
                family, whole = whole, None
            else:
                given, whole = whole, None
        composed = " ".join(part for part in (given, self._text(row, "middle", told), family) if part)
        name = whole or _cut(composed, told)
        if name is None:
            name = self._text(row, "other_name", told) or self._text(row, "organization", told)
        return name, given, family

    def _text(self, row: list[str], name: str, told: list[str]) -> str | None:
        return _cut(text, told) if (text := first(self.sheet.columns, row, name)) else None

    def _birthday(self, row: list[str], told: list[str]) -> Birthday:
        columns = self.sheet.columns
        year, month, day = (first(columns, row, f"birth_{part}") for part in ("year", "month", "day"))
        read = self._first_date(row, told)
        if read is None and len(day) > 2:
            read = read_birthday(day, self.dates)
        if (read is None or _is_nothing(read)) and "birth_month" in columns.fields:
            joined = join_birthday(year, month, day)
            return joined if joined != NO_BIRTHDAY else read or NO_BIRTHDAY
        if read is None:
            return NO_BIRTHDAY
        if year and read.date is not None and read.date.startswith("--"):
            return join_birthday(year, read.date[2:4], read.date[5:])
        return read

    def _first_date(self, row: list[str], told: list[str]) -> Birthday | None:
        """Return the first birthday in a row that is a date; else the first that says something; else None.

        Warnings report the others.
        """
        read: Birthday | None = None
        for index in self.sheet.columns.fields.get("birthday", ()):
            for other in (read_birthday(text, self.dates) for text in values_at(row, index)):
                if read is None or (read.date is None and (other.date is not None or _is_nothing(read))):
                    read, other = other, read or NO_BIRTHDAY
                if other.date is None and not _is_nothing(other) and other.warning != read.warning:
                    told.append(other.warning or "")
                elif other.date not in (None, read.date, f"--{(read.date or '')[-5:]}") and ":::" in row[index]:
                    told.append(f"the row has another birthday, {other.date}, which was left out")
        return read

    def _is_told(self, birthday: Birthday) -> bool:
        self._absent += birthday.absent
        return not birthday.absent or self._absent <= MAX_ABSENT

    def _values(self, row: list[str], name: str, what: str, found_in: _FoundIn, told: list[str]) -> tuple[str, ...]:
        """Return a field's values, each once; warnings report invalid and surplus ones."""
        found: list[str] = []
        dropped: list[str] = []
        for cell in cells(self.sheet.columns, row, name):
            if not is_nothing(cell):
                found += found_in(cell, dropped)
        if not found and not dropped:
            return ()
        told += [f"the {what} “{text[:_SHOWN]}” is invalid, and was left out" for text in dropped]
        if (count := len(set(found))) > MAX_VALUES:
            told.append(f"of {count} values for {what}, the first {MAX_VALUES} were taken")
        return unique(found)


def _is_nothing(birthday: Birthday) -> bool:
    return birthday.date is None and (birthday.absent or birthday.warning is None)


def _urls_in(cell: str, dropped: list[str]) -> list[str]:
    whole = clean_url(cell)
    parts = [whole] if whole else cell.replace(";", " ").replace(",", " ").split()
    found = [url for part in parts if (url := clean_url(part))]
    if len(found) < len(parts):
        dropped.append(cell)
    return found


def _languages_in(cell: str, dropped: list[str]) -> list[str]:
    tag = clean_language(cell)
    if tag is None:
        dropped.append(cell)
    return [tag] if tag else []


def _says_yes(cell: str) -> bool:
    return not is_nothing(cell) and cell.casefold() not in _NO


def _cut(text: str, told: list[str]) -> str | None:
    cleaned = clean_text(text)
    if len(text) > MAX_NAME and len(" ".join(text.split())) > MAX_NAME:
        told.append(f"“{text[:30]}…” has more than {MAX_NAME} characters, and was cut there")
    return cleaned
