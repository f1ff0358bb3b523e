"""Public holidays of countries, from the tables of the `holidays` package, offline.

The package is imported when a calendar first names a country, and with it only that country's table: it takes some
15 MiB that an installation without such calendars never pays.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from service.domain.input.refusals import echo, listed
from service.errors import ValidationFailed

LANGUAGE = "en_US"
"""Of the holidays' names, where the package has them in it: the same in every process, whatever its environment."""
_CODE = re.compile(r"[A-Z]{2}")
_NEW_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""In the package's names, such as `UnitedStates`."""


@lru_cache(maxsize=512)
def holidays_in(country: str, subdivision: str | None, year: int) -> Mapping[date, str]:
    """Return the public holidays of a year and their names.

    Args:
        country: ISO 3166-1 alpha-2.
        subdivision: of the country; None for the holidays of all of it.
        year: 1–9999; the package knows none before 1901 and after 2100 in most countries.
    """
    table = _table(country, subdivision, year)
    return {day: name for day, name in table.items() if day.year == year}


def checked_country(value: object) -> str | None:
    """Check a country, or null.

    Raises:
        ValidationFailed: its holidays are not known.
    """
    if value is None:
        return None
    if isinstance(value, str) and _CODE.fullmatch(value) and value in countries():
        return value
    raise ValidationFailed.of(
        "country", f'must be a two-letter code of a country whose holidays are known, such as "AT", not {echo(value)}'
    )


def checked_subdivision(country: str | None, value: object) -> str | None:
    """Check a subdivision of a country, or null.

    Raises:
        ValidationFailed: the country has no holidays of its own there.
    """
    if value is None:
        return None
    if country is None:
        raise ValidationFailed.of("subdivision", "needs a country")
    known = _subdivisions(country)
    if isinstance(value, str) and value in known:
        return value
    expected = f"must be {listed(map(echo, known))}" if known else f"must be left out: {country} has none"
    raise ValidationFailed.of("subdivision", f"{expected}, not {echo(value)}")


@lru_cache(maxsize=1)
def countries() -> Mapping[str, str]:
    """Return the codes of the countries whose holidays are known, and their names, in the order of these."""
    from holidays.registry import COUNTRIES

    named = sorted((_in_words(name), code) for name, *codes in COUNTRIES.values() for code in codes)
    return {code: name for name, code in named if _CODE.fullmatch(code)}


def _in_words(name: str) -> str:
    return _NEW_WORD.sub(" ", name).replace(" And ", " and ").replace(" Of ", " of ")


@lru_cache(maxsize=64)
def _subdivisions(country: str) -> tuple[str, ...]:
    return tuple(_table(country, None, 2026).subdivisions)


def _table(country: str, subdivision: str | None, year: int) -> Any:
    from holidays import country_holidays

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of years for which some countries have no table yet
        table = country_holidays(country, subdiv=subdivision, years=year, expand=False)
        if LANGUAGE not in table.supported_languages:
            return table
        return country_holidays(country, subdiv=subdivision, years=year, expand=False, language=LANGUAGE)
