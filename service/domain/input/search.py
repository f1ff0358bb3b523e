"""Searches: every list that has a search finds a text by the same rule.

A text is found if each word that was typed is in it, in any order and any case. Words may be parts of words: `dai rep`
finds "Report, daily".
"""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=64)
def words_of(asked: str) -> tuple[str, ...]:
    """Return the words that somebody searches for, in the form in which texts are searched.

    The last searches are remembered, since a list asks for each of its rows.

    Args:
        asked: what they typed, with or without blanks around it.
    """
    return tuple(dict.fromkeys(asked.casefold().split()))


def is_found(asked: str, text: str) -> bool:
    """Return whether a text has every word of a search. An empty search finds every text.

    Args:
        asked: what somebody typed.
        text: what is searched, casefolded.
    """
    return all(word in text for word in words_of(asked))
