"""The pages of the address book and of runs: what they read, and what they do with strange addresses."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from service.contacts.writing.exports import KINDS
from service.store.erasure.places import places
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from service.web.console.contacts import contact_list as pages
from service.web.console.contacts.erasure_words import BEYOND, PLACES, REMOVED
from service.web.console.contacts.upcoming_birthdays import upcoming_birthdays
from tests.support.browsing import Browser, signed_in, words


@pytest.fixture
def book(redis_client: Redis) -> ContactBook:
    return ContactBook(redis_client, Keys())


@pytest.fixture
def browser(book: ContactBook, valkey_server: Any) -> Browser:
    """Somebody signed in."""
    return signed_in(valkey_server.url)


def add(book: ContactBook, name: str, **fields: Any) -> str:
    return str(book.create({"name": name, **fields})["id"])


@pytest.mark.parametrize(
    "today, birthday, days, age",
    [
        (date(2025, 2, 26), "1996-02-29", 2, 29),
        (date(2024, 2, 26), "1996-02-29", 3, 28),
        (date(2025, 12, 20), "--01-02", 13, None),
        (date(2025, 12, 20), "2000-01-02", 13, 26),
        (date(2025, 4, 12), "1990-04-12", 0, 35),
        (date(2025, 4, 12), "1900-04-12", 0, None),
        (date(2025, 4, 12), "1905-04-12", 0, 120),
    ],
)
def test_birthdays_come_on_the_day_of_their_year(
    book: ContactBook, today: date, birthday: str, days: int, age: int | None
) -> None:
    """Across the turn of the year, with leap days and without a year."""
    add(book, "Ada", birthday=birthday)
    (found,), more = upcoming_birthdays(book, today, 30, 10)
    assert (found.days, found.day, found.age, more) == (days, today + timedelta(days=days), age, [])


def test_a_year_that_was_stored_before_and_is_nobodys_shows_no_age(book: ContactBook, redis_client: Redis) -> None:
    """What an earlier release took."""
    contact_id = add(book, "Ada", birthday="--04-12")
    for year in ("0001", "1604", "1899"):
        redis_client.hset(Keys().contact(contact_id), "birthday", f"{year}-04-12")
        (found,), _ = upcoming_birthdays(book, date(2025, 4, 12), 1, 10)
        assert found.age is None


def test_the_dead_have_no_coming_birthday_and_are_marked(browser: Browser, book: ContactBook) -> None:
    """The list and the form say it; the form can take it back."""
    today = datetime.now(UTC).date()
    dead = add(book, "Ada", birthday=f"--{today:%m-%d}", deceased=True)
    add(book, "Zoe", birthday=f"--{today:%m-%d}")
    found, _ = upcoming_birthdays(book, today, 30, 10)
    assert [one.contact.name for one in found] == ["Zoe"]
    said = words(browser.get("/contacts"))
    assert "Ada has died" in said and "Ada today" not in said and "Zoe has died" not in said
    form = browser.get(f"/contacts/{dead}")
    assert "marked as deceased: no greetings" in words(form)
    box = form.text.partition('data-path="deceased"')[2].partition(">")[0]
    assert " checked" in box
    book.update(dead, {"deceased": False})
    box = browser.get(f"/contacts/{dead}").text.partition('data-path="deceased"')[2].partition(">")[0]
    assert box and " checked" not in box


def test_birthdays_are_those_of_the_next_days_the_next_first(book: ContactBook) -> None:
    """Neither yesterday's nor one beyond; and no more than asked for, which is told."""
    for name, day in (("Past", "--04-11"), ("Beyond", "--05-12"), ("Second", "--05-11"), ("First", "--04-12")):
        add(book, name, birthday=day)
    found, more = upcoming_birthdays(book, date(2025, 4, 12), 30, 10)
    assert ([one.contact.name for one in found], more) == (["First", "Second"], [])
    found, more = upcoming_birthdays(book, date(2025, 4, 12), 30, 1)
    assert [one.contact.name for one in (*found, *more)] == ["First", "Second"] and len(found) == 1


def test_the_list_is_by_name_and_says_whose_birthday_is_near(browser: Browser, book: ContactBook) -> None:
    """Names that are markup are shown as they are."""
    today = datetime.now(UTC).date()
    add(book, "zoe", birthday=f"1990-{today:%m-%d}" if f"{today:%m-%d}" != "02-29" else "--02-29")
    add(book, "<b>Adam</b>", emails=["adam@example.org"])
    add(book, "Élodie")
    add(book, "Emil")
    answer = browser.get("/contacts")
    said = words(answer)
    listed = said[said.index("1–4 of 4 contacts") :]
    assert sorted(("<b>Adam</b> – adam@example.org", "Emil", "Élodie", "zoe"), key=listed.index) == [
        "<b>Adam</b> – adam@example.org", "Élodie", "Emil", "zoe"
    ]  # fmt: skip
    assert "<b>Adam" not in answer.text
    assert "zoe today" in said


def test_birthdays_that_are_left_out_are_counted_and_found(browser: Browser, book: ContactBook) -> None:
    """A link shows everybody of the first day that is not whole."""
    today = datetime.now(UTC).date() if f"{datetime.now(UTC):%m-%d}" != "02-29" else date(2025, 2, 28)
    for number in range(15):
        add(book, f"Person {number}", birthday=f"19{80 + number}-{today:%m-%d}")
    answer = browser.get("/contacts")
    assert f"3 more birthdays until {today:%-d %b}." in words(answer)
    address = re.search(r'href="([^"]+)">Everybody born on', answer.text)
    assert address is not None and "of 15 contacts" in words(browser.get(address[1]))


def test_a_search_finds_by_name_mail_phone_and_page(browser: Browser, book: ContactBook) -> None:
    """In any case; who has none of it is not shown; what finds nobody says so."""
    add(book, "Ada", emails=["countess@example.org"], phones=["+44 20 7946 0000"], urls=["https://example.org/ada"])
    add(book, "Charles")
    for wanted in ("ADA", "countess", "7946", "example.org/ada"):
        said = words(browser.get(f"/contacts?q={wanted}"))
        assert "1–1 of 1 contact" in said, wanted
        assert "Charles" not in said
    assert "Nothing here matches “nobody”" in words(browser.get("/contacts?q=nobody"))


def test_a_large_book_is_sorted_and_counted_over_all_pages(browser: Browser, book: ContactBook) -> None:
    """Everybody is on one page, by name; a search counts what it finds, wherever it stands."""
    rows = "".join(f"Person {number:03d},p{number}@example.org\n" for number in reversed(range(330)))
    book.import_stream(io.BytesIO(f"Name,E-mail\n{rows}".encode()))
    seen: list[str] = []
    for number in range(1, -(-330 // pages.PAGE) + 1):
        answer = browser.get(f"/contacts?page={number}")
        assert "of 330 contacts" in words(answer)
        seen += [part.partition("<")[0] for part in answer.text.split('">Person ')[1:]]
    assert seen == [f"{number:03d}" for number in range(330)]
    assert "1–11 of 11 contacts" in words(browser.get("/contacts?q=P32"))


@pytest.mark.parametrize("query, status", [("page=0", 400), ("page=x", 400), ("page=99", 200)])
def test_strange_addresses_are_answered_in_words(browser: Browser, query: str, status: int) -> None:
    """A page of the console, and no error behind it."""
    answer = browser.get(f"/contacts?{query}")
    assert (answer.status_code, "Contacts" in words(answer)) == (status, True)


def test_the_address_book_is_there_to_be_taken_along(browser: Browser, book: ContactBook) -> None:
    """As vCard and as CSV, by links; the very files of the API."""
    add(book, "Ada <b>Lovelace</b>", emails=["ada@example.org"])
    assert 'href="/contacts.vcf"' in browser.get("/contacts").text
    for path, kind in (("/contacts.vcf", "vcard"), ("/contacts.csv", "csv")):
        file = browser.get(path)
        assert file.headers["Content-Disposition"].endswith(f'filename="contacts{path[-4:]}"')
        assert file.content == b"".join(book.export(KINDS[kind]))  # type: ignore[index]


def test_the_form_shows_a_contact_and_what_is_noted_of_it(browser: Browser, book: ContactBook) -> None:
    """Its fields can be changed; when it was greeted can be read."""
    contact_id = add(book, 'Quote " Name', emails=["a@example.org", "b@example.org"], birthday="--04-12")
    book.record_message(contact_id, 1_700_000_000)
    answer = browser.get(f"/contacts/{contact_id}")
    assert 'value="Quote &#34; Name"' in answer.text
    assert 'value="--04-12"' in answer.text
    assert "a@example.org\nb@example.org</textarea>" in answer.text
    assert "2023-11-14 22:13:20 UTC" in words(answer)


@pytest.mark.parametrize("path", ["/contacts/unknown", "/contacts/75ce5c73-d117-5bb3-8881-b1c73c2dfeee"])
def test_whom_nobody_knows_is_a_page_that_says_so(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "not found" in words(answer)


def test_the_page_offers_to_erase_the_person_and_says_what_that_reaches(browser: Browser, book: ContactBook) -> None:
    """In words; and it has a name for each place in which an erasure can find somebody."""
    contact_id = add(book, "Ada")
    answer = browser.get(f"/contacts/{contact_id}")
    assert f'data-request="DELETE /scheduler/contacts/{contact_id}?erase=true"' in answer.text
    assert all(one in words(answer) for one in (*REMOVED, *BEYOND))
    counted = {place.name for place in places(Keys()) if place.deed != "tell"}
    assert set(PLACES) == counted | {"contacts", "cards", "ledger_entries"}
    assert all(f'data-place="{place}"' in answer.text for place in PLACES)
    assert "erase" not in browser.get("/contacts/new").text
