"""Dates of birth as people and programs write them in files, with warnings about losses and guesses.

The API is stricter: `service.contacts.dates`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from service.contacts.dates import (
    FULL_DATE,
    LATEST_YEAR,
    NULL_DATES,
    YEARLESS,
    DateOrder,
    existing_date,
    parse_birthday,
)
from service.contacts.reading.months import folded, month_in

MAX_TEXT = 200
"""Most characters of a text that may be a date."""
_PLAIN = re.compile(r"[ -~]*")
_TIME = re.compile(
    r"(?:(?<=\d)T|[\s,])\s*\d{1,2}[:.]\d{2}.*|(?<=\d)T\d{4,6}.*|(?<=\d)(?:Z|[+-]\d{2}:\d{2})$", re.DOTALL
)
_TIMED = re.compile(
    r"[\d-]+(?:T|(?:T\d{2}(?::?\d{2}){0,2}|(?:T|\s+)\d{1,2}[:.]\d{2}(?:[:.]\d{2})?)(?:[.,]\d+)?\s*(?:[ap]\.?m\.?)?"
    r"(?:\s*(?:[A-Z]{1,5}|[+-]\d{2}(?::?\d{2})?)){0,3}(?:\s*\([^)]*\)|\[[^\]]*\])?)?[\s;,]*",
    re.IGNORECASE,
)
"""A date followed by nothing but a time and its zone."""
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)|(?<!\d)\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
_STAMP = re.compile(r"(\d{4}\d{2}\d{2})\d{4}(?:\d{2})?Z?")
_YEAR_FIRST = re.compile(r"(\d{4})\s?([-/.\s])\s?(\d{1,2})\s?\2\s?(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})\s?([-/.\s])\s?(\d{1,2})\s?\2\s?['’]?(\d{4}|\d{2})")
_NO_YEAR = re.compile(r"(\d{1,2})\s?([-/.])\s?(\d{1,2})\.?")
_EXCEL = re.compile(r"([1-5]\d{4})(?:[.,]\d+)?")
_NONE = re.compile(
    r"[\s\-–—_/.?*x0]*|n[./]?a\.?|#n/a|none|nil|null|\(null\)|unknown|not set|unset|undefined|empty|missing|keine?|"
    r"keine angabe|unbekannt|inconnue?|aucune?|desconocid[oa]|ningun[oa]|sconosciut[oa]|desconhecid[oa]|nenhum[a]?|"
    r"onbekend|geen|0?1/0?0/1900|1900-0?1-0?0",
    re.IGNORECASE,
)
_OUTLOOKS_NONE = re.compile(r"0{1,2}([./-])0{1,2}\1 ?00")
"""Exports write these in every row without a birthday; nothing is lost."""
_FILLERS = frozenset({"of", "the", "de", "del", "den", "di", "le", "el", "il", "op", "em", "am"})
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|ère|º|ª|°|\.)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Birthday:
    """Birthday in a file.

    Args:
        date: `YYYY-MM-DD`, `--MM-DD` where the year is unknown; None without a date.
        warning: about a loss or a guess, a sentence without its full stop.
        absent: whether a word or sign of the file says that the date is absent.
    """

    date: str | None = None
    warning: str | None = None
    absent: bool = False


NO_BIRTHDAY = Birthday()


@dataclass(frozen=True, slots=True)
class Reading:
    """Reading of dates that can be read both ways.

    Args:
        slashed: the first part of 3/4/1990; None if unknown: the month is then taken as the first, with a warning.
        dotted: the first part of 3.4.1990.
    """

    slashed: DateOrder | None = None
    dotted: DateOrder = "day"


AS_USUAL = Reading()


def read_birthday(text: str, reading: Reading = AS_USUAL, omitted_year: int | None = None) -> Birthday:
    """Read a birthday in any form that files have.

    Args:
        text: of the file.
        reading: how to read dates that can be read both ways.
        omitted_year: see `parse_birthday`.

    Returns:
        The birthday; without a date, and with a warning, if the text is not a date. Never fails.
    """
    shown = text.strip()[:60]
    text = text if len(text) <= MAX_TEXT else text.strip()[: MAX_TEXT + 1]
    read = _read(shown, text, reading, omitted_year)
    if read.date is None or read.warning is not None or not _has_more(text.strip()):
        return read
    return replace(read, warning=f"of the birthday “{shown}” only {read.date} was taken")


def _has_more(text: str) -> bool:
    """Tell whether anything but a time follows a date."""
    if FULL_DATE.fullmatch(text) or YEARLESS.fullmatch(text):
        return _TIMED.fullmatch(text) is None
    return len(_DATE.findall(text)) > 1


def _read(shown: str, text: str, reading: Reading, omitted_year: int | None) -> Birthday:
    try:
        if (FULL_DATE.fullmatch(text) or YEARLESS.fullmatch(text)) and not _NONE.fullmatch(text):
            return _strict(shown, text, omitted_year)
        text = _tidied(text)
        if _NONE.fullmatch(text):
            return _absent(shown if text else "")
        if found := _of_numbers(shown, text, reading, omitted_year) or _of_words(shown, text, omitted_year):
            return found
        return _strict(shown, text, omitted_year)
    except ValueError as error:
        return Birthday(warning=str(error))


def join_birthday(year: str, month: str, day: str) -> Birthday:
    """Read a birthday from the cells of its year, month and day; each may be empty, and the month a name.

    Args:
        year: its cell.
        month: its cell, a number or a name.
        day: its cell.
    """
    year, month, day = (_tidied(part[:MAX_TEXT])[:60] for part in (year, month, day))
    if all(_NONE.fullmatch(part) for part in (year, month, day)):
        return NO_BIRTHDAY
    number = month_in(month) or (int(month) if re.fullmatch(r"\d{1,2}", month) else None)
    ordinal = _ORDINAL.fullmatch(day)
    if number is None or ordinal is None:
        missing = "month" if number is None else "day"
        return Birthday(warning=f"the birthday of the year “{year}”, month “{month}”, day “{day}” has no {missing}")
    shown = f"{year}-{month}-{day}"
    try:
        if re.fullmatch(r"\d{4}|0{0,3}", year):
            return Birthday(_existing(shown, int(year or 0), number, int(ordinal[1])))
        born = _existing(shown, None, number, int(ordinal[1]))
    except ValueError as error:
        return Birthday(warning=str(error))
    if re.fullmatch(r"\d{2}", year):
        return _of_short_year(shown, number, int(ordinal[1]))
    return Birthday(born, None if _NONE.fullmatch(year) else f"the year of birth “{year}” is not a year such as 1990")


def order_of(text: str) -> DateOrder | Literal["dotted", "either"] | None:
    """Tell what a date shows of the order of dates in its file.

    Returns:
        The first part; `dotted` if only its dots tell that it is the day; `either` if nothing tells; None if the order
        makes no difference.
    """
    tidy = _tidied(text) if len(text) <= 40 else ""
    match = _YEAR_LAST.fullmatch(tidy) or _NO_YEAR.fullmatch(tidy)
    if match is None:
        return None
    first, second = int(match[1]), int(match[3])
    if first == 0 or second == 0 or max(first, second) > 31 or min(first, second) > 12:
        return None
    if first > 12 or second > 12:
        return "day" if first > 12 else "month"
    return None if first == second else "dotted" if match[2] == "." else "either"


def _tidied(text: str) -> str:
    """Remove invisible marks, a time and remains of programs; digits of any script become ASCII digits."""
    if not _PLAIN.fullmatch(text):
        text = "".join(
            str(unicodedata.decimal(char)) if char.isdecimal() else char
            for char in unicodedata.normalize("NFKC", text)
            if unicodedata.category(char) not in ("Cf", "Cc") or char in "\t\n"
        )
        text = re.sub(r"(\d)\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]", r"\1-\2-\3", text)
        text = text.translate(_DASHES)
    text = " ".join(text.split()).strip("\"' ;,=")
    return _TIME.sub("", text, count=1).strip(" ;,")


_DASHES = str.maketrans("‐‑‒–—−⁄", "------/")


def _strict(shown: str, text: str, omitted_year: int | None) -> Birthday:
    if re.fullmatch(r"0*[-/.]?0*[-/.]?0*(?:[T ].*)?", text):
        return _absent(shown)
    if match := FULL_DATE.fullmatch(text):
        year, month, day = match[1], match[2] or match[4], match[3] or match[5]
        born = _existing(shown, int(year), int(month), int(day), omitted_year)
    return Birthday(born if match else parse_birthday(text, omitted_year))


def _existing(shown: str, year: int | None, month: int, day: int, omitted: int | None = None) -> str:
    """Return a date as `existing_date` does, but refuse dates that programs write in place of a missing one."""
    if year is not None and year != omitted and (year > LATEST_YEAR or (year, month, day) in NULL_DATES):
        raise ValueError(f"the birthday “{shown}” is a placeholder that programs write for an unknown date")
    return existing_date(shown, year, month, day, omitted)


def _absent(shown: str) -> Birthday:
    if not shown or _OUTLOOKS_NONE.fullmatch(shown):
        return NO_BIRTHDAY
    return Birthday(warning=f"the birthday “{shown}” says that it is unknown", absent=True)


def _of_numbers(shown: str, text: str, reading: Reading, omitted_year: int | None) -> Birthday | None:
    if match := _STAMP.fullmatch(text):
        return _strict(shown, match[1], omitted_year)
    if match := _YEAR_FIRST.fullmatch(text):
        return Birthday(_existing(shown, int(match[1]), int(match[3]), int(match[4]), omitted_year))
    if match := _YEAR_LAST.fullmatch(text):
        return _of_two(shown, match, reading, match[4], omitted_year)
    if match := _NO_YEAR.fullmatch(text):
        return _of_two(shown, match, reading, None, omitted_year)
    if match := _EXCEL.fullmatch(text):
        day = date(1899, 12, 30) + timedelta(days=int(match[1]))
        return Birthday(day.isoformat(), f"the birthday “{shown}” was read as a spreadsheet's day number, {day}")
    return None


def _of_two(shown: str, match: re.Match[str], reading: Reading, year: str | None, omitted: int | None) -> Birthday:
    """Read a date of two numbers, perhaps followed by a year. A date with only one possible order is read so."""
    first, second = int(match[1]), int(match[3])
    if year is not None and len(year) == 2 and first > 31:
        return _of_short_year(shown, second, int(year))
    order = reading.dotted if match[2] == "." else reading.slashed
    if first > 12 or second > 12:
        order = "day" if first > 12 else "month"
    day, month = (first, second) if order == "day" else (second, first)
    if year is not None and len(year) == 2:
        return _of_short_year(shown, month, day)
    born = _existing(shown, int(year or 0), month, day, omitted)
    if order is not None or first == second:
        return Birthday(born)
    return Birthday(
        born,
        f"the birthday “{shown}” was read with the month first; if it is wrong, "
        "import it again with the day first (date_order=day)",
    )


def _of_short_year(shown: str, month: int, day: int) -> Birthday:
    """Read a date with a two-digit year, without its year: a wrong age is worse than none."""
    warning = f"the birthday “{shown}” has a two-digit year, so its year was left out"
    return Birthday(_existing(shown, None, month, day), warning)


def _of_words(shown: str, text: str, omitted_year: int | None) -> Birthday | None:
    """Read a date with a month's name: 4-Dec-1985, Dec 4, 1990, 4 de diciembre de 1990, Wed Dec 04 1985."""
    if len(text) > 60:
        return None
    text = re.sub(r"^[^\W\d]{2,15}\.?,? (?=.*[^\W\d])", lambda found: found[0] if month_in(found[0]) else "", text)
    parts = [
        part
        for part in re.split(
            r"[\s,/'’_-]+|(?<=[^\W\d])\.|(?<=\d)\.(?=\S)|(?<=\d)(?=[^\W\d]{3})|(?<=[^\W\d]{3})(?=\d)", text
        )
        if part
    ]
    months = [number for part in parts if (number := month_in(part))]
    numbers = [part for part in parts if not month_in(part) and folded(part) not in _FILLERS]
    years = [part for part in numbers if re.fullmatch(r"\d{4}", part)]
    days = [match[1] for part in numbers if (match := _ORDINAL.fullmatch(part))]
    if len(months) != 1 or len(years) + len(days) != len(numbers) or len(years) > 1 or not days or len(days) > 2:
        if len(months) == 1 and years and not days:
            raise ValueError(f"the birthday “{shown}” has no day")
        return None
    if len(days) == 2:
        return _of_short_year(shown, months[0], int(days[0])) if not years else None
    return Birthday(_existing(shown, int(years[0]) if years else None, months[0], int(days[0]), omitted_year))
