"""Dates of birth: how the API and Redis write them, and which ones exist."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

DateOrder = Literal["day", "month"]
"""The first part of dates such as 3/4/1990."""
EARLIEST_YEAR = 1900
"""Address books write earlier years for an unknown year of birth: 0000, 0001, Apple's 1604, 1899."""

LATEST_YEAR = 2200
"""Programs write later years in place of a missing date, such as Outlook's 4501."""
NULL_DATES = frozenset({(1, 1, 1), (1601, 1, 1), (1753, 1, 1), (1899, 12, 30), (1899, 12, 31)})
"""The zeros of programs' calendars: .NET's, Windows', SQL Server's, and those of spreadsheets."""

FULL_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|(\d{2})(\d{2}))(?:[T ].*)?", re.DOTALL)
YEARLESS = re.compile(r"--(\d{2})-?(\d{2})(?:[T ].*)?", re.DOTALL)


def parse_birthday(text: str, omitted_year: int | None = None) -> str | None:
    """Read a birthday as vCard 2.1, 3.0 and 4.0, and the programs that write them, put it.

    Args:
        text: `1990-04-12`, `19900412`, `--04-12`, `--0412`, each with or without a time behind it; or nothing.
        omitted_year: a year that stands for "unknown" in this card (`X-APPLE-OMIT-YEAR`).

    Returns:
        `YYYY-MM-DD`, `--MM-DD` where the year is unknown, None for an empty text.

    Raises:
        ValueError: the text is not a date with a month and a day; the message says why.
    """
    text = text.strip()
    if not text:
        return None
    shown = text[:60]
    year: int | None = None
    if match := YEARLESS.fullmatch(text):
        month, day = int(match[1]), int(match[2])
    elif match := FULL_DATE.fullmatch(text):
        year, month, day = int(match[1]), int(match[2] or match[4]), int(match[3] or match[5])
    elif re.fullmatch(r"---\d{1,2}", text):
        raise ValueError(f"the birthday “{shown}” has a day, but no month")
    elif re.fullmatch(r"\d{4}(-\d{2})?|--\d{2}", text):
        raise ValueError(f"the birthday “{shown}” has no day")
    else:
        raise ValueError(f"the birthday “{shown}” is not a date such as 1990-04-12 or --04-12")
    return existing_date(shown, year, month, day, omitted_year)


def existing_date(shown: str, year: int | None, month: int, day: int, omitted_year: int | None = None) -> str:
    """Return a date in its stored form, see `parse_birthday`.

    Args:
        shown: the date as it was written, for the error.
        year: of the date; None where it is unknown.
        month: from 1 to 12.
        day: from 1 to 31.
        omitted_year: the year that stands for "unknown".

    Raises:
        ValueError: there is no such day.
    """
    unknown = year is None or year < EARLIEST_YEAR or year == omitted_year
    try:
        date(2000 if unknown or year is None else year, month, day)
    except ValueError:
        raise ValueError(f"the birthday “{shown}” does not exist in the calendar") from None
    return f"--{month:02d}-{day:02d}" if unknown else f"{year:04d}-{month:02d}-{day:02d}"
