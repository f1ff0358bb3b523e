"""Searches: each word that was typed must be in a text, in any order and any case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.input.search import folded, is_found, words_of

TEXT = folded("Report, daily: Straße 12\nsends the numbers to Zoë Östlund")


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "  ",
        "daily report",
        "REPORT DAILY",
        "dai rep",
        "strasse",
        "12 numbers daily",
        ": ,",
        "zoe ostlund",
        "ZOË Östlund",
        "östlund",
    ],
)
def test_all_words_are_found_in_any_order(asked: str) -> None:
    """Parts of words, too."""
    assert is_found(asked, TEXT)


@pytest.mark.parametrize("asked", ["daily weekly", "dailyreport", "13", "report daily x"])
def test_one_word_that_is_missing_is_enough(asked: str) -> None:
    """Nothing is guessed."""
    assert not is_found(asked, TEXT)


@given(st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1), min_size=1), st.randoms())
def test_the_order_of_words_does_not_matter(words: list[str], random: object) -> None:
    """Any words, shuffled, find the text that they make."""
    text = folded(" ".join(words))
    random.shuffle(words)  # type: ignore[attr-defined]
    assert is_found(" ".join(words), text)


def test_words_are_cut_at_any_blank_and_named_once() -> None:
    """A tab or a narrow space parts them, too."""
    assert words_of(" a\tb\u2009A  a ") == ("a", "b")
