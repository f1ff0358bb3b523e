"""Names that are one person's, however they are written, and names that are not."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain.people.names import name_key


@pytest.mark.parametrize(
    "same",
    [
        ("John Doe", "Doe John", "Doe, John", "John  DOE", "Dr. John Doe", "Doe, Dr. John", "john doe, Ph.D."),
        ("Prof. Dr. Anna Groß", "GROSS Anna", "Anna Groß"),
        ("Señora María del Mar", "María del Mar", "del Mar, Sra. María"),
        ("Sr. Juan García López", "García López, Juan"),
        ("Frau Mag. Eva Huber", "Eva Huber", "Huber Eva"),
        ("Sean O’Neil", "O'Neil, Sean"),
        ("Jose\u0301 Marti\u0301", "José Martí"),
        ("Ａｍｅｌｉａ Rivers", "Amelia Rivers", "\u200eAmelia Rivers\u200f"),
        ("J. R. Ewing", "J.R. Ewing", "Ewing, J.R."),
        ("Anne\u2011Marie Rivers", "Anne-Marie Rivers"),
    ],
)
def test_one_name_in_many_ways(same: tuple[str, ...]) -> None:
    """The order of the words, case, titles, commas and what cannot be seen say nothing."""
    assert len({name_key(name) for name in same}) == 1


@pytest.mark.parametrize(
    "different",
    [
        ("John Doe", "Jane Doe", "John Doe Jr.", "Doe, John, Sr."),
        ("John Doe II", "John Doe III", "John Doe"),
        ("Mr. Rivers", "Mrs. Rivers", "Dr. Rivers", "Rivers"),
        ("Herr Groß", "Frau Groß"),
        ("Sr. García", "Sra. García"),
        ("Ing Wen Tsai", "Wen Tsai"),
        ("Fr Rivers Kim", "Rivers Kim"),
        ("José", "Jose"),
        ("!!!", "???"),
    ],
)
def test_other_names_are_others(different: tuple[str, ...]) -> None:
    """Also those that a title alone tells apart, and titles that are names where no dot follows."""
    assert len({name_key(name) for name in different}) == len(different)


@given(st.lists(st.sampled_from(["john", "DOE", "María", "Dr.", "van", "Prof", "O'Neil"]), min_size=1), st.randoms())
def test_the_order_of_the_words_does_not_matter(words: list[str], chance: random.Random) -> None:
    """Whatever they are."""
    other = list(words)
    chance.shuffle(other)
    assert name_key(" ".join(words)) == name_key(" ".join(other))


@given(st.text(min_size=1, max_size=50).filter(str.strip))
@example(name="\xad")
def test_every_name_has_a_key(name: str) -> None:
    """The same one with blanks around it, whatever is written in it, also where nothing of it can be seen."""
    assert name_key(f"  {name}  ") == name_key(name) != ""
