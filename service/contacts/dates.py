"""The dates of birth of this product: how they are written, in the API and in Redis, and which there are."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

DateOrder = Literal["day", "month"]
"""What stands first in dates such as 3/4/1990."""
EARLIEST_YEAR = 1900
"""Years before it are what address books write where the year of birth is not known: 0000, 0001, Apple's 1604, 1899."""

LATEST_YEAR = 2200
"""Years beyond it are what programs write where there is no date, such as Outlook's 4501."""
NULL_DATES = frozenset({(1, 1, 1), (1601, 1, 1), (1753, 1, 1), (1899, 12, 30), (1899, 12, 31)})
"""The zeros of programs' calendars: .NET's, Windows', SQL Server's, and those of spreadsheets."""

FULL_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|(\d{2})(\d{2}))(?:[T ].*)?", re.DOTALL)
YEARLESS = re.compile(r"--(\d{2})-?(\d{2})(?:[T ].*)?", re.DOTALL)


def parse_birthday(text: str, omitted_year: int | None = None) -> str | None:
    """A birthday as vCard 2.1, 3.0 and 4.0 and the programs that write them put it.

    Args:
        text: `1990-04-12`, `19900412`, `--04-12`, `--0412`, each with or without a time behind it; or nothing.
        omitted_year: a year that stands for "unknown" in this card (`X-APPLE-OMIT-YEAR`).

    Returns:
        `YYYY-MM-DD`, `--MM-DD` where the year is unknown, None for an empty text.

    Raises:
        ValueError: it is not a date with a month and a day; says why.
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
    """A date as it is kept, see `parse_birthday`.

    Args:
        shown: how it was written, for the error.

    Raises:
        ValueError: there is no such day.
    """
    unknown = year is None or year < EARLIEST_YEAR or year == omitted_year
    try:
        date(2000 if unknown or year is None else year, month, day)
    except ValueError:
        raise ValueError(f"the birthday “{shown}” does not exist in the calendar") from None
    return f"--{month:02d}-{day:02d}" if unknown else f"{year:04d}-{month:02d}-{day:02d}"
