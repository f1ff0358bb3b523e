"""Whose contact a card of a synced address book is."""

from __future__ import annotations

import io
from typing import Any

import pytest
from redis import Redis

from service.contacts.intake.card_changes import Received
from service.contacts.intake.intake import Intake
from service.contacts.intake.synced import SyncedBook
from service.contacts.people import ParsedCard
from service.domain.people.contact import Contact
from service.store.contacts import ContactStore
from service.store.keys import Keys
from service.usecases.contacts import ContactBook

KEYS = Keys()


@pytest.fixture
def synced(book: ContactBook) -> SyncedBook:
    """One that is synced into it."""
    return book.synced("https://dav.example.org/people/")


def card(name: str, href: str = "/a", **fields: Any) -> Received:
    """A card."""
    return Received(href, "etag", ParsedCard(1, name, **fields))


def only(book: ContactBook) -> Contact:
    """The one contact that there is."""
    (found,) = book.all()
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"birthday": "1990-04-12"}, {"birthday": "1990-04-21"}),
        ({"birthday": "1990-04-12"}, {"name": "Amelia Lake", "birthday": "1990-04-12"}),
        ({"emails": ("a@example.org",)}, {"emails": ("new@example.org",)}),
        ({"emails": ("a@example.org",)}, {"name": "Amelia Lake", "emails": ("A@example.org",)}),
        ({"uid": "u"}, {"uid": "u", "name": "Amelia Lake", "birthday": "1990-04-12"}),
    ],
)
def test_a_card_keeps_its_contact_while_something_says_so(
    book: ContactBook, synced: SyncedBook, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Its name, day or address besides its place; or its UID."""
    ((contact_id, became),) = synced.take([card("Amelia Rivers", **before)])
    changed = card(**{"name": "Amelia Rivers", **after})
    assert synced.would_take([changed])[0][:2] == (contact_id, "updated")
    assert (became, synced.take([changed])) == ("created", [(contact_id, "updated")])
    assert only(book).id == contact_id


def test_a_place_that_is_given_to_somebody_else_is_theirs(book: ContactBook, synced: SyncedBook) -> None:
    """Who was there before goes, since the address book has them no more."""
    synced.take([card("Amelia Rivers", birthday="1990-04-12")])
    ((_, became),) = synced.take([card("Kim Lake", birthday="1991-05-13")])
    assert (became, only(book).name) == ("created", "Kim Lake")


def test_an_imported_contact_that_a_card_takes_up_outlives_the_card(book: ContactBook, synced: SyncedBook) -> None:
    """By address and name; the card's UID leads to it from then on."""
    book.import_stream(io.BytesIO(b"name,email\nAmelia Rivers,a@example.org\n"))
    before = only(book)
    assert synced.take([card("Rivers, Amelia", uid="u", emails=("a@example.org",))]) == [(before.id, "updated")]
    assert synced.take([card("Amelia Lake", uid="u", emails=("l@example.org",))]) == [(before.id, "updated")]
    assert synced.drop("/a") == "kept" and only(book).id == before.id


def test_two_cards_of_one_person_are_one_contact_until_the_last_goes(book: ContactBook, synced: SyncedBook) -> None:
    """Without UIDs, in one go."""
    taken = synced.take([card("A B", "/a", emails=("a@example.org",)), card("B A", "/b", emails=("a@example.org",))])
    assert [became for _, became in taken] == ["created", "updated"] and taken[0][0] == taken[1][0]
    assert [synced.drop("/a"), synced.drop("/b")] == ["kept", "removed"]


def test_the_cards_of_a_merged_contact_are_those_of_the_one_that_stays(
    book: ContactBook, synced: SyncedBook, redis_client: Redis
) -> None:
    """They are seen unchanged, and the contact goes with the last of them."""
    (one, _), (other, _) = synced.take([card("A B", "/a", uid="u"), card("C D", "/c", uid="v")])
    book.merge(one, {"from": [other]})
    assert [seen.contact_id for seen in synced.seen(["/a", "/c"]) if seen] == [one, one]
    assert synced.take([card("C D", "/c", uid="v")])[0][0] == one
    assert [synced.drop("/c"), synced.drop("/a")] == ["kept", "removed"]
    assert redis_client.zcard(KEYS.card_owners) == 0


def test_a_card_that_shows_two_to_be_one_makes_one_of_them(book: ContactBook, synced: SyncedBook) -> None:
    """Both cards are that contact's then."""
    synced.take([card("A B", "/a", emails=("a@example.org",)), card("A B", "/b", emails=("b@example.org",))])
    synced.take([card("A B", "/c", emails=("a@example.org", "b@example.org"))])
    found = only(book)
    assert {seen.contact_id for seen in synced.known()} == {found.id} and len(found.former_ids) == 1


def test_where_another_was_quicker_the_card_is_not_left_with_two_contacts(
    book: ContactBook, redis_client: Redis
) -> None:
    """It had been noted whose the card is about to be, and that was decided anew."""

    class Slow(ContactStore):
        """Somebody else makes the contact between the reading and the writing."""

        done = False

        def save_many(self, writes: Any, mode: Any = "merge") -> Any:
            if not self.done:
                self.done = True
                book.create({"name": "A B", "emails": ["b@example.org", "a@example.org"]})
            return super().save_many(writes, mode)

    store = Slow(redis_client, KEYS)
    synced = SyncedBook(redis_client, KEYS, store, Intake(store), "https://dav.example.org/people/")
    synced.take([card("A B", emails=("a@example.org",))])
    found = only(book)
    assert {seen.contact_id for seen in synced.known()} == {found.id}
    owners: Any = redis_client.zrange(KEYS.card_owners, 0, -1)
    assert [owner.decode().split()[0] for owner in owners] == [found.id]
