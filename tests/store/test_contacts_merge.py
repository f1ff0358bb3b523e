"""Several contacts made one, and what follows: for files, address books, exports and the ledger."""

from __future__ import annotations

import io
import random
import threading
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from service.contacts.intake.card_changes import Received
from service.contacts.people import ParsedCard
from service.contacts.writing.exports import KINDS, Format
from service.domain.people.contact import Contact, Visit
from service.domain.people.traits import Traits
from service.errors import NotFound, ValidationFailed
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.unit.test_contacts_written import CONTACTS

UNKNOWN = "00000000-0000-5000-8000-000000000000"


@pytest.fixture
def book(client: Redis) -> ContactBook:
    """An empty address book, on the real server and on the stand-in."""
    return ContactBook(client, Keys())


def made(book: ContactBook, name: str, **fields: Any) -> str:
    """The id of a new contact."""
    return str(book.create({"name": name, **fields})["id"])


def counts(report: dict[str, Any]) -> tuple[int, int, int, int]:
    """Created, updated, unchanged, skipped."""
    return report["created"], report["updated"], report["unchanged"], report["skipped_total"]


def imported(book: ContactBook, file: bytes | str) -> tuple[int, int, int, int]:
    return counts(book.import_stream(io.BytesIO(file.encode() if isinstance(file, str) else file)))


def shown(book: ContactBook) -> list[dict[str, Any]]:
    """Everybody, as the API answers."""
    return book.page(200).data


def all_keys(client: Redis) -> dict[bytes, Any]:
    """Everything that is stored."""
    read: dict[Any, Any] = {b"hash": client.hgetall, b"string": client.get, b"set": client.smembers}
    read[b"zset"] = lambda key: client.zrange(key, 0, -1, withscores=True)
    return {key: read[client.type(key)](key) for key in client.scan_iter()}


def test_a_contact_keeps_its_own_and_takes_what_it_lacks(book: ContactBook) -> None:
    """Lists are united; who has died has; the newest times are kept; the sources are gone from every index."""
    first = made(book, "John Doe", birthday="1990-04-12", emails=["j@x.org"], urls=["https://x.org/j"])
    second = made(book, "Jon Doe", birthday="1991-05-13", emails=["jon@x.org", "j2@x.org"], family_name="Doe")
    third = made(book, "J. Doe", phones=["+1 2"], language="de", deceased=True)
    book.record_message(first, 1_000)
    book.record_message(second, 3_000)
    book.record_visit(first, 2_000, Visit("https://x.org/j", 200, "John", "x", None))
    answer = book.merge(first, {"from": [second, third]})
    (contact,) = shown(book)
    assert answer["contact"] == contact
    assert {name: contact[name] for name in ("id", "name", "birthday", "family_name", "language", "deceased")} == {
        "id": first, "name": "John Doe", "birthday": "1990-04-12", "family_name": "Doe", "language": "de",
        "deceased": True,
    }  # fmt: skip
    assert (contact["emails"], contact["phones"]) == (["j@x.org", "jon@x.org", "j2@x.org"], ["+1 2"])
    assert contact["last_messaged_at"] == "1970-01-01T00:50:00" and contact["page"]["title"] == "John"
    assert answer["left_out"] == [
        {"field": "name", "value": "Jon Doe"}, {"field": "name", "value": "J. Doe"},
        {"field": "birthday", "value": "1991-05-13"},
    ]  # fmt: skip
    assert [one.id for one in book.born_on([(4, 12), (5, 13)])] == [first]
    assert [one.id for one in book.least_recently_visited(9)] == [first]
    with pytest.raises(NotFound):
        book.get(second)


@pytest.mark.parametrize(
    ("birthdays", "expected"),
    [
        (("--04-12", "1990-04-12"), "1990-04-12"), (("1990-04-12", "--04-12"), "1990-04-12"),
        (("--04-12", "1991-05-13", "1990-04-12"), "1990-04-12"), (("--04-12", "1990-04-13"), "--04-12"),
        ((None, "--04-12", "1990-04-12"), "1990-04-12"), (("--02-29", "2000-02-29", "1996-02-29"), "2000-02-29"),
    ],
)  # fmt: skip
def test_the_year_of_the_same_day_is_taken(book: ContactBook, birthdays: tuple[str | None, ...], expected: str) -> None:
    """From whichever has it; a card without it leaves it there, a hand takes it away."""
    ids = [made(book, f"P {n}", birthday=day, emails=[f"{n}@x.org"]) for n, day in enumerate(birthdays)]
    answer = book.merge(ids[0], {"from": ids[1:]})
    assert answer["contact"]["birthday"] == expected
    assert {"field": "birthday", "value": expected} not in answer["left_out"]
    for number, day in enumerate(birthdays):
        for said in (day, "--" + (day or expected)[-5:]):
            imported(book, f"name,birthday,email\nP {number},{said or ''},{number}@x.org\n")
    assert book.get(ids[0])["birthday"] == expected
    by_hand = "--" + expected[-5:]
    book.update(ids[0], {"birthday": by_hand})
    assert imported(book, "name,birthday,email\nP 0,,0@x.org\n") == (0, 0, 1, 0)
    assert book.get(ids[0])["birthday"] == by_hand


def test_what_has_no_room_is_told(book: ContactBook) -> None:
    """Of lists twenty values are kept, the contact's own first."""
    first = made(book, "John", emails=[f"a{number}@x.org" for number in range(19)])
    second = made(book, "Jon", emails=[f"b{number}@x.org" for number in range(3)])
    answer = book.merge(first, {"from": [second]})
    assert len(answer["contact"]["emails"]) == 20 and answer["contact"]["emails"][19] == "b0@x.org"
    assert {"field": "emails", "value": "b2@x.org"} in answer["left_out"]


def test_what_cannot_be_merged_is_refused_by_name_and_nothing_is_changed(book: ContactBook, client: Redis) -> None:
    """Itself, strangers, doubles, no contact at all, too many, parts of it already; and a contact that is not there."""
    one, other, third = (made(book, name, emails=[f"{name}@x.org"]) for name in ("one", "other", "third"))
    book.merge(one, {"from": [third]})
    before = all_keys(client)
    refused: list[tuple[object, str, str]] = [
        ({"from": [other, one]}, "from[1]", "itself"), ({"from": [other, UNKNOWN]}, "from[1]", UNKNOWN),
        ({"from": [other, other]}, "from[1]", "twice"), ({"from": ["<b>"]}, "from[0]", "id of a contact"),
        ({"from": [7]}, "from[0]", "id of a contact"), ({"from": []}, "from", "1–50"), ({}, "from", "1–50"),
        ({"from": other}, "from", "1–50"), ({"from": None}, "from", "1–50"), ([other], "", "JSON object"),
        ({"from": [other] * 51}, "from", "1–50"), ({"from": [other], "to": one}, "to", "alone"),
        ({"from": [other, third]}, "from[1]", "part of this contact already"),
        ({"from": [other.upper()]}, "from[0]", "id of a contact"),
    ]  # fmt: skip
    for body, field, words in refused:
        with pytest.raises(ValidationFailed) as error:
            book.merge(one, body)
        assert [(found.field, words in found.message) for found in error.value.errors][:1] == [(field, True)], body
    for contact_id in (UNKNOWN, third, "x", "*"):
        with pytest.raises(NotFound):
            book.merge(contact_id, {"from": [other]})
    assert all_keys(client) == before


def test_a_contact_is_made_of_so_many_and_no_more(book: ContactBook) -> None:
    """Fifty in all, each of which leads to it afterwards."""
    ids = [made(book, f"Person {number}", emails=[f"p{number}@x.org"]) for number in range(52)]
    file = "name,email\n" + "".join(f"Person {number},p{number}@x.org\n" for number in range(51))
    book.merge(ids[0], {"from": ids[1:51]})
    with pytest.raises(ValidationFailed, match="50 others in all"):
        book.merge(ids[0], {"from": ids[51:]})
    with pytest.raises(ValidationFailed, match="50 others in all"):
        book.merge(ids[51], {"from": ids[:1]})
    assert imported(book, file) == (0, 0, 51, 0)
    assert len(shown(book)) == 2


CSV = {
    "uids": ["u1,John Doe,1990-04-12,j@x.org", "u2,Jon Doe,1991-05-13,jon@x.org", "u3,J. Doe,,j@x.org"],
    "addresses": [",John Doe,1990-04-12,j@x.org", ",Jon Doe,1991-05-13,jon@x.org", ",J. Doe,,j@x.org"],
    "names": [",John Doe,1990-04-12,", ",Jon Doe,1991-05-13,", ",J. Doe,--01-02,"],
    "mixed": ["u1,John Doe,,j@x.org", ",Jon Doe,--05-13,", ",J. Doe,,jd@x.org"],
}
HEADINGS = "uid,name,birthday,email\n"


@pytest.mark.parametrize("rows", CSV.values(), ids=CSV)
def test_the_same_file_again_makes_nothing_new_and_changes_nothing(book: ContactBook, rows: list[str]) -> None:
    """In any order, whichever of them the others were merged into; also after it was changed by hand."""
    assert imported(book, HEADINGS + "\n".join(rows)) == (3, 0, 0, 0)
    target, *others = [contact["id"] for contact in shown(book)]
    book.merge(target, {"from": others})
    before = shown(book)
    for order in permutations(rows):
        assert imported(book, HEADINGS + "\n".join(order)) == (0, 0, 3, 0)
        assert shown(book) == before
    book.update(target, {"name": "Johnny", "birthday": "1990-04-14"})
    assert imported(book, HEADINGS + "\n".join(rows)) == (0, 0, 3, 0)
    assert shown(book)[0] | {"name": "", "birthday": ""} == before[0] | {"name": "", "birthday": ""}
    assert (shown(book)[0]["name"], shown(book)[0]["birthday"]) == ("Johnny", "1990-04-14")


@pytest.mark.parametrize("rows", CSV.values(), ids=CSV)
def test_who_was_merged_and_deleted_comes_back_as_one(book: ContactBook, rows: list[str]) -> None:
    """Under the id of old; the same file again changes nothing."""
    imported(book, HEADINGS + "\n".join(rows))
    target, *others = [contact["id"] for contact in shown(book)]
    book.merge(target, {"from": others})
    book.delete(target)
    assert sum(imported(book, HEADINGS + "\n".join(rows))) == 3
    assert [contact["id"] for contact in shown(book)] == [target]
    for order in permutations(rows):
        assert imported(book, HEADINGS + "\n".join(order)) == (0, 0, 3, 0)


def test_a_card_that_is_corrected_corrects_the_contact(book: ContactBook) -> None:
    """The leading one in what it has; another in what it alone has. A second time nothing is changed."""
    imported(book, HEADINGS + "u1,John Doe,1990-04-12,j@x.org\nu2,Jon Doe,,jon@x.org\n")
    first, second = (one["id"] for one in sorted(shown(book), key=lambda one: str(one["name"])))
    book.merge(first, {"from": [second]})
    corrected = HEADINGS + "u2,Jonny Doe,,new@x.org\nu1,John Doe,1990-04-13,j@x.org\n"
    assert imported(book, corrected) == (0, 2, 0, 0)
    (contact,) = shown(book)
    assert (contact["name"], contact["birthday"]) == ("John Doe", "1990-04-13")
    assert contact["emails"] == ["j@x.org", "new@x.org"]
    assert imported(book, corrected) == (0, 0, 2, 0)


def test_a_synced_address_book_follows_a_merge(book: ContactBook, client: Redis) -> None:
    """The cards of the sources are the contact's: nobody is doubled, and nobody is deleted while one card is left."""
    synced = book.synced("https://dav.example.org/people/")

    def received(number: int, name: str, etag: str = "1") -> Received:
        return Received(
            f"/people/{number} x.vcf", etag, ParsedCard(1, name, uid=f"u{number}", emails=(f"{number}@x.org",))
        )

    cards = [received(1, "John Doe"), received(2, "Jon Doe")]
    (first, _), (second, _) = synced.take(cards)
    book.merge(second, {"from": [first]})
    assert {seen.contact_id for seen in synced.known()} == {second}
    assert [became for _, became in synced.take(cards)] == ["unchanged", "unchanged"]
    assert [became for _, became in synced.take([received(1, "John Doe", "2")])] == ["unchanged"]
    assert [one["id"] for one in shown(book)] == [second]
    assert synced.drop(cards[0].href) == "kept" and book.get(second)["name"] == "Jon Doe"
    assert synced.drop(cards[1].href) == "removed" and shown(book) == []


def test_a_card_that_was_merged_takes_the_year_away_that_it_gave(book: ContactBook) -> None:
    """And no other card's or file's."""
    synced = book.synced("https://dav.example.org/people/")

    def take(birthday: str) -> str:
        card = ParsedCard(1, "John Doe", uid="u", birthday=birthday, emails=("j@x.org",))
        synced.take([Received("/people/1.vcf", birthday, card)])
        (birthday,) = (one["birthday"] for one in shown(book) if "j@x.org" in one["emails"])
        return str(birthday)

    target = made(book, "Jon Doe", emails=["jon@x.org"], birthday="--04-12")
    take("1990-04-12")
    (other,) = (one["id"] for one in shown(book) if one["id"] != target)
    assert book.merge(target, {"from": [other]})["contact"]["birthday"] == "1990-04-12"
    assert take("--04-12") == "--04-12"
    imported(book, "name,birthday,email\nJon Doe,1990-04-12,jon@x.org\n")
    assert take("--04-12") == "1990-04-12"


def test_whom_a_file_has_brought_outlives_the_cards_that_were_merged_into_it(book: ContactBook) -> None:
    """Either way round."""
    for number in (1, 2):
        synced = book.synced("https://dav.example.org/people/")
        card = Received("/people/1.vcf", "1", ParsedCard(1, f"Jon {number}", uid=f"u{number}"))
        ((from_book, _),) = synced.take([card])
        own = made(book, f"John {number}")
        target, other = (own, from_book) if number == 1 else (from_book, own)
        book.merge(target, {"from": [other]})
        assert synced.drop(card.href) == "kept" and book.get(target)["source"] == "api"


def test_of_two_merges_at_once_one_comes_after_the_other(redis_client: Redis) -> None:
    """Whoever is asked for: all are one in the end, and no index has anybody else."""
    book = ContactBook(redis_client, Keys())
    ids = [made(book, f"Person {number}", emails=[f"p{number}@x.org"], birthday="--04-12") for number in range(12)]
    refused: list[Exception] = []

    def merge(some: list[str]) -> None:
        for one in some:
            try:
                book.merge(ids[0], {"from": [one]})
            except ValidationFailed as error:
                refused.append(error)

    threads = [threading.Thread(target=merge, args=(random.Random(seed).sample(ids[1:], 11),)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (contact,) = shown(book)
    assert contact["id"] == ids[0] and len(contact["emails"]) == 12 and len(refused) <= 22
    assert [one.id for one in book.born_on([(4, 12)])] == [ids[0]]
    keys = Keys()
    held: Any = redis_client.mget(redis_client.keys(keys.identity("*")))
    assert len(held) > 24 and all(holders.decode() == ids[0] for holders in held)


def test_an_import_while_contacts_are_merged_makes_nobody_new(redis_client: Redis) -> None:
    """Whatever comes first."""
    book = ContactBook(redis_client, Keys())
    file = HEADINGS + "".join(f"u{number},Person {number},,p{number}@x.org\n" for number in range(40))
    imported(book, file)
    target, *others = [contact["id"] for contact in shown(book)]

    def merge() -> None:
        for one in others:
            book.merge(target, {"from": [one]})

    merging = threading.Thread(target=merge)
    merging.start()
    while merging.is_alive():
        assert imported(book, file)[0] == 0
    merging.join()
    before = shown(book)
    assert [one["id"] for one in before] == [target]
    assert imported(book, file) == (0, 0, 40, 0) and shown(book) == before


@pytest.mark.slow(reason="many generated address books are exported and imported")
@pytest.mark.parametrize("kind", KINDS)
@given(contacts=st.lists(CONTACTS, min_size=1, max_size=5), merges=st.booleans(), with_uids=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_importing_an_export_changes_nothing(
    redis_client: Redis, kind: Format, contacts: list[Contact], merges: bool, with_uids: bool
) -> None:
    """Into the same book all are unchanged, identities too; into an empty one come the same people."""
    redis_client.flushall()
    book, empty = ContactBook(redis_client, Keys()), ContactBook(redis_client, Keys("elsewhere"))
    for number, contact in enumerate(contacts):
        fill(book, contact, f"uid {number}" if with_uids else None)
    ids = [one["id"] for one in shown(book)]
    if merges and len(ids) > 2:
        book.merge(ids[0], {"from": ids[1:2]})
    before = shown(book)
    stored = all_keys(redis_client)
    file = b"".join(book.export(KINDS[kind]))
    assert imported(book, file) == (0, 0, len(before), 0)
    assert all_keys(redis_client) == stored
    imported(empty, file)
    assert sorted(map(content, shown(empty))) == sorted(map(content, before))


def fill(book: ContactBook, contact: Contact, uid: str | None) -> None:
    """Puts a contact into the book, as a file brings it."""
    from service.contacts.intake.intake import Intake
    from service.contacts.matching.entries import Entry

    fields = {
        name: getattr(contact, name)
        for name in (
            "name",
            "given_name",
            "family_name",
            "birthday",
            "emails",
            "phones",
            "urls",
            "language",
            "deceased",
        )
    }
    traits = Traits(contact.name, (uid,) if uid else (), contact.emails, contact.birthday)
    Intake(book._store).take(
        [Entry(traits, {name: value for name, value in fields.items() if value} | {"source": "csv"})]
    )


def content(contact: dict[str, Any]) -> str:
    """All but what belongs to the installation."""
    return repr({name: value for name, value in contact.items() if name not in ("id", "source")})


def test_a_uid_that_is_a_contacts_own_id_finds_it(book: ContactBook) -> None:
    """In any spelling; also the id of a part of it; after it was deleted the person comes back."""
    first, second = made(book, "John", emails=["j@x.org"]), made(book, "Jon", emails=["jon@x.org"])
    for uid in (first, first.upper(), f"urn:uuid:{first}"):
        assert imported(book, f"uid,name,phone\n{uid},John,+1 2\n")[0] == 0
    assert book.get(first)["phones"] == ["+1 2"] and len(shown(book)) == 2
    book.merge(first, {"from": [second]})
    assert imported(book, f"uid,name,email\n{second},Jon,jon@x.org\n") == (0, 0, 1, 0)
    book.delete(first)
    imported(book, f"uid,name,email\n{first},John,j@x.org\n")
    assert [one["id"] for one in shown(book)] == [first]
