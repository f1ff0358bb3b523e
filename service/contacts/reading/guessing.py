"""Guessing of a file's encoding, among those of the web, by the names in it.

An address book is short and made of names, about which statistics of running text say little: the detector that is the
last resort here takes three French names for Polish, and Chinese ones for Korean. So the guess judges each candidate by
how likely its letters are in the names of one language (`alphabets.toml`), and by capitals within a word.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from math import log
from typing import Any

from charset_normalizer import from_bytes

from service.domain.web_encodings import CODECS

USUAL = "cp1252"
"""Default, when nothing speaks for another one."""
_RARE_LETTER, _RARE_CHARACTER, _MARK, _NO_LETTER, _UNREADABLE = (-log(odds) for odds in (4e-4, 2e-6, 1e-3, 3e-6, 1e-9))
_FOREIGN_WORD = -log(1e-3)
"""Cost of ASCII letters beside letters of another script."""
_BEYOND_ASCII = -log(0.1)
"""Cost of a non-ASCII letter where most are ASCII."""
_CAPITAL = -log(0.15)
_CAPITAL_WITHIN = -log(0.01)
_LATER_CODEC = -log(0.2)
_KANA, _USUAL_CHARACTER = -log(6e-3), -log(1e-4)
_FIRST_PARTS = {
    "gb18030": (b"\xb0\xa1", b"\xd7\xf9"),
    "big5hkscs": (b"\xa4\x40", b"\xc6\x7e"),
    "cp932": (b"\x88\x9f", b"\x98\x72"),
    "cp949": (b"\xb0\xa1", b"\xc8\xfe"),
}
"""Ranges of the usual characters: GB 2312's first level, Big5's, JIS X 0208's, KS X 1001's Hangul."""
_MARKS = frozenset("’‘“”„–—·•…€°«»¿¡´\u00a0、。・，：；（）")
_BESIDE_WORDS = _MARKS - frozenset("’´·")
"""Marks that never stand within a word."""
_PLAUSIBLE = 8.5
"""Cost of a byte above which the language of the names is unknown."""

_DOUBT = 3.0
"""Least additional cost of each word in one encoding that makes another one better."""


@dataclass(frozen=True, slots=True)
class _Language:
    """Language, by its names.

    Args:
        codecs: encodings of its files, the likeliest first.
        latin: whether most of its letters are ASCII.
        costs: of each of its characters.
        rarity: the cost of meeting its files at all.
        common: a codec whose first part has all its usual characters; `costs` has only the commonest.
    """

    codecs: tuple[str, ...]
    latin: bool
    costs: Mapping[str, float]
    rarity: float
    common: str | None = None


def better(words: Collection[bytes], codec: str) -> str | None:
    """Return another codec if the words make much likelier names in it than in `codec`."""
    costs: dict[str, float] = {}
    for cost, candidate in _candidates(words):
        costs[candidate] = min(cost, costs.get(candidate, cost))
    best = min(costs, key=costs.__getitem__)
    if codec not in costs or costs[codec] <= costs[best] + _DOUBT * (1 + len(words)):
        return None
    return best


def next_best(words: Collection[bytes], codec: str) -> str:
    """Return the likeliest codec that reads the words differently from `codec`; a usual one if no word tells."""
    read = [_decoded(word, codec) for word in words]
    for _, candidate in sorted(_candidates(words)):
        texts = [_decoded(word, candidate) for word in words]
        if texts != read and None not in texts:
            return candidate
    return "cp1250" if codec == USUAL else USUAL


def guess(words: Collection[bytes]) -> str:
    """Return the codec, one of the web's, in which the words make the likeliest names.

    Args:
        words: a bounded sample, each with non-ASCII bytes. They need not all be in one encoding.
    """
    if not words:
        return USUAL
    cost, codec = min(_candidates(words))
    if cost <= _PLAUSIBLE * sum(byte > 127 for word in words for byte in word):
        return codec
    found = from_bytes(b"\n".join(words), cp_isolation=list(CODECS)).best()
    return found.encoding if found is not None and found.encoding in CODECS else codec


def _candidates(words: Collection[bytes]) -> Iterator[tuple[float, str]]:
    decoded = {codec: [_decoded(word, codec) for word in words] for codec in _codecs()}
    for language in _languages():
        for rank, codec in enumerate(language.codecs):
            texts = zip(words, decoded[codec], strict=True)
            cost = sum(_UNREADABLE * len(word) if text is None else _cost(text, language) for word, text in texts)
            yield cost + language.rarity + rank * _LATER_CODEC, codec


def _decoded(word: bytes, codec: str) -> str | None:
    try:
        return word.decode(codec)
    except UnicodeDecodeError:
        return None


def _cost(text: str, language: _Language) -> float:
    """Return the negative logarithm of the word's likelihood in the language."""
    cost, before = 0.0, " "
    for char, after in zip(text, text[1:] + " ", strict=True):
        if char.isascii():
            if not language.latin and char.isalpha() and not before.isascii() and before.isalpha():
                cost += _FOREIGN_WORD
        else:
            cost += _character(char, language)
            if char in _BESIDE_WORDS and before.isalpha() and after.isalpha():
                cost += _NO_LETTER
            if not language.latin and before.isascii() and before.isalpha():
                cost += _FOREIGN_WORD
        if char.isupper() and before.islower() and not (char.isascii() and before.isascii()):
            cost += _CAPITAL_WITHIN
        before = char
    return cost


def _character(char: str, language: _Language) -> float:
    known = language.costs.get(char)
    if known is not None:
        return known
    if char in _MARKS:
        return _MARK
    if not char.isalpha():
        return _MARK if unicodedata.category(char) in ("Mn", "Mc") else _NO_LETTER
    if language.common is None:
        return _RARE_LETTER if language.latin == unicodedata.name(char, "").startswith("LATIN") else _NO_LETTER
    return _ideograph(char, language.common)


@lru_cache(maxsize=8192)
def _ideograph(char: str, codec: str) -> float:
    """Return the cost of a character outside of its language's list: standards have the usual ones in a first part."""
    if codec == "cp932" and unicodedata.name(char, "").startswith(("HIRAGANA", "KATAKANA")):
        return _KANA
    first, last = _FIRST_PARTS[codec]
    try:
        return _USUAL_CHARACTER if first <= char.encode(codec) <= last else _RARE_CHARACTER
    except UnicodeEncodeError:
        return _RARE_CHARACTER


@cache
def _codecs() -> tuple[str, ...]:
    return tuple(dict.fromkeys(codec for language in _languages() for codec in language.codecs))


@cache
def _languages() -> tuple[_Language, ...]:
    text = resources.files(__package__).joinpath("alphabets.toml").read_text("utf-8")
    return tuple(_language(table) for table in tomllib.loads(text).values())


def _language(table: Mapping[str, Any]) -> _Language:
    codecs, rarity = tuple(table["codecs"]), -log(table.get("odds", 1))
    if "characters" in table:
        characters = dict.fromkeys(table["characters"])
        return _Language(codecs, False, dict.fromkeys(characters, -log(0.6 / len(characters))), rarity, codecs[0])
    letters = table["letters"]
    weights = [1 / (rank + 1.5) for rank in range(len(letters))]
    latin = unicodedata.name(letters[0]).startswith("LATIN")
    costs: dict[str, float] = {}
    for letter, weight in zip(letters, weights, strict=True):
        cost = -log(weight / sum(weights)) + (_BEYOND_ASCII if latin else 0)
        costs.setdefault(letter, cost)
        if len(letter.upper()) == 1:
            costs.setdefault(letter.upper(), cost + _CAPITAL)
    return _Language(codecs, latin, costs, rarity)
