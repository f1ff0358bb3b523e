"""Which contacts a card is, by what is certain."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from service.contacts.matching.identity import Known, People, are_same, match, merged, with_traits
from service.domain.people.traits import Traits, identities_of


def known(
    contact_id: str, name: str = "Amelia Rivers", *emails: str, uid: str | None = None, day: str | None = None,
    living: bool = True,
) -> Known:  # fmt: skip
    """A contact, or what is left of a deleted one."""
    traits = Traits(name, (uid,) if uid else (), emails, day)
    identities = with_traits(Known(contact_id, traits), traits).identities
    return Known(contact_id, traits if living else Traits(""), identities, (), living)


class Book:
    """Some contacts."""

    def __init__(self, *contacts: Known) -> None:
        self._contacts = contacts

    def holders(self, identity: str) -> Sequence[Known]:
        return [contact for contact in self._contacts if identity in contact.identities]


A, B, X = "a@example.org", "b@example.org", "x@example.org"
NOBODY = (None, ())
TABLE = {
    "another name at the address": (Traits("Kim Rivers", (), (A,)), [known("1", "Amelia Rivers", A)], NOBODY),
    "twins": (
        Traits("Anna Rivers", (), (A,), "1990-04-12"), [known("1", "Amelia Rivers", A, day="1990-04-12")], NOBODY
    ),
    "the name at the address": (
        Traits("Rivers, Amelia", (), (A.upper(),)), [known("1", "Amelia Rivers", A)], ("1", ())
    ),
    "any of the addresses": (Traits("Amelia Rivers", (), (B, A)), [known("1", "Amelia Rivers", A)], ("1", ())),
    "addresses that show two to be one": (
        Traits("Amelia Rivers", (), (A, B)), [known("1", "Amelia Rivers", A), known("2", "Amelia Rivers", B)],
        ("2", ("1",)),
    ),
    "two with UIDs stay two": (
        Traits("Amelia Rivers", (), (A, B)),
        [known("1", "Amelia Rivers", A, uid="u"), known("2", "Amelia Rivers", B, uid="v")],
        ("1", ()),
    ),
    "an address that is added": (
        Traits("Amelia Rivers", (), (A,), "1990-04-12"), [known("1", day="--04-12")], ("1", ())
    ),
    "an address that is missing": (
        Traits("Amelia Rivers", (), (), "1990-04-12"), [known("1", "Amelia Rivers", A, day="--04-12")], ("1", ())
    ),
    "another address and the same day": (
        Traits("Amelia Rivers", (), (B,), "1990-04-12"), [known("1", "Amelia Rivers", A, day="1990-04-12")], NOBODY
    ),
    "without an address among two who have some": (
        Traits("Amelia Rivers", (), (), "1990-04-12"),
        [known("1", "Amelia Rivers", A, day="--04-12"), known("2", "Amelia Rivers", B, day="--04-12")],
        ("2", ()),
    ),
    "another day": (Traits("Amelia Rivers", (), (), "1990-04-13"), [known("1", day="1990-04-12")], NOBODY),
    "the UID, whatever the rest": (
        Traits("Kim Lake", ("urn:uuid:U",), (B,)), [known("1", "Amelia Rivers", A, uid="u")], ("1", ())
    ),
    "another UID at the same address": (
        Traits("Amelia Rivers", ("v",), (A,)), [known("1", "Amelia Rivers", A, uid="u")], NOBODY
    ),
    "a UID for whom had none": (Traits("Amelia Rivers", ("v",), (A,)), [known("1", "Amelia Rivers", A)], ("1", ())),
    "a UID that takes up whom else it is": (
        Traits("Amelia Rivers", ("u",), (A,)),
        [known("1", "Amelia Rivers", uid="u"), known("2", "Amelia Rivers", A)],
        ("1", ("2",)),
    ),
    "a UID whose contact has another address": (
        Traits("Amelia Rivers", ("u",), (), "1990-04-12"),
        [known("1", "Amelia Rivers", A, uid="u", day="--04-12"), known("2", "Amelia Rivers", B, day="--04-12")],
        ("1", ()),
    ),
    "a deleted one comes back": (
        Traits("Amelia Rivers", (), (A,)), [known("1", "Amelia Rivers", A, living=False)], ("1", ())
    ),
    "a deleted one with a UID is no other UID's": (
        Traits("Amelia Rivers", ("v",), (A,)), [known("1", "Amelia Rivers", A, uid="u", living=False)], NOBODY
    ),
    "a living one rather than a deleted one": (
        Traits("Amelia Rivers", (), (A,)),
        [known("1", "Amelia Rivers", A, living=False), known("2", "Amelia Rivers", A)],
        ("2", ()),
    ),
    "the name alone": (Traits("Amelia Rivers", (), (X,)), [known("1", "Amelia Rivers", A)], NOBODY),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_who_a_card_is(case: str) -> None:
    """The contact, and the others that it shows to be the same person."""
    card, contacts, (expected, same) = TABLE[case]
    for book in (Book(*contacts), Book(*reversed(contacts))):
        found = match(card, book)
        assert (found.contact.id if found.contact else None, tuple(one.id for one in found.same)) == (expected, same)


def test_a_uid_adopts_only_whom_no_uid_has() -> None:
    """So that a file can find out first whether another of its entries is that contact."""
    card = Traits("Amelia Rivers", ("v",), (A,))
    assert match(card, Book(known("1", "Amelia Rivers", A))).adopts
    assert not match(card, Book(known("1", "Amelia Rivers", A, uid="v"))).adopts
    assert not match(Traits("Amelia Rivers", (), (A,)), Book(known("1", "Amelia Rivers", A))).adopts


def test_addresses_that_one_had_keep_leading_to_them() -> None:
    """A corrected day does as well, but for those of whom nothing else is known."""
    old = known("1", "Amelia Rivers", A, day="1990-04-12")
    new = with_traits(old, Traits("Amelia Rivers", (), (B,), "1990-04-13"))
    assert set(old.identities) < set(new.identities)
    bare = with_traits(known("1", day="1990-04-12"), Traits("Amelia Rivers", (), (), "1990-04-13"))
    assert bare.identities == identities_of(Traits("Amelia Rivers", (), (), "--04-13"))


def test_who_was_merged_is_found_by_all_that_led_to_either() -> None:
    """And the ids of those before are kept."""
    one, other = known("1", "Amelia Rivers", A), Known("2", Traits("Amelia Lake"), ("mx", "i3"), ("3",))
    both = merged(one, other)
    assert both.former_ids == ("2", "3") and {"mx", "i2", "i3", *one.identities} <= set(both.identities)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (known("1", "Twin", A, uid="u", day="1990-04-12"), known("2", "Twin", A, uid="v", day="--04-12"), True),
        (known("1", "John", A, uid="u", day="1960-04-11"), known("2", "John", A, uid="v", day="1990-04-12"), False),
        (known("1", "John", A, uid="u", day="1960-04-11"), known("2", "John", A, uid="v"), True),
        (known("1", "John", A, day="1960-04-11"), known("2", "John", A, uid="v", day="1990-04-12"), True),
        (known("1", "John", A, day="1990-04-12"), known("2", "John", day="--04-12"), True),
        (known("1", "John", A, day="1990-04-12"), known("2", "John", B, day="--04-12"), False),
        (known("1", "John", uid="u", day="1990-04-12"), known("2", "John", uid="v", day="--04-12"), False),
        (known("1", "John"), known("2", "John", A), False),
        (known("1", "Amelia", A, day="--04-12"), known("2", "Anna", A, day="--04-12"), False),
    ],
)
def test_contacts_that_are_one_person(one: Known, other: Known, same: bool) -> None:
    """They get one letter, also if they stay two contacts; father and son with UIDs of their own get two."""
    shared = [identity for identity in one.identities if identity in other.identities]
    assert any(are_same(identity, one, other) for identity in shared) is same
    told = People()
    told.add(one)
    assert (other in told) is same and one in told
