"""What a merged contact becomes by the cards that it is made of."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.contacts.matching.parts import Part, as_text, from_text, part_of, united, with_card
from service.domain.people.contact import Contact
from service.domain.people.traits import Traits

JOHN = part_of(Contact("1", "John Doe", birthday="1990-04-12", emails=("j@x.org",), phones=("+1 1",)))
JON = part_of(Contact("2", "Jon Doe", given_name="Jon", emails=("jon@x.org", "j@x.org"), deceased=True))


def card(name: str, uid: str = "", **fields: Any) -> tuple[Traits, dict[str, Any]]:
    """By what a card is known, and what it carries."""
    traits = Traits(name, (uid,) if uid else (), fields.get("emails", ()), fields.get("birthday"))
    return traits, {"name": name, "source": "csv", **fields}


def test_the_first_keeps_its_own_and_takes_what_it_lacks() -> None:
    """Lists are united, the first's first; whoever is said to have died has."""
    assert united([JOHN, JON]) == {
        "name": "John Doe", "given_name": "Jon", "family_name": None, "birthday": "1990-04-12", "language": None,
        "emails": ("j@x.org", "jon@x.org"), "phones": ("+1 1",), "urls": (), "uids": (), "deceased": True,
    }  # fmt: skip


def test_cards_that_say_nothing_new_change_nothing_in_any_order() -> None:
    """Though each alone would write over what the other has."""
    cards = [
        card("John Doe", birthday="1990-04-12", emails=("j@x.org",), phones=("+1 1",)),
        card("Jon Doe", given_name="Jon", emails=("jon@x.org", "j@x.org"), deceased=True),
    ]
    for order in permutations(cards):
        parts: tuple[Part, ...] = (JOHN, JON)
        for traits, fields in order:
            parts, changes = with_card(parts, traits, fields)
            assert changes == {}
        assert parts == (JOHN, JON)


def test_a_corrected_card_corrects_the_contact() -> None:
    """The first's wins where both have something; what the second alone has follows the second."""
    parts, changes = with_card((JOHN, JON), *card("John Doe", birthday="1990-04-13", emails=("j@x.org",)))
    assert changes == {"birthday": "1990-04-13"}
    parts, changes = with_card(parts, *card("Jon Doe", given_name="Jonny", emails=("new@x.org", "jon@x.org")))
    assert changes == {"given_name": "Jonny", "emails": ("j@x.org", "new@x.org", "jon@x.org")}
    assert with_card(parts, *card("Jon Doe", given_name=None, emails=("new@x.org",)))[1] == {
        "given_name": None, "emails": ("j@x.org", "new@x.org"),
    }  # fmt: skip


def test_a_uid_says_which_part_a_card_is() -> None:
    """Its own, or the id of the contact that was merged; a card with another UID does not count."""
    first, second = part_of(Contact("1", "John Doe", uids=("a",))), part_of(Contact("2", "John Doe", uids=("b",)))
    parts, changes = with_card((first, second), *card("John Roe", uid="URN:UUID:B"))
    assert [part.fields["name"] for part in parts] == ["John Doe", "John Roe"] and changes == {}
    parts, changes = with_card((first, second), *card("John Roe", uid="2"))
    assert [part.fields["name"] for part in parts] == ["John Doe", "John Roe"] and changes == {}
    parts, changes = with_card((first, second), *card("John Doe", uid="c", phones=("+2 2",)))
    assert len(parts) == 3 and changes == {"uids": ("a", "b", "c"), "phones": ("+2 2",)}


TEXTS = st.none() | st.sampled_from(["a", "b", "Ä"])
LISTS = st.lists(st.sampled_from(["a@x", "b@x", "c@x"]), unique=True, max_size=2).map(tuple)
CONTACTS = st.builds(
    Contact, id=st.sampled_from("123"), name=st.sampled_from(["John Doe", "Jon Doe", "Doe, John"]), given_name=TEXTS,
    birthday=st.sampled_from([None, "--04-12", "1990-04-12"]), emails=LISTS, phones=LISTS, uids=LISTS,
    deceased=st.booleans(),
)  # fmt: skip


@given(st.lists(CONTACTS, min_size=2, max_size=4), CONTACTS)
def test_a_card_that_comes_twice_changes_nothing_the_second_time(contacts: list[Contact], other: Contact) -> None:
    """Whatever it says, and whichever part it is; and the parts are kept as they are."""
    parts = tuple(map(part_of, contacts))
    said = card(other.name, *other.uids[:1], birthday=other.birthday, emails=other.emails, phones=other.phones)
    once, changes = with_card(parts, *said)
    assert united(once) == united(parts) | changes
    assert with_card(once, *said) == (once, {})
    assert from_text(as_text(once)) == once
