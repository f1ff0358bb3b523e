"""One person is one contact, and two are two, through the whole address book."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from service.contacts.intake.card_changes import Received
from service.contacts.intake.imports import import_people
from service.contacts.intake.intake import Intake
from service.contacts.intake.report import ImportReport
from service.contacts.people import ParsedCard
from service.contacts.reading.files import ReadOptions
from service.contacts.writing.exports import KINDS
from service.domain.people.contact import Contact
from service.domain.people.names import name_key
from service.errors import Conflict
from service.store.contacts import ContactStore
from service.store.keys import Keys
from service.store.ledger import LIFETIME
from service.usecases.contacts import ContactBook
from tests.support.servers.valkey import ValkeyServer


def rows(*lines: str, headings: str = "name,birthday,email") -> io.BytesIO:
    """A CSV file."""
    return io.BytesIO("\n".join((headings, *lines)).encode())


def cards(*texts: str) -> io.BytesIO:
    """A vCard file of cards, each given by its properties, separated by `|`."""
    wrapped = (f"BEGIN:VCARD\nVERSION:3.0\n{text.replace('|', chr(10))}\nEND:VCARD\n" for text in texts)
    return io.BytesIO("".join(wrapped).encode())


def people(book: ContactBook) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """Name, birthday and addresses of everybody."""
    return sorted((one.name, one.birthday, one.emails) for one in book.all())


def ids(book: ContactBook) -> dict[str, str]:
    """Everybody's id, by name."""
    return {one.name: one.id for one in book.all()}


def counts(report: dict[str, Any]) -> tuple[int, int, int]:
    """Created, updated, unchanged."""
    return report["created"], report["updated"], report["unchanged"]


# Two names at one address


@pytest.mark.parametrize(
    "lines",
    [
        ("Amelia Rivers,1990-04-12,family@example.org", "Kim Rivers,,family@example.org"),
        ("Amelia Rivers,1990-04-12,family@example.org", "Anna Rivers,1990-04-12,family@example.org"),
        ("Mr. Rivers,1960-04-12,family@example.org", "Mrs. Rivers,1960-04-12,FAMILY@example.org"),
        ("John Doe Sr.,1960-04-12,doe@example.org", "John Doe Jr.,1990-04-12,doe@example.org"),
        ("Ann,,shop@example.org", "Ben,,shop@example.org", "Cem,,shop@example.org", "Dee,,shop@example.org"),
    ],
)
def test_two_names_at_one_address_are_two_people(book: ContactBook, lines: tuple[str, ...]) -> None:
    """Whatever the order, and once more: each keeps what is theirs."""
    expected = sorted(line.split(",")[0] for line in lines)
    assert counts(book.import_stream(rows(*lines))) == (len(lines), 0, 0)
    before = people(book)
    assert [name for name, _, _ in before] == expected
    assert counts(book.import_stream(rows(*reversed(lines)))) == (0, 0, len(lines))
    assert people(book) == before


def test_who_comes_later_and_stands_in_front_takes_nobodys_place(book: ContactBook) -> None:
    """A newer export has another member of the family first."""
    book.import_stream(rows("Amelia Lake,1990-04-12,lake@example.org"))
    amelia = ids(book)["Amelia Lake"]
    newer = rows("Aaron Lake,1992-04-11,lake@example.org", "Amelia Lake,1990-04-12,lake@example.org")
    assert counts(book.import_stream(newer)) == (1, 0, 1)
    assert ids(book)["Amelia Lake"] == amelia
    assert people(book)[0] == ("Aaron Lake", "1992-04-11", ("lake@example.org",))


@pytest.mark.parametrize(
    "second",
    [
        {"name": "Kim Rivers", "emails": ["f@example.org"]},
        {"name": "Kim Rivers", "emails": ["f@example.org"], "birthday": "1990-04-12"},
        {"name": "Rivers", "emails": ["F@example.org"]},
        {"name": "Amelia Rivers Jr.", "emails": ["f@example.org"]},
    ],
)
def test_a_second_member_of_a_family_can_be_made(book: ContactBook, second: dict[str, Any]) -> None:
    """With the address that another one has."""
    first = book.create({"name": "Amelia Rivers", "emails": ["f@example.org"], "birthday": "1990-04-12"})
    made = book.create(second)
    assert made["id"] != first["id"] and made["name"] == second["name"]
    assert book.get(first["id"]) == first


@pytest.mark.parametrize(
    ("second", "why"),
    [
        ({"name": "Rivers, Amelia", "emails": ["F@example.org"]}, "the same name and e-mail address"),
        (
            {"name": "Dr. Amelia Rivers", "emails": ["n@example.org", "f@example.org"]},
            "the same name and e-mail address",
        ),
        ({"name": "Amelia Rivers", "birthday": "1990-04-12"}, "the same name and birthday"),
        ({"name": "AMELIA RIVERS", "birthday": "--04-12"}, "the same name and birthday"),
    ],
)
def test_who_is_there_already_is_refused_with_the_reason(book: ContactBook, second: dict[str, Any], why: str) -> None:
    """The contact is named, and it stays as it is."""
    first = book.create({"name": "Amelia Rivers", "emails": ["f@example.org"], "birthday": "1990-04-12"})
    with pytest.raises(Conflict) as refusal:
        book.create(second)
    assert first["id"] in str(refusal.value) and why in str(refusal.value)
    assert book.page(10).data == [first]


# One name at one address


def test_cards_with_uids_of_their_own_stay_contacts_of_their_own(book: ContactBook) -> None:
    """A person decides whether they are one; the next import finds the same ones."""
    names = ("John Doe", "Doe John", "Doe, John", "John  DOE", "Dr. John Doe")
    file = [f"UID:{n}|FN:{name.replace(',', chr(92) + ',')}|EMAIL:d@example.org" for n, name in enumerate(names)]
    assert counts(book.import_stream(cards(*file))) == (5, 0, 0)
    before = ids(book)
    assert counts(book.import_stream(cards(*reversed(file)))) == (0, 0, 5)
    assert ids(book) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Amelia Rivers,1990-04-12,old@example.org", "Amelia Rivers,1990-04-12,new@example.org;old@example.org"),
        ("Amelia Rivers,1990-04-12,old@example.org", "Rivers Amelia,1991-04-12,OLD@example.org"),
        ("Amelia Rivers,--04-12,", "Amelia Rivers,1990-04-12,"),
        ("Amelia Rivers,1990-04-12,", "Amelia Rivers,1990-04-21,"),
        ("Amelia Rivers,,", "Amelia Rivers,1990-04-12,"),
        ("Amelia Rivers,1990-04-12,", "Amelia Rivers,--04-12,new@example.org"),
        ("Amelia Rivers,,", "Amelia Rivers,,new@example.org"),
        ("Amelia Rivers,,", "Dr. Amelia Rivers,1990-04-12,new@example.org"),
    ],
)
def test_what_is_corrected_or_added_keeps_the_person(book: ContactBook, before: str, after: str) -> None:
    """An address, a birthday, its year, a title: one contact, updated."""

    def file(line: str) -> io.BytesIO:
        name, birthday, addresses = line.split(",")
        first, _, second = addresses.partition(";")
        return rows(f"{name},{birthday},{first},{second}", headings="Name,Birthday,E-mail 1 - Value,E-mail 2 - Value")

    book.import_stream(file(before))
    (found,) = book.all()
    assert counts(book.import_stream(file(after))) == (0, 1, 0)
    assert [one.id for one in book.all()] == [found.id]
    assert counts(book.import_stream(file(after))) == (0, 0, 1)


def test_a_chain_of_corrections_keeps_one_contact(book: ContactBook) -> None:
    """Each step has something in common with the one before, the last nothing with the first."""
    chain = (
        "FN:Amelia Rivers|BDAY:--04-12",
        "FN:Rivers Amelia|BDAY:1990-04-12",
        "FN:Amelia Rivers|BDAY:1990-04-13",
        "FN:Amelia Rivers|BDAY:1990-04-13|EMAIL:a@example.org",
        "FN:Amelia Rivers|EMAIL:b@example.org|EMAIL:a@example.org",
        "FN:Dr. Amelia Rivers|EMAIL:b@example.org|BDAY:1991-05-14",
        "FN:Amelia Rivers|EMAIL:b@example.org|UID:u",
        "FN:Amelia Lake|EMAIL:l@example.org|UID:u",
        "FN:Amelia Lake|EMAIL:l@example.org",
        "FN:Amelia Rivers|EMAIL:a@example.org",
    )
    made = {one.id for text in chain for _ in [book.import_stream(cards(text))] for one in book.all()}
    assert len(made) == 1


def test_two_of_a_name_are_not_mixed_up_by_a_correction(book: ContactBook) -> None:
    """A name alone leads to one of whom nothing else is known, and only if nobody else of the file is that one."""
    book.import_stream(rows("Kim Rivers,1990-04-12,"))
    (first,) = book.all()
    assert counts(book.import_stream(rows("Kim Rivers,1991-05-13,", "Kim Rivers,1990-04-12,"))) == (1, 0, 1)
    assert [one.birthday for one in book.all() if one.id == first.id] == ["1990-04-12"]
    assert counts(book.import_stream(rows("Kim Rivers,1992-06-14,"))) == (1, 0, 0)
    assert len(people(book)) == 3


def test_two_corrections_of_one_name_are_two_people(book: ContactBook) -> None:
    """Which of them was there before cannot be told."""
    book.import_stream(rows("Kim Rivers,1990-04-12,"))
    assert counts(book.import_stream(rows("Kim Rivers,1991-05-13,", "Kim Rivers,1992-06-14,"))) == (2, 0, 0)


def test_an_address_that_two_contacts_share_shows_them_to_be_one(book: ContactBook, redis_client: Redis) -> None:
    """Nothing that either had is lost, and the first id stands for both."""
    book.import_stream(rows("Amelia Rivers,,a@example.org", "Amelia Rivers,,b@example.org"))
    one, other = book.all()
    book.update(one.id, {"phones": ["+1 555 0101"]})
    book.update(other.id, {"birthday": "1990-04-12", "urls": ["https://example.org/a"]})
    book.record_message(one.id, 1_000)
    report = book.import_stream(cards("FN:Amelia Rivers|EMAIL:a@example.org|EMAIL:b@example.org"))
    assert report["created"] == 0
    (left,) = book.all()
    assert {left.id, *left.former_ids} == {one.id, other.id}
    assert (left.phones, left.birthday, left.urls, left.last_messaged_at) == (
        ("+1 555 0101",), "1990-04-12", ("https://example.org/a",), 1_000,
    )  # fmt: skip
    assert redis_client.zcard(Keys().contacts) == 1 and redis_client.zcard(Keys().visits) == 1


@pytest.mark.parametrize("deleted", [False, True])
def test_of_several_uids_the_same_one_gets_a_contact_that_had_none(
    book: ContactBook, redis_client: Redis, deleted: bool
) -> None:
    """Whatever the order of the file."""
    file = [f"FN:Amelia Rivers|EMAIL:a@example.org|UID:{uid}|TEL:+1 555 010{uid}" for uid in "1234"]
    adopters = set()
    for order in (file, file[::-1], [*file[2:], *file[:2]]):
        redis_client.flushall()
        book.import_stream(rows("Amelia Rivers,,a@example.org"))
        (before,) = book.all()
        if deleted:
            book.delete(before.id)
        book.import_stream(cards(*order))
        assert len(list(book.all())) == 4
        adopters |= {one.uids for one in book.all() if one.id == before.id}
    assert len(adopters) == 1


@pytest.mark.parametrize(
    "file",
    [
        ("FN:Kim Rivers|UID:u|EMAIL:a@example.org", "FN:Kim Rivers|UID:w|BDAY:--04-12"),
        ("FN:Kim Rivers|UID:w|EMAIL:a@example.org", "FN:Kim Rivers|UID:u|BDAY:1990-04-12"),
        ("FN:Kim Rivers|UID:u|EMAIL:a@example.org|BDAY:--05-01", "FN:Kim Rivers|UID:w|BDAY:1990-04-12"),
    ],
)
@pytest.mark.parametrize("deleted", [False, True])
def test_the_address_decides_before_the_birthday_whose_uid_a_contact_gets(
    book: ContactBook, redis_client: Redis, file: tuple[str, str], deleted: bool
) -> None:
    """As it does for an entry without a UID, so that it does not matter which of them came first."""
    by_address = file[0].split("UID:")[1][0]
    for order in (file, file[::-1]):
        redis_client.flushall()
        book.import_stream(rows("Kim Rivers,1990-04-12,a@example.org"))
        (before,) = book.all()
        if deleted:
            book.delete(before.id)
        book.import_stream(cards(*order))
        assert {one.uids: one.id == before.id for one in book.all()} == {(uid,): uid == by_address for uid in "uw"}


@pytest.mark.parametrize("uids", ["1234", "5678", "abcd", "uvwx"])
def test_the_one_that_gets_a_contact_is_the_one_that_its_entry_would_be_given(
    book: ContactBook, redis_client: Redis, uids: str
) -> None:
    """Whichever of them came first."""
    file = [f"FN:Amelia Rivers|EMAIL:a@example.org|UID:{uid}" for uid in uids]
    without = "FN:Amelia Rivers|EMAIL:a@example.org|TEL:+1 555 0100"
    book.import_stream(cards(without, *file))
    (given,) = (one.uids for one in book.all() if one.phones)
    redis_client.flushall()
    book.import_stream(cards(without))
    book.import_stream(cards(*file))
    assert [one.uids for one in book.all() if one.phones] == [given]


def test_the_export_of_two_who_have_only_their_name_in_common_is_taken_again(book: ContactBook) -> None:
    """Their ids are the UIDs of their cards, and nothing else of them was looked for."""
    book.import_stream(rows("Kim Rivers,2000-01-01,", "Kim Rivers,,"))
    before = list(book.all())
    assert len(before) == 2
    again = io.BytesIO(b"".join(book.export(KINDS["vcard"])))
    assert counts(book.import_stream(again)) == (0, 0, 2)
    assert list(book.all()) == before


# Coming back


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("FN:A B|EMAIL:a@example.org", "FN:B A|EMAIL:A@example.org"),
        ("FN:A B|EMAIL:a@example.org|EMAIL:b@example.org", "FN:A B|EMAIL:b@example.org"),
        ("FN:A B|BDAY:1990-04-12", "FN:A B|BDAY:--04-12|EMAIL:a@example.org"),
        ("FN:A B|UID:u|EMAIL:a@example.org", "FN:A B|EMAIL:a@example.org"),
        ("FN:A B|UID:u|EMAIL:a@example.org", "FN:Other|UID:u"),
        ("FN:A B|BDAY:1990-04-12", "FN:A B|BDAY:1990-04-21"),
    ],
)
def test_who_was_deleted_comes_back_with_the_same_id(book: ContactBook, text: str, again: str) -> None:
    """By whatever they were known."""
    book.import_stream(cards(text))
    (before,) = book.all()
    book.delete(before.id)
    book.import_stream(cards(again))
    assert [one.id for one in book.all()] == [before.id]


def test_a_deleted_contact_leaves_nothing_that_can_be_read_and_that_for_400_days(
    book: ContactBook, redis_client: Redis
) -> None:
    """As long as the ledger; while somebody lives whom it leads to, an identity stays."""
    book.import_stream(cards("FN:Amelia Rivers|UID:u|EMAIL:a@example.org|BDAY:1990-04-12"))
    book.import_stream(cards("FN:Amelia Rivers|UID:v|EMAIL:a@example.org|BDAY:1990-04-12"))
    assert all(redis_client.ttl(key) == -1 for key in redis_client.keys("*"))
    one, other = book.all()
    book.delete(one.id)
    expiring = [key for key in redis_client.keys("*") if redis_client.ttl(key) >= 0]
    assert len(expiring) == 2  # what is left of the contact, and its UID
    book.delete(other.id)
    left: Any = redis_client.keys("*")
    assert len(left) == 6 and all(LIFETIME - 60 < redis_client.ttl(key) <= LIFETIME for key in left)
    kept = b"".join(redis_client.dump(key) or b"" for key in left) + b"".join(left)
    assert not any(secret in kept.lower() for secret in (b"amelia", b"rivers", b"@example", b"1990"))
    book.import_stream(cards("FN:Amelia Rivers|UID:u|EMAIL:a@example.org|BDAY:1990-04-12"))
    assert sum(redis_client.ttl(key) >= 0 for key in redis_client.keys("*")) == 2


BARE = b"name,phone\nSolo Phone,+49 30 901820\nSolo Nothing,\n"


@pytest.mark.parametrize("deletes", [False, True])
@pytest.mark.parametrize(
    "file",
    [
        BARE,
        b"name,birthday,email\nSolo Day,1990-04-12,\nSolo Mail,,solo@example.org\nSolo Name,,\n",
        b"name,url\nSolo Page,https://example.org/solo\n",
    ],
)
def test_an_export_brings_back_whom_it_names(book: ContactBook, file: bytes, deletes: bool) -> None:
    """With the ids that they had, also those of whom nothing but the name is known; the file finds them again."""
    book.import_stream(io.BytesIO(file))
    before = list(book.all())
    export = b"".join(book.export(KINDS["vcard"]))
    for one in before if deletes else ():
        book.delete(one.id)
    report = book.import_stream(io.BytesIO(export))
    assert counts(report) == ((len(before), 0, 0) if deletes else (0, 0, len(before)))
    assert [(one.id, one.name, one.phones, one.uids) for one in book.all()] == [
        (one.id, one.name, one.phones, one.uids) for one in before
    ]
    for again in (file, export):
        assert counts(book.import_stream(io.BytesIO(again))) == (0, 0, len(before))


@pytest.mark.parametrize("spelt", ["{}", "urn:uuid:{}", "URN:UUID:{}"])
def test_a_uid_that_is_a_deleted_contacts_id_is_that_contact(book: ContactBook, spelt: str) -> None:
    """Whatever else was changed meanwhile; an id that nobody had is somebody new's."""
    made = book.create({"name": "Solo"})["id"]
    book.delete(made)
    book.import_stream(cards(f"UID:{spelt.format(made)}|FN:Another Name|TEL:+1 2"))
    assert ids(book) == {"Another Name": made}
    unknown = "00000000-0000-5000-8000-000000000000"
    book.import_stream(cards(f"UID:{unknown}|FN:Stranger"))
    assert len(ids(book)) == 2 and unknown not in ids(book).values()


def test_who_was_merged_without_address_and_deleted_comes_back_by_an_export(book: ContactBook) -> None:
    """As one contact, which each of the file's entries finds."""
    book.import_stream(io.BytesIO(BARE))
    target, other = (one.id for one in book.all())
    book.merge(target, {"from": [other]})
    export = b"".join(book.export(KINDS["vcard"]))
    book.delete(target)
    book.import_stream(io.BytesIO(export))
    assert [(one.id, one.uids) for one in book.all()] == [(target, ())]
    book.import_stream(cards(f"UID:{other}|FN:Solo Part"))
    assert [one.id for one in book.all()] == [target]


# The year of birth


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("See Saw,1990-04-12,see@example.org", "See Saw,--04-12,see@example.org"),
        ("See Saw,--04-12,see@example.org", "See Saw,1990-04-12,see@example.org"),
        ("See Saw,1990-04-12,", "Saw See,--04-12,"),
        ("See Saw,1990-04-12,see@example.org", "See Saw,12 April,see@example.org"),
        ("See Saw,1990-04-12,see@example.org", "See Saw,1604-04-12,see@example.org"),
    ],
)
@pytest.mark.parametrize("in_one_file", [False, True])
def test_the_same_day_without_a_year_says_less(book: ContactBook, first: str, second: str, in_one_file: bool) -> None:
    """The year that is known stays, in whatever order the entries come."""
    for file in [(first, second)] if in_one_file else [(first,), (second,)]:
        book.import_stream(rows(*file))
    assert [one.birthday for one in book.all()] == ["1990-04-12"]
    assert counts(book.import_stream(rows(second)))[:2] == (0, 0)


@pytest.mark.parametrize("lines", list(permutations(["Ord D,--03-03,", "Ord D,1999-03-03,"])))
def test_the_order_of_two_days_in_a_file_does_not_matter(book: ContactBook, lines: tuple[str, ...]) -> None:
    """Whichever has the year."""
    book.import_stream(rows(*lines))
    assert people(book) == [("Ord D", "1999-03-03", ())]


def test_another_day_and_a_hand_take_the_year_away(book: ContactBook) -> None:
    """What says something else is no less; and whoever changes a contact may know better."""
    book.import_stream(rows("See Saw,1990-04-12,see@example.org"))
    book.import_stream(rows("See Saw,--04-13,see@example.org"))
    assert people(book)[0][1] == "--04-13"
    book.import_stream(rows("See Saw,1990-04-13,see@example.org"))
    assert book.update(ids(book)["See Saw"], {"birthday": "--04-13"})["birthday"] == "--04-13"


def test_a_card_of_an_address_book_takes_only_a_year_away_that_it_gave(book: ContactBook) -> None:
    """As long as no other card says it, either."""
    synced = book.synced("https://dav.example.org/people/")

    def take(number: int, birthday: str | None) -> tuple[Any, list[str], str | None]:
        card = ParsedCard(1, "See Saw", uid="u", birthday=birthday, emails=("see@example.org",))
        received = [Received(f"/people/{number}.vcf", str(birthday), card)]
        ((_, _, told),) = synced.would_take(received)
        ((_, became),) = synced.take(received)
        return became, told, people(book)[0][1]

    book.import_stream(rows("See Saw,1990-04-12,see@example.org"))
    assert take(1, "--04-12") == ("unchanged", [], "1990-04-12")
    assert take(1, None) == ("unchanged", [], "1990-04-12")
    assert take(1, "1991-04-12") == ("updated", ["birthday"], "1991-04-12")
    assert take(2, "1991-04-12") == ("unchanged", [], "1991-04-12")
    assert take(1, "--04-12") == ("unchanged", [], "1991-04-12")
    assert take(2, "--04-12") == ("updated", ["birthday"], "--04-12")
    assert take(2, "1991-04-12") == ("updated", ["birthday"], "1991-04-12")
    assert take(2, None) == ("updated", ["birthday"], "--04-12")


# Many at once


def test_who_imports_the_same_at_once_makes_one_book(redis_client: Redis, valkey_server: ValkeyServer) -> None:
    """Also if each has another address in front."""

    def bring(number: int) -> None:
        with valkey_server.client() as client:
            lines = [f"P {n},a{n}@example.org,b{n}@example.org" for n in range(60)]
            if number % 2:
                lines = [f"{n},{b},{a}" for n, a, b in (line.split(",") for line in reversed(lines))]
            headings = "Name,E-mail 1 - Value,E-mail 2 - Value"
            ContactBook(client, Keys()).import_stream(rows(*lines, headings=headings))

    for _ in range(5):
        redis_client.flushall()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(bring, range(4)))
        names = [one.name for one in ContactBook(redis_client, Keys()).all()]
        assert sorted(names) == sorted(f"P {n}" for n in range(60))


def test_who_changes_a_contact_during_an_import_is_not_lost(book: ContactBook, redis_client: Redis) -> None:
    """What was decided on something that another has changed meanwhile is decided anew."""
    made = book.create({"name": "Amelia Rivers", "emails": ["a@example.org"]})

    class Interrupted(ContactStore):
        """Somebody renames the contact between the reading and the writing."""

        done = False

        def save_many(self, writes: Any, mode: Any = "merge") -> Any:
            if not self.done:
                self.done = True
                book.update(made["id"], {"name": "Amelia Lake", "emails": ["l@example.org"]})
            return super().save_many(writes, mode)

    report = ImportReport()
    card = ParsedCard(1, "Amelia Rivers", emails=("a@example.org",), phones=("+1 555 0101",))
    import_people([card], Intake(Interrupted(redis_client, Keys())), report)
    (found,) = book.all()
    assert (found.id, found.phones) == (made["id"], ("+1 555 0101",))
    for name, email in (("Amelia Lake", "l@example.org"), ("Amelia Rivers", "a@example.org")):
        assert book.import_stream(rows(f"{name},,{email}"))["created"] == 0


@pytest.mark.parametrize("kind", ["FN:Info|EMAIL:info@example.org|UID:{}", "FN:Info|BDAY:1990-04-12|UID:{}"])
def test_an_identity_leads_to_a_hundred_contacts_at_most(book: ContactBook, redis_client: Redis, kind: str) -> None:
    """More are found by what is theirs alone; those who are gone make room."""
    book.import_stream(cards(*(kind.format(n) for n in range(250))))
    assert max(len(redis_client.get(key).split()) for key in redis_client.keys("*:identity:*")) == 100  # type: ignore[union-attr]
    for one in list(book.all()):
        book.delete(one.id)
    book.import_stream(cards(kind.format("new")))
    (new,) = book.all()
    assert any(new.id.encode() in redis_client.get(Keys().identity(one)) for one in new.identities if one[0] in "mb")  # type: ignore[operator]


# Properties

NAMES = st.sampled_from(["Amelia Rivers", "Rivers, Amelia", "Kim Rivers", "Dr. Kim Rivers"])
EMAILS = st.lists(st.sampled_from([f"{letter}@example.org" for letter in "abc"]), max_size=2, unique=True).map(tuple)
DAYS = st.sampled_from([None, "1990-04-12", "--04-12", "--05-01"])
WITHOUT_UID = st.builds(ParsedCard, st.just(1), NAMES, birthday=DAYS, emails=EMAILS)
WITH_UID = st.builds(ParsedCard, st.just(1), NAMES, st.sampled_from("uvw"), birthday=DAYS, emails=EMAILS)
FILES = (
    st.tuples(st.lists(WITHOUT_UID, max_size=5), st.lists(WITH_UID, max_size=3, unique_by=lambda card: card.uid))
    .map(lambda lists: [*lists[0], *lists[1]])
    .flatmap(st.permutations)
)
QUICK = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A Redis of this module's own."""
    running = ValkeyServer(tmp_path_factory.mktemp("identity"), "--appendonly", "no")
    yield running
    running.stop()


Person = tuple[str, tuple[str, ...]]


def imported(client: Redis, *files: list[ParsedCard]) -> list[Contact]:
    """Who is in the book after these files."""
    client.flushall()
    for file in files:
        again(client, file)
    return list(ContactBook(client, Keys()).all())


def again(client: Redis, file: list[ParsedCard]) -> dict[str, Any]:
    """What comes of importing one more file."""
    report = ImportReport()
    import_people(file, Intake(ContactStore(client, Keys())), report)
    return report.as_dict(())


def persons(contacts: list[Contact]) -> list[Person]:
    """Each person's name and UIDs."""
    return sorted((name_key(one.name), one.uids) for one in contacts)


@QUICK
@given(FILES, st.randoms())
def test_the_order_of_a_file_does_not_matter(
    server: ValkeyServer, file: list[ParsedCard], chance: random.Random
) -> None:
    """The same contacts come of it, with the same ids and fields."""
    other = list(file)
    chance.shuffle(other)
    client = server.client()
    assert imported(client, file) == imported(client, other)


@QUICK
@given(FILES, st.randoms())
def test_importing_twice_makes_nobody(server: ValkeyServer, file: list[ParsedCard], chance: random.Random) -> None:
    """In whatever order, and all keep their ids."""
    client = server.client()
    before = {one.id for one in imported(client, file)}
    other = list(file)
    chance.shuffle(other)
    assert again(client, other)["created"] == 0
    assert {one.id for one in ContactBook(client, Keys()).all()} == before


@QUICK
@given(FILES)
def test_importing_people_twice_changes_nothing(server: ValkeyServer, file: list[ParsedCard]) -> None:
    """Where no two entries are one person who says two things of themselves."""
    client = server.client()
    before = imported(client, file)
    if len(before) == len(file):
        assert counts(again(client, file)) == (0, 0, len(file))
        assert list(ContactBook(client, Keys()).all()) == before


@QUICK
@given(FILES.flatmap(lambda file: st.tuples(st.just(file), st.sets(st.sampled_from([*range(len(file)), -1])))))
def test_a_part_and_then_the_whole_is_the_whole(server: ValkeyServer, drawn: tuple[list[ParsedCard], set[int]]) -> None:
    """Whichever part came first."""
    file, numbers = drawn
    part = [card for number, card in enumerate(file) if number in numbers]
    client = server.client()
    assert persons(imported(client, file)) == persons(imported(client, part, file))


@QUICK
@given(st.lists(WITHOUT_UID, max_size=6), st.lists(WITHOUT_UID, max_size=6))
def test_two_names_never_become_one_person(
    server: ValkeyServer, first: list[ParsedCard], second: list[ParsedCard]
) -> None:
    """However many addresses and days they share; nobody gets lost."""
    names = {name_key(card.name) for card in (*first, *second)}
    assert {name for name, _ in persons(imported(server.client(), first, second))} == names


def raw(text: str, charset: str) -> io.BytesIO:
    """A CSV file in an encoding."""
    return io.BytesIO(f"name,birthday,email\n{text}\n".encode(charset))


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("Žaneta Šķēle,--11-26,zaneta@example.org", "windows-1257"),
        ("Čeněk Šlégl,1990-11-26,cenek@example.org", "windows-1250"),
        ("Ωmega Παπά,,omega@example.org", "windows-1253"),
        ("Øyvind Ærø,--11-26,", "macintosh"),
    ],
)
def test_a_file_that_was_read_in_a_wrong_encoding_is_mended_by_reading_it_again(
    book: ContactBook, text: str, charset: str
) -> None:
    """Whoever had a wrong name has the right one then, and the same id."""
    book.import_stream(raw(text, charset), ReadOptions(charset="iso-8859-15"))
    ((wrong, before),) = ids(book).items()
    report = book.import_stream(raw(text, charset), ReadOptions(charset=charset))
    assert counts(report) == (0, 1, 0) and ids(book) == {text.split(",")[0]: before}
    assert wrong != text.split(",")[0]
    assert counts(book.import_stream(raw(text, charset), ReadOptions(charset=charset))) == (0, 0, 1)


def test_reading_in_another_encoding_makes_nobody_of_two(book: ContactBook) -> None:
    """A family's other names at the address are left alone."""
    both = "Čeněk Šlégl,,home@example.org\nŽaneta Šléglová,,home@example.org"
    book.import_stream(raw(both, "windows-1250"), ReadOptions(charset="windows-1252"))
    before = set(ids(book).values())
    book.import_stream(rows("Amelia Lake,,home@example.org"))
    book.import_stream(raw(both, "windows-1250"), ReadOptions(charset="windows-1250"))
    assert set(ids(book)) == {"Čeněk Šlégl", "Žaneta Šléglová", "Amelia Lake"}
    assert before < set(ids(book).values())


@pytest.mark.parametrize(
    ("without", "named"),
    [
        (rows("--11-26,e@example.org", headings="birthday,email"), rows("Ann Lake,--11-26,e@example.org")),
        (cards("EMAIL:e@example.org|BDAY:--11-26"), cards("FN:Ann Lake|EMAIL:e@example.org|BDAY:--11-26")),
        (cards("FN:E@example.org|EMAIL:e@example.org"), rows("Ann Lake,--11-26,e@example.org")),
    ],
)
def test_who_came_without_a_name_is_found_when_the_name_comes(
    book: ContactBook, without: io.BytesIO, named: io.BytesIO
) -> None:
    """And keeps it when the file without names comes again."""
    book.import_stream(without)
    (before,) = ids(book).values()
    book.import_stream(named)
    assert ids(book) == {"Ann Lake": before}
    without.seek(0)
    book.import_stream(without)
    assert ids(book) == {"Ann Lake": before}


def test_one_of_a_family_takes_the_place_of_who_had_no_name(book: ContactBook) -> None:
    """The others are people of their own."""
    book.import_stream(rows(",,home@example.org"))
    (before,) = ids(book).values()
    book.import_stream(rows("Ann Lake,,home@example.org", "Kim Lake,,home@example.org"))
    assert set(ids(book)) == {"Ann Lake", "Kim Lake"} and before in ids(book).values()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bücher.example", "xn--bcher-kva.example"), ("faß.example", "xn--fa-hia.example"),
        ("u\u0308x.example", "üx.example"), ("ｅｘ.example", "ex.example"),
    ],
)  # fmt: skip
def test_an_address_is_one_however_its_domain_is_written(book: ContactBook, one: str, other: str) -> None:
    """As messages to it name it."""
    book.import_stream(rows(f"Sam X,,sam@{one}"))
    (before,) = ids(book).values()
    assert book.import_stream(rows(f"Sam X,,sam@{other}"))["created"] == 0
    assert list(ids(book).values()) == [before]
    with pytest.raises(Conflict):
        book.create({"name": "X Sam", "emails": [f"sam@{one}"]})


BOTH = ("Ann Q,1990-11-26,f@example.org", "Bea Q,1990-11-25,f@example.org")


def test_a_name_that_was_given_by_hand_and_taken_back_joins_nobody(book: ContactBook) -> None:
    """Who is called so now is meant, not who was once."""
    book.import_stream(rows(*BOTH))
    before = ids(book)
    for name in ("Bea Q", "Ann Q"):
        book.update(before["Ann Q"], {"name": name})
    assert counts(book.import_stream(rows(*BOTH))) == (0, 0, 2) and ids(book) == before


def test_names_that_were_exchanged_by_hand_stay_two_people(book: ContactBook) -> None:
    """Through a name in between."""
    book.import_stream(rows(*BOTH))
    ann, bea = (ids(book)[name] for name in ("Ann Q", "Bea Q"))
    for contact, name in ((ann, "Tmp"), (bea, "Ann Q"), (ann, "Bea Q")):
        book.update(contact, {"name": name})
    book.import_stream(rows(*BOTH))
    assert ids(book) == {"Ann Q": bea, "Bea Q": ann}


def test_an_address_that_was_given_by_hand_and_taken_back_joins_nobody(book: ContactBook) -> None:
    """Two of one name."""
    both = ("Ann O,1990-11-26,ann@example.org", "Ann O,1990-01-02,other@example.org")
    book.import_stream(rows(*both))
    before = people(book)
    (other,) = (one.id for one in book.all() if one.emails == ("other@example.org",))
    for email in ("ann@example.org", "other@example.org"):
        book.update(other, {"emails": [email]})
    assert counts(book.import_stream(rows(*both))) == (0, 0, 2) and people(book) == before


def test_a_contact_that_became_somebody_else_by_hand_leaves_the_first_one_room(book: ContactBook) -> None:
    """As long as both are in the file, there are two."""
    book.import_stream(rows("Ted M,1990-11-26,ted@example.org"))
    (ted,) = ids(book).values()
    book.update(ted, {"name": "Uma M", "emails": ["uma@example.org"]})
    book.import_stream(rows("Uma M,1990-11-26,uma@example.org"))
    assert ids(book) == {"Uma M": ted}


@pytest.mark.parametrize(
    "file",
    [
        ("Gus Fs,1950-01-02,g@example.org", "Gus Fs,1985-07-08,g@example.org"),
        ("Ann Ab,,a@example.org; b@example.org", "Ann Ab,,b@example.org; c@example.org"),
    ],
)
def test_two_entries_of_one_person_that_differ_are_told(book: ContactBook, file: tuple[str, str]) -> None:
    """Something of one of them is lost, and the person looks there."""
    (warning,) = book.import_stream(rows(*file))["warnings"]
    assert "the same person" in warning["reason"] and warning["name"] == file[0].split(",")[0]
    assert len(ids(book)) == 1


def test_two_entries_of_one_person_that_agree_are_not_told(book: ContactBook) -> None:
    """Nothing is lost."""
    assert book.import_stream(rows("Bo Cd,,c@example.org", "Bo Cd,,c@example.org"))["warnings"] == []
