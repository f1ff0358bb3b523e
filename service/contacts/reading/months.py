"""Names of months, in many languages."""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from importlib import resources


def month_in(word: str) -> int | None:
    """Return the number of the month that a word names; None if it names none."""
    return _months().get(folded(word))


def folded(word: str) -> str:
    """Return a word without case, accents, and dots and commas around it."""
    if not word.isascii():
        word = "".join(char for char in unicodedata.normalize("NFKD", word) if unicodedata.category(char) != "Mn")
    return word.strip(" .,").casefold()


@cache
def _months() -> dict[str, int]:
    table = tomllib.loads(resources.files(__package__).joinpath("months.toml").read_text("utf-8"))
    return {
        folded(name): number
        for months in table.values()
        for number, names in enumerate(months, start=1)
        for name in names
    }
