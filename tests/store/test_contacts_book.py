"""The address book in Redis: imports, indices, and the use cases of the API."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from service.contacts.bodies import parse_create
from service.contacts.reading import files
from service.contacts.reading.files import ReadOptions
from service.domain.input.refusals import echo
from service.domain.people.contact import Visit
from service.errors import Conflict, NotFound, ValidationFailed
from service.store.keys import Keys
from service.usecases.contacts import ContactBook


@pytest.fixture
def book(client: Redis) -> ContactBook:
    """An empty address book, on the real server and on the stand-in."""
    return ContactBook(client, Keys())


def vcf(*cards: str) -> io.BytesIO:
    """A file of cards, each given by its properties, separated by `|`."""
    text = "".join(f"BEGIN:VCARD\nVERSION:3.0\n{card.replace('|', chr(10))}\nEND:VCARD\n" for card in cards)
    return io.BytesIO(text.encode())


def counts(report: dict[str, Any]) -> tuple[int, int, int, int]:
    """Created, updated, unchanged, skipped."""
    return report["created"], report["updated"], report["unchanged"], report["skipped_total"]


def names_on(book: ContactBook, month: int, day: int) -> list[str]:
    """Who was born on a day."""
    return sorted(contact.name for contact in book.born_on([(month, day)]))


def test_importing_again_updates_and_never_doubles(book: ContactBook) -> None:
    """What is the same is left alone."""
    assert counts(book.import_stream(vcf("FN:A|UID:1|BDAY:1990-04-12", "FN:B|EMAIL:b@example.org"))) == (2, 0, 0, 0)
    again = vcf("FN:A|UID:1|BDAY:1990-04-12", "FN:B|EMAIL:b@example.org|TEL:+1 555 0101")
    assert counts(book.import_stream(again)) == (0, 1, 1, 0)
    assert sorted(item["name"] for item in book.page(10).data) == ["A", "B"]


def test_a_family_with_one_address_is_a_family(book: ContactBook) -> None:
    """In one file and in several; importing them again finds the same people."""
    family = ("FN:Mum|BDAY:1960-07-07|EMAIL:f@example.org", "FN:Dad|BDAY:1961-08-08|EMAIL:f@example.org")
    assert counts(book.import_stream(vcf(*family))) == (2, 0, 0, 0)
    assert counts(book.import_stream(vcf(*family))) == (0, 0, 2, 0)
    assert (names_on(book, 7, 7), names_on(book, 8, 8)) == (["Mum"], ["Dad"])
    assert counts(book.import_stream(vcf("FN:Kid|EMAIL:f@example.org", family[0]))) == (1, 0, 1, 0)


def test_an_import_overwrites_only_what_it_carries(book: ContactBook) -> None:
    """What a poorer file does not say stays, and so does where the contact first came from."""
    book.import_stream(
        vcf("FN:A Lovelace|EMAIL:a@example.org|BDAY:1990-04-12|TEL:+1 555 0101|URL:https://example.org/a")
    )
    book.import_stream(io.BytesIO(b'name,email,language\n"Lovelace, A",a@example.org,fr\n'))
    (item,) = book.page(10).data
    assert item == {
        "id": item["id"],
        "name": "Lovelace, A",
        "given_name": None,
        "family_name": None,
        "birthday": "1990-04-12",
        "emails": ["a@example.org"],
        "phones": ["+1 555 0101"],
        "urls": ["https://example.org/a"],
        "language": "fr",
        "deceased": False,
        "source": "vcard",
        "last_messaged_at": None,
        "last_visited_at": None,
        "page": None,
    }


def test_a_report_shows_what_was_skipped_and_counts_the_rest(book: ContactBook) -> None:
    """At most a thousand reasons are shown."""
    report = book.import_stream(vcf(*["TEL:555"] * 1_100, "FN:Good"))
    assert counts(report) == (1, 0, 0, 1_100)
    assert len(report["skipped"]) == 1_000
    assert report["skipped"][0] == {"position": 1, "reason": "the card has neither a name nor an e-mail address"}


@pytest.mark.slow(reason="a thousand people are imported")
def test_a_report_shows_what_was_lost_and_counts_the_rest(book: ContactBook) -> None:
    """The person comes without the birthday; what is told of the whole file is not crowded out."""
    rows = "".join(f"Person {number},never,red\n" for number in range(1_100))
    report = book.import_stream(io.BytesIO(f"name,birthday,colour\n{rows}Ada,3/4/1990,\n".encode()))
    assert counts(report) == (1_101, 0, 0, 0)
    assert (report["with_birthday"], report["with_address"], report["ignored_columns"]) == (1, 0, ["colour"])
    assert (len(report["warnings"]), report["warnings_total"]) == (1_000, 1_101)
    of_file, first = report["warnings"][:2]
    assert (of_file["position"], of_file["name"]) == (None, None) and "date_order=day" in of_file["reason"]
    assert first == {
        "position": 1,
        "name": "Person 0",
        "reason": "the birthday “never” is not a date such as 1990-04-12 or --04-12",
    }


def test_a_birthday_that_is_no_date_keeps_the_old_one(book: ContactBook) -> None:
    """Nothing is overwritten by what cannot be read."""
    book.import_stream(io.BytesIO(b"name,email,birthday\nAda,ada@example.org,1990-04-12\n"))
    report = book.import_stream(io.BytesIO(b"name,email,birthday,phone\nAda,ada@example.org,1990,555 0101\n"))
    assert (counts(report), report["warnings_total"]) == ((0, 1, 0, 0), 1)
    (ada,) = book.all()
    assert (ada.birthday, ada.phones) == ("1990-04-12", ("555 0101",))


def test_what_is_known_of_a_file_is_heeded(book: ContactBook) -> None:
    """Its encoding, and the order of its dates."""
    data = "name,birthday\nŽofie,3/4/1990\n".encode("cp1250")
    report = book.import_stream(io.BytesIO(data), ReadOptions("day", "windows-1250"))
    assert report["warnings"] == []
    assert [(one.name, one.birthday) for one in book.all()] == [("Žofie", "1990-04-03")]


def test_a_charset_that_the_file_is_not_in_changes_nothing(book: ContactBook) -> None:
    """It is refused before anybody is imported."""
    with pytest.raises(ValidationFailed, match="is utf-8, but line 3 is not in it"):
        book.import_stream(io.BytesIO("name\nAda\nŽofie\n".encode("cp1250")), ReadOptions(charset="utf-8"))
    assert list(book.all()) == []


def test_the_birthday_index_follows_every_change(book: ContactBook) -> None:
    """Import, update and delete; a person moves from one day to the other."""
    book.import_stream(vcf("FN:A|UID:1|BDAY:1990-04-12", "FN:B|UID:2|BDAY:--04-12", "FN:C|UID:3"))
    assert names_on(book, 4, 12) == ["A", "B"]
    book.import_stream(vcf("FN:A|UID:1|BDAY:1990-05-01"))
    assert names_on(book, 4, 12) == ["B"]
    assert names_on(book, 5, 1) == ["A"]
    (b,) = book.born_on([(4, 12)])
    book.update(b.id, {"birthday": None})
    assert names_on(book, 4, 12) == []
    (a,) = book.born_on([(5, 1), (5, 1), (5, 2)])
    book.delete(a.id)
    assert names_on(book, 5, 1) == []
    assert book.born_on([]) == []


def test_every_contact_is_on_exactly_one_page(book: ContactBook) -> None:
    """Whatever the size of the page; the last one has no cursor."""
    book.import_stream(vcf(*[f"FN:P{n}|UID:{n}" for n in range(23)]))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = book.page(5, cursor)
        seen += [item["name"] for item in page.data]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(f"P{n}" for n in range(23))
    assert book.page(23).next_cursor is None
    assert [contact.name for contact in book.all()] == seen


@pytest.mark.parametrize(("limit", "cursor"), [(0, None), (201, None), (5, "x"), (5, ""), (5, "é\udcff")])
def test_a_bad_page_is_refused(book: ContactBook, limit: int, cursor: str | None) -> None:
    """Limits out of range, and cursors that nobody gave."""
    with pytest.raises(ValidationFailed):
        book.page(limit, cursor)


def test_a_contact_is_made_changed_and_deleted(book: ContactBook) -> None:
    """A change keeps the id and what it does not name; read-only fields that are sent back are ignored."""
    made = book.create({"name": " Ada  Lovelace ", "emails": ["ada@example.org"], "birthday": "1915-12-10"})
    assert (made["name"], made["source"]) == ("Ada Lovelace", "api")
    with pytest.raises(Conflict):
        book.create({"name": "Lovelace, Ada", "emails": ["ADA@example.org"]})
    changed = book.update(made["id"], made | {"name": "Ada", "emails": ["new@example.org"], "last_messaged_at": "x"})
    assert changed == made | {"name": "Ada", "emails": ["new@example.org"]}
    assert book.get(made["id"]) == changed
    book.delete(made["id"])
    for call in (book.get, book.delete, lambda contact_id: book.update(contact_id, {"name": "x"})):
        with pytest.raises(NotFound, match=f"Contact {made['id']} not found"):
            call(made["id"])


def test_deleting_and_importing_again_gives_the_same_id(book: ContactBook) -> None:
    """So that the ledger knows the person again."""
    book.import_stream(vcf("FN:A|EMAIL:a@example.org"))
    (before,) = book.page(10).data
    book.delete(before["id"])
    book.import_stream(vcf("FN:A|EMAIL:a@example.org"))
    assert book.page(10).data == [before]


def test_a_birthday_that_is_none_is_refused_in_one_sentence_with_its_field() -> None:
    """As every other field: what it must be, and what it is."""
    only_in_files = ("19900412", "--0412", "1990-01-01T99:99:99", "\u0662\u0660\u0662\u0660-01-01")
    for text in ("1/2/1990", "1990", "1990-02-30", "--02-30", *only_in_files):
        with pytest.raises(ValidationFailed, match="birthday must be a date such as 1990-04-12 or --04-12") as refusal:
            parse_create({"name": "A", "birthday": text})
        assert str(refusal.value).endswith(f"not {echo(text)}")
    for text in ("2201-01-01", "4501-01-01", "9999-01-01"):
        with pytest.raises(ValidationFailed, match=f"birthday must have a year up to 2200, .* not .{text}"):
            parse_create({"name": "A", "birthday": text})
    for text in ("1900-01-01", "2200-12-31", "--02-29"):
        assert parse_create({"name": "A", "birthday": f" {text} "})["birthday"] == text
    assert parse_create({"name": "A", "birthday": "1815-12-10"})["birthday"] == "--12-10", (
        "an unknown year, as in files"
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], ""),
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": 5}, "name"),
        ({"name": "A", "nickname": "B"}, "nickname"),
        ({"name": "A", "birthday": "yesterday"}, "birthday"),
        ({"name": "A", "birthday": 5}, "birthday"),
        ({"name": "A", "emails": "a@example.org"}, "emails"),
        ({"name": "A", "emails": ["a@example.org", "b"]}, "emails"),
        ({"name": "A", "emails": ["a@example.org, b@example.org"]}, "emails"),
        ({"name": "A", "phones": [5]}, "phones"),
        ({"name": "A", "urls": ["ftp://example.org"]}, "urls"),
        ({"name": "A", "urls": ["javascript:alert(1)"]}, "urls"),
        ({"name": "A", "language": "not a tag"}, "language"),
    ],
)
def test_a_body_that_is_no_contact_is_refused(book: ContactBook, body: object, field: str) -> None:
    """By the name of the field, and nothing is stored."""
    with pytest.raises(ValidationFailed) as refusal:
        book.create(body)
    assert [error.field for error in refusal.value.errors] == [field]
    assert book.page(10).data == []


@pytest.mark.parametrize("contact_id", ["", "x", "../jobs", "é", "A" * 36])
def test_a_malformed_id_is_not_found(book: ContactBook, contact_id: str) -> None:
    """Like an unknown one."""
    with pytest.raises(NotFound):
        book.get(contact_id)


def test_visits_take_turns(book: ContactBook) -> None:
    """Never visited ones first, then the longest ago; without a page nobody is visited."""
    book.import_stream(vcf(*[f"FN:{n}|UID:{n}|URL:https://example.org/{n}" for n in "ABC"], "FN:D|UID:D"))
    ids = {contact.name: contact.id for contact in book.all()}
    page = Visit("https://example.org/x", 200, "X", "hash", None)
    book.record_visit(ids["A"], 2_000, page)
    book.record_visit(ids["C"], 1_000, page)
    assert [contact.name for contact in book.least_recently_visited(10)] == ["B", "C", "A"]
    assert [contact.name for contact in book.least_recently_visited(1)] == ["B"]
    assert book.get(ids["A"])["last_visited_at"] == "1970-01-01T00:33:20"
    (found,) = [contact for contact in book.all() if contact.name == "A"]
    assert found.visit == page
    book.update(ids["B"], {"urls": []})
    assert [contact.name for contact in book.least_recently_visited(10)] == ["C", "A"]


def test_what_a_bot_notes_brings_no_deleted_contact_back(book: ContactBook, client: Redis) -> None:
    """A contact may be deleted while a run goes on."""
    made = book.create({"name": "A", "urls": ["https://example.org/a"], "birthday": "--04-12"})
    book.delete(made["id"])
    book.record_message(made["id"], 1_000)
    book.record_visit(made["id"], 1_000, Visit("https://example.org/a", 200, None, None, None))
    assert list(book.all()) == [] and not client.exists(Keys().contact(made["id"]), Keys().visits)


def test_two_installations_share_a_database(client: Redis) -> None:
    """Every key starts with the prefix."""
    one, other = ContactBook(client, Keys("one")), ContactBook(client, Keys("other"))
    one.create({"name": "A", "birthday": "--04-12", "urls": ["https://example.org"]})
    assert other.page(10).data == []
    assert all(bytes(key).startswith(b"one:") for key in client.scan_iter())


@pytest.mark.slow(reason="hundreds of people are imported, three times")
@pytest.mark.parametrize("kind", ["cards", "rows"])
def test_an_import_of_too_many_stops_and_says_how_many_were_taken(
    book: ContactBook, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As many as are allowed are imported, and stay; a file of just as many is taken whole."""
    monkeypatch.setattr(files, "MAX_PEOPLE", 700)

    def file(count: int) -> io.BytesIO:
        names = [f"Person {number}" for number in range(count)]
        return vcf(*(f"FN:{name}" for name in names)) if kind == "cards" else csv_file(names)

    with pytest.raises(ValidationFailed, match=r"more than 700 entries.*: 700 created, 0 updated.*, 0 skipped"):
        book.import_stream(file(701))
    assert len(list(book.all())) == 700
    assert counts(book.import_stream(file(700))) == (0, 0, 700, 0)


@pytest.mark.parametrize("kind", ["cards", "rows"])
def test_an_import_of_too_many_that_cannot_be_taken_stops(
    book: ContactBook, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """They cost as much as others; who stood before them is imported."""
    monkeypatch.setattr(files, "MAX_SKIPPED", 400)
    good, bad = ("FN:A", "NOTE:x") if kind == "cards" else ("A", ",1990-01-01")

    def file(*lines: str) -> io.BytesIO:
        return vcf(*lines) if kind == "cards" else csv_file(lines)

    with pytest.raises(ValidationFailed, match=r"more than 400 entries .* imported.*: 1 created,.* 400 skipped"):
        book.import_stream(file(good, *[bad] * 401, "B"))
    assert [contact.name for contact in book.all()] == ["A"]
    assert counts(book.import_stream(file(good, *[bad] * 400))) == (0, 0, 1, 400)


def csv_file(rows: Sequence[str]) -> io.BytesIO:
    """A file of names, and what stands beside them."""
    return io.BytesIO("\n".join(["name,birthday", *rows]).encode())


def test_a_birthday_in_the_future_is_told(book: ContactBook) -> None:
    """It is imported all the same: a day that has begun somewhere on earth is not in the future."""
    today = datetime.now(UTC)
    days = [f"{today + timedelta(days=away):%Y-%m-%d}" for away in (-1, 0, 2, 400)]
    report = book.import_stream(vcf(*(f"FN:Born {day}|BDAY:{day}" for day in days), "FN:Any year|BDAY:--12-31"))
    assert [(one["position"], one["reason"]) for one in report["warnings"]] == [
        (3, f"the birthday {days[2]} is in the future"),
        (4, f"the birthday {days[3]} is in the future"),
    ]
    assert report["with_birthday"] == 5 and counts(report) == (5, 0, 0, 0)
