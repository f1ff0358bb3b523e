"""Names, compared as people do: the order of words, case, titles and commas do not matter."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from service.domain.input.search import folded

TITLES = frozenset(
    {
        *("dr", "drs", "dra", "prof", "profa", "professor", "mr", "mrs", "ms", "miss", "mx", "rev", "reverend"),
        *("phd", "mba", "esq", "dhr", "mevr", "mevrouw", "mw", "mudr", "judr", "phdr", "rndr"),
        *("herr", "frau", "fräulein", "dipl", "monsieur", "madame", "mademoiselle", "mme", "mlle"),
        *("señor", "señora", "señorita", "srta", "doña", "dña", "signor", "signora", "dott", "dottssa"),
        *("dottore", "dottoressa", "avv"),
    }
)
"""Words that are dropped everywhere. `Jr.`, `Sr.`, `II` and the like stay: they tell a father from his son."""
DOTTED_TITLES = frozenset({"ing", "mag", "fr", "hr", "hon", "sig", "dn", "ir", "mgr", "bc", "arch", "geom", "rag"})
"""Words that can also be names: dropped where a dot follows."""
FRONT_TITLES = frozenset({"sr", "sra"})
"""Spanish titles in front of a name; behind a name `Sr.` means the father."""

_DOCTOR_OF_PHILOSOPHY = re.compile(r"\bph\.\s?d\b\.?")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_ALIKE = str.maketrans({**dict.fromkeys("’‘ʼ`´", "'"), **dict.fromkeys("‐‑‒–—―−", "-")})
_WORD = re.compile(r"[^\s.,;:()\[\]\"“”„«»·]+\.?")


@lru_cache(400)
def name_key(name: str) -> str:
    """Return a key that is the same for every spelling of one name, and different for other names.

    >>> name_key("Doe, Dr. John") == name_key("JOHN  Doe")
    True
    """
    text = _DOCTOR_OF_PHILOSOPHY.sub("phd", _folded(name))
    parts = [_WORD.findall(part) for part in text.split(",")]
    words = [word for part in parts for word in part]
    plain = [word for part in parts for word in _without_titles(part)]
    # Of “Mr. Rivers” and “Mrs. Rivers” the titles are all that tells them apart.
    key = " ".join(sorted(word.rstrip(".") for word in (plain if len(plain) > 1 else words)))
    return key or text.strip() or name.strip()


def collated(name: str) -> str:
    """Return the key by which a name is sorted: É stands among the E, as in an address book.

    >>> sorted(["Zoe", "Émile", "Fritz"], key=collated)
    ['Émile', 'Fritz', 'Zoe']
    """
    return folded(name)


def _folded(name: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return text if text.isascii() else _INVISIBLE.sub("", text).translate(_ALIKE)


def _without_titles(part: list[str]) -> list[str]:
    rest = part[1:] if len(part) > 1 and part[0].rstrip(".") in FRONT_TITLES else part
    return [word for word in rest if not _is_title(word)]


def _is_title(word: str) -> bool:
    return word.rstrip(".") in TITLES or (word.endswith(".") and word[:-1] in DOTTED_TITLES)
