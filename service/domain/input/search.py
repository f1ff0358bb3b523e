"""Searches: every list that has a search finds a text by the same rule.

A text is found if each word that was typed is in it, in any order and any case, with or without its accents. Words may
be parts of words: `dai rep` finds "Report, daily", and `ostlund` finds "Östlund".
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=64)
def words_of(asked: str) -> tuple[str, ...]:
    """Return the words that somebody searches for, in the form in which texts are searched.

    The last searches are remembered, since a list asks for each of its rows.

    Args:
        asked: what they typed, with or without blanks around it.
    """
    return tuple(dict.fromkeys(folded(asked).split()))


def folded(text: str) -> str:
    """Return a text in the form in which it is searched: without case and accents."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def is_found(asked: str, text: str) -> bool:
    """Return whether a text has every word of a search. An empty search finds every text.

    Args:
        asked: what somebody typed.
        text: what is searched, folded.
    """
    return all(word in text for word in words_of(asked))
