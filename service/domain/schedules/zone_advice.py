"""Advice on IANA names for other names of time zones: a place, an offset, an abbreviation, Windows' name."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources

from service.domain.input.refusals import echo, listed

LENGTH_LIMIT = 100
"""The longest name for which there is advice, in characters."""
_PLACES = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
_DIRECTIONS = ("North", "South", "West")
_OFFSET = re.compile(
    r"(?P<etc>Etc/)?(?:UTC|GMT|UT|Z)?\s*(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?", re.IGNORECASE
)
_ZERO = re.compile(r"(?:UTC|GMT|UT|Z)?\s*[+-]?0{1,2}(?::?00)?|Z", re.IGNORECASE)
_POSIX = re.compile(r"([A-Za-z]{3,5})[+-]?\d[\d:]*([A-Za-z]{3,5})(?:[+-]?\d[\d:]*)?(?:,.*)?")
_OUTLOOK = re.compile(r"\((?:UTC|GMT)[^)]*\)\s*(?P<names>.+)")
_MINUS = str.maketrans({"−": "-", "–": "-", "±": "+"})


def zone_advice(text: str, names: list[str]) -> str:
    """Write the rest of a refusal's sentence.

    Args:
        text: the given name of a time zone.
        names: the database's, those of today before those that are kept for the past.

    Returns:
        `; did you mean "Europe/Berlin"?`, or nothing where the meaning cannot be guessed.
    """
    if len(text) > LENGTH_LIMIT:
        return ""
    meant = _meant(" ".join(text.split()), names)
    turned = bool(meant) and meant[0].startswith("Etc/GMT") and "etc" not in text.lower()
    remark = " (there the sign is the other way round)" if turned else ""
    return f"; did you mean {listed(map(echo, meant))}{remark}?" if meant else ""


def _meant(text: str, names: list[str]) -> list[str]:
    """List the names that may be meant, the likeliest first."""
    if offset := _of_offset(text.translate(_MINUS)):
        return offset
    spellings, places = _index(tuple(names))
    for name in _readings(text):
        if found := _named(name, spellings, places):
            return found
    if outlook := _OUTLOOK.fullmatch(text):
        cities = (_named(city, spellings, places) for city in outlook["names"].split(","))
        return _named(outlook["names"], spellings, places) or _first(cities)
    return _near(text, spellings, places)


def _readings(text: str) -> Iterator[str]:
    """List what may be the name in a text: all of it, its standard time, abbreviations of a TZ variable, a city."""
    yield text
    yield re.sub(r"(?i)\b(?:daylight|summer) time\b", "Standard Time", text)
    if posix := _POSIX.fullmatch(text):
        yield from (posix[2], posix[1])
    yield text.partition(",")[0]


def _first(found: Iterable[list[str]]) -> list[str]:
    """Return the first three, each once."""
    return list(dict.fromkeys(names[0] for names in found if names))[:3]


def _of_offset(text: str) -> list[str]:
    """List the zones of a fixed offset: for whole hours the database has them, with the opposite sign."""
    if _ZERO.fullmatch(text):
        return ["UTC"]
    found = _OFFSET.fullmatch(text)
    if found is None:
        return []
    sign, hours, minutes = found["sign"], int(found["hours"]), int(found["minutes"] or 0)
    if minutes:
        return aliases().get(f"{sign}{hours:02d}:{minutes:02d}", [])
    if not found["etc"]:
        sign = "-" if sign == "+" else "+"
    return [f"Etc/GMT{sign}{hours}"] if hours and hours <= (12 if sign == "+" else 14) else []


def _named(text: str, spellings: dict[str, str], places: dict[str, str]) -> list[str]:
    """Find names by an alias, by their last part, or by the whole name in another spelling."""
    key, last = _key(text), _key(text.rpartition("/")[2])
    if key in aliases():
        return aliases()[key]
    for known, name in ((places, key), (spellings, key), (places, last)):
        if name in known:
            return [known[name]]
    return aliases().get(last, [])


def _near(text: str, spellings: dict[str, str], places: dict[str, str]) -> list[str]:
    """Find names that differ by a typo behind the first letter, if the text is long enough."""
    key = _key(text)
    if len(key) < 5:
        return []
    known = {other: [name] for other, name in (places | spellings).items()} | aliases()
    alike = [other for other in known if other[0] == key[0]]
    close = difflib.get_close_matches(key, alike, n=1, cutoff=0.8)
    return known[close[0]] if close else []


@lru_cache(maxsize=1)
def aliases() -> dict[str, list[str]]:
    """Read other names, in the spelling of the index, with the zones that they may mean."""
    found = {}
    text = resources.files(__package__).joinpath("data", "zone_aliases.txt").read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            alias, _, names = line.partition(" = ")
            found[alias if alias[0] in "+-" else _key(alias)] = names.split()
    return found


@lru_cache(maxsize=1)
def _index(names: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """Index the names by their spelling without case, blanks and punctuation: whole, and the last parts of places."""
    spellings: dict[str, str] = {}
    places: dict[str, str] = {}
    for name in names:
        area, _, place = name.rpartition("/")
        if not re.search(r"[+-]\d", name):
            spellings.setdefault(_key(name), name)
        if area.split("/")[0] in _PLACES and place not in _DIRECTIONS:
            places.setdefault(_key(place), name)
    return spellings, places


def _key(text: str) -> str:
    """Reduce a name to letters and digits, without case and accents; `St.` and `Saint` are one."""
    plain = "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text.casefold())))
    return re.sub(r"^saint(?=.)", "st", plain)
