"""What a card had and has no more goes here, too, if it came from that card."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.domain.people.contact import Contact
from service.store import address_books
from service.store.contacts import ContactStore
from service.store.keys import Keys
from service.store.server import exchange
from service.usecases.contacts import ContactBook
from tests.bots.test_contacts_sync import sync
from tests.bots.test_contacts_sync_odd import sync as sync_as
from tests.support.bot_runs import Run, configured
from tests.support.servers.address_books import Radicale, person, radicale
from tests.support.servers.dav import BOOK, DavServer, dav_server

ALL = (
    "N:Rivers;Amelia", "BDAY:1990-04-12", "EMAIL:a@example.org", "TEL:+1 555 0101", "LANG:fr",
    "URL:https://example.org/a", "DEATHDATE:20200101",
)  # fmt: skip
FIELDS = ["given_name", "family_name", "birthday", "language", "deceased", "emails", "phones", "urls"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    """A running CardDAV server."""
    with radicale(tmp_path_factory.mktemp("radicale")) as running:
        yield running


@pytest.fixture
def path(server: Radicale) -> Iterator[str]:
    """An empty address book."""
    made = server.make_book("people", "People")
    yield made
    server.delete(made)


@pytest.fixture
def second(server: Radicale) -> Iterator[str]:
    """Another one."""
    made = server.make_book("second", "Second")
    yield made
    server.delete(made)


@pytest.fixture
def contacts(redis_client: Redis) -> ContactBook:
    """An empty address book of ours."""
    return ContactBook(redis_client, Keys())


def only(contacts: ContactBook) -> Contact:
    """The only contact."""
    (found,) = contacts.all()
    return found


def left(contact: Contact) -> list[str]:
    """Which of the fields that may go have something."""
    return [field for field in FIELDS if getattr(contact, field)]


@pytest.mark.parametrize(
    ("gone", "fields"),
    [
        ("BDAY:1990-04-12", ["birthday"]), ("TEL:+1 555 0101", ["phones"]), ("EMAIL:a@example.org", ["emails"]),
        ("LANG:fr", ["language"]), ("URL:https://example.org/a", ["urls"]), ("DEATHDATE:20200101", ["deceased"]),
        ("N:Rivers;Amelia", ["given_name", "family_name"]),
    ],
)  # fmt: skip
def test_what_is_taken_away_there_goes_here(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook, gone: str, fields: list[str]
) -> None:
    """Each field by itself; a rehearsal tells it, the rest stays, and it can come back."""
    server.put(f"{path}a.vcf", person("a", *ALL))
    sync(redis_client, server.url(path))
    before = only(contacts)
    server.put(f"{path}a.vcf", person("a", *(line for line in ALL if line != gone)))
    rehearsal = sync(redis_client, server.url(path), dry_run=True)
    assert [change["fields"] for change in rehearsal["changes"]] == [fields]
    assert only(contacts) == before
    assert sync(redis_client, server.url(path))["updated"] == 1
    assert left(only(contacts)) == [field for field in FIELDS if field not in fields]
    server.put(f"{path}a.vcf", person("a", *ALL))
    sync(redis_client, server.url(path))
    assert only(contacts) == before


def test_a_year_that_is_taken_away_there_goes_here(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """The day stays. A year that a file gave stays, too."""
    server.put(f"{path}a.vcf", person("a", *ALL))
    sync(redis_client, server.url(path))
    without = [line.replace("1990-04-12", "--04-12") for line in ALL]
    server.put(f"{path}a.vcf", person("a", *without))
    assert [change["fields"] for change in sync(redis_client, server.url(path), dry_run=True)["changes"]] == [
        ["birthday"]
    ]
    assert sync(redis_client, server.url(path))["updated"] == 1
    assert only(contacts).birthday == "--04-12"
    contacts.import_stream(io.BytesIO(b"name,birthday,email\na,1990-04-12,a@example.org\n"))
    server.put(f"{path}a.vcf", person("a", *without, "NOTE:changed"))
    assert sync(redis_client, server.url(path))["unchanged"] == 1
    assert only(contacts).birthday == "1990-04-12"


def test_nobody_is_greeted_for_a_birthday_that_is_taken_away(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """Though the birthday is today."""

    def found() -> Any:
        config = configured(BirthdayConfig, dry_run=True, today="2026-04-12")
        return BirthdayBot().run(Run(redis_client, config))["found"]

    server.put(f"{path}a.vcf", person("a", "BDAY:1990-04-12", "EMAIL:a@example.org"))
    sync(redis_client, server.url(path))
    assert found() == 1
    server.put(f"{path}a.vcf", person("a", "EMAIL:a@example.org"))
    sync(redis_client, server.url(path))
    assert (found(), contacts.born_on([(4, 12)])) == (0, [])


def test_of_several_values_those_that_went_go(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """And the last one, too."""
    for emails in (["a@example.org", "b@example.org"], ["b@example.org"], []):
        server.put(f"{path}a.vcf", person("a", *(f"EMAIL:{email}" for email in emails)))
        sync(redis_client, server.url(path))
        assert only(contacts).emails == tuple(emails)


def test_what_was_changed_here_stays(redis_client: Redis, server: Radicale, path: str, contacts: ContactBook) -> None:
    """A value that a hand has put in the place of the card's, or beside it."""
    server.put(f"{path}a.vcf", person("a", *ALL))
    sync(redis_client, server.url(path))
    by_hand = {"birthday": "1991-05-13", "emails": ["a@example.org", "hand@example.org"], "phones": ["+1 555 0199"]}
    contacts.update(only(contacts).id, by_hand)
    server.put(f"{path}a.vcf", person("a"))
    sync(redis_client, server.url(path))
    found = only(contacts)
    assert (found.birthday, found.emails, found.phones) == ("1991-05-13", ("hand@example.org",), ("+1 555 0199",))
    assert left(found) == ["birthday", "emails", "phones"]


def test_what_a_file_had_given_before_stays(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """The card has brought the phone number alone."""
    contacts.import_stream(io.BytesIO(person("a", "BDAY:1990-04-12", "EMAIL:a@example.org").encode()))
    server.put(f"{path}a.vcf", person("a", "BDAY:1990-04-12", "EMAIL:a@example.org", "TEL:+1 555 0101"))
    sync(redis_client, server.url(path))
    server.put(f"{path}a.vcf", person("a"))
    sync(redis_client, server.url(path))
    found = only(contacts)
    assert (found.birthday, found.emails, found.phones) == ("1990-04-12", ("a@example.org",), ())
    server.put(f"{path}a.vcf", person("a", "TEL:+1 555 0102"))
    sync(redis_client, server.url(path))
    server.delete(f"{path}a.vcf")
    rehearsal = sync(redis_client, server.url(path), dry_run=True)
    assert [(change["action"], change["fields"]) for change in rehearsal["changes"]] == [("updated", ["phones"])]
    assert sync(redis_client, server.url(path))["kept"] == 1
    assert left(only(contacts)) == ["birthday", "emails"]


def test_what_another_card_still_carries_stays(
    redis_client: Redis, server: Radicale, path: str, second: str, contacts: ContactBook
) -> None:
    """Of whatever address book; a value in which they differ gives way to that card's."""
    server.put(
        f"{path}a.vcf", person("a", "BDAY:1990-04-12", "EMAIL:a@example.org", "EMAIL:both@example.org", "LANG:fr")
    )
    server.put(f"{second}b.vcf", person("a", "BDAY:1990-04-12", "EMAIL:both@example.org", "LANG:de"))
    for book in (second, path):
        sync(redis_client, server.url(book))
    assert only(contacts).language == "fr"
    server.put(f"{path}a.vcf", person("a"))
    sync(redis_client, server.url(path))
    found = only(contacts)
    assert (found.birthday, found.emails, found.language) == ("1990-04-12", ("both@example.org",), "de")
    server.put(f"{second}b.vcf", person("a", "BDAY:1990-04-12"))
    sync(redis_client, server.url(second))
    assert left(only(contacts)) == ["birthday"]
    server.delete(f"{second}b.vcf")
    sync(redis_client, server.url(second))
    assert left(only(contacts)) == []


def test_a_card_that_moves_and_loses_something_loses_it_here(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """The new card carries on with what it has."""
    server.put(f"{path}old.vcf", person("a", *ALL))
    sync(redis_client, server.url(path))
    server.delete(f"{path}old.vcf")
    server.put(f"{path}new.vcf", person("a", "EMAIL:a@example.org"))
    sync(redis_client, server.url(path))
    assert left(only(contacts)) == ["emails"]
    server.put(f"{path}new.vcf", person("a"))
    sync(redis_client, server.url(path))
    assert left(only(contacts)) == []


def test_a_card_that_becomes_another_persons_takes_its_values_along(
    redis_client: Redis, server: Radicale, path: str, second: str, contacts: ContactBook
) -> None:
    """From whoever had them, if that one stays."""
    server.put(f"{path}a.vcf", person("a", "BDAY:1990-04-12"))
    server.put(f"{second}a.vcf", person("a", "TEL:+1 555 0101"))
    for book in (path, second):
        sync(redis_client, server.url(book))
    server.delete(f"{path}a.vcf")
    server.put(f"{path}a.vcf", person("b", "BDAY:1990-04-12"))
    sync(redis_client, server.url(path))
    assert {found.name: left(found) for found in contacts.all()} == {"a": ["phones"], "b": ["birthday"]}


def test_what_cannot_be_read_any_more_is_not_taken_away(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """It is told, and kept until it can be read or is gone."""
    server.put(f"{path}a.vcf", person("a", *ALL))
    sync(redis_client, server.url(path))
    server.put(f"{path}a.vcf", person("a", "BDAY:soon", "EMAIL:ann at example.org"))
    result = sync(redis_client, server.url(path))
    assert (left(only(contacts)), result["warnings_total"]) == (["birthday", "emails"], 2)
    server.put(f"{path}a.vcf", person("a"))
    sync(redis_client, server.url(path))
    assert left(only(contacts)) == []


def forget(client: Redis) -> None:
    """Makes what is stored what the release before had stored."""
    for key in client.keys("*:given"):
        client.delete(key)


def test_cards_of_the_release_before_are_learned_once(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """All are fetched again; what they carry then can go, and what the contact has besides stays."""
    server.put(f"{path}a.vcf", person("a", *ALL))
    server.put(f"{path}group.vcf", person("group", "X-ADDRESSBOOKSERVER-KIND:group"))
    sync(redis_client, server.url(path))
    contacts.update(only(contacts).id, {"urls": ["https://example.org/hand"]})
    forget(redis_client)
    server.put(f"{path}a.vcf", person("a", "BDAY:1990-04-12", "EMAIL:a@example.org"))
    sync(redis_client, server.url(path))
    assert left(only(contacts)) == FIELDS, "what had gone before, nobody knows"
    server.put(f"{path}a.vcf", person("a", "EMAIL:a@example.org"))
    sync(redis_client, server.url(path))
    assert left(only(contacts)) == [field for field in FIELDS if field != "birthday"]


def test_learning_fetches_each_card_once(redis_client: Redis, contacts: ContactBook) -> None:
    """Also those that did not change; after that only what changed."""
    with dav_server() as served:
        served.cards = {f"{BOOK}{n}.vcf": (f'"{n}"', person(f"p{n}", "BDAY:1990-04-12")) for n in range(3)}
        for learns in (True, False, True, False):
            if learns:
                forget(redis_client)
            before = len(served.asked_for("addressbook-multiget"))
            result = sync(redis_client, served.url())
            assert len(served.asked_for("addressbook-multiget")) - before == learns
            assert result["created"] + result["unchanged"] == 3
        served.cards[f"{BOOK}1.vcf"] = ('"new"', person("p1"))
        assert sync(redis_client, served.url())["updated"] == 1
    assert len(contacts.born_on([(4, 12)])) == 2


def test_a_contact_of_a_file_keeps_all_that_an_unknown_card_may_have_given(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """After the release before it cannot be told which of both it was."""
    contacts.import_stream(io.BytesIO(person("a", "BDAY:1990-04-12").encode()))
    server.put(f"{path}a.vcf", person("a", "BDAY:1990-04-12"))
    sync(redis_client, server.url(path))
    forget(redis_client)
    sync(redis_client, server.url(path))
    server.put(f"{path}a.vcf", person("a"))
    sync(redis_client, server.url(path))
    assert left(only(contacts)) == ["birthday"]


def dies_at(number: int) -> Callable[[], None]:
    """Ends the process before its `number`-th write."""
    writes = iter(range(1, number + 1))

    def count() -> None:
        if next(writes, number) >= number:
            os._exit(9)

    return count


def killed(client: Redis, served: DavServer, at: int) -> bool:
    """A run in a process that ends before its `at`-th write. Returns whether it came so far."""
    client.hset(Keys().run("killed"), "status", "running")
    pid = os.fork()
    if pid:
        came_so_far = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
        client.hset(Keys().run("killed"), "status", "failed")
        return came_so_far
    before_write = dies_at(at)
    write, save, delete = exchange.write_together, ContactStore.save_many, ContactStore.delete

    def write_together(*args: Any) -> None:
        before_write()
        write(*args)

    def save_many(self: ContactStore, *args: Any) -> Any:
        before_write()
        return save(self, *args)

    def deletes(self: ContactStore, *args: Any) -> Any:
        before_write()
        return delete(self, *args)

    for owner, name, counting in (
        (address_books, "write_together", write_together),
        (ContactStore, "save_many", save_many),
        (ContactStore, "delete", deletes),
    ):
        setattr(owner, name, counting)
    try:
        sync_as(client, served.url(), run_id="killed")
    finally:
        os._exit(0)


@pytest.mark.slow(reason="a run is killed between any two of its writes")
def test_a_run_that_is_killed_between_any_two_writes_is_done_again(redis_client: Redis, contacts: ContactBook) -> None:
    """A card comes, changes, becomes another's, moves, and loses everything: at no write is a value left for ever, nor
    one taken that was here before."""
    steps: list[dict[str, tuple[str, str]]] = [
        {"a": ('"1"', person("a", *ALL))},
        {"a": ('"2"', person("a", "BDAY:1991-05-13", "EMAIL:b@example.org", "TEL:+1 555 0101"))},
        {"a": ('"3"', person("b", "BDAY:1991-05-13")), "x": ('"1"', person("a", "TEL:+1 555 0102"))},
        {"y": ('"1"', person("a", "LANG:de")), "a": ('"3"', person("b", "BDAY:1991-05-13"))},
        {"y": ('"2"', person("a")), "a": ('"4"', person("b"))},
    ]
    at, came_so_far = 0, True
    while came_so_far:
        at, came_so_far = at + 1, False
        redis_client.flushdb()
        contacts.import_stream(io.BytesIO(person("a", "URL:https://example.org/a").encode()))
        with dav_server() as served:
            for cards in steps:
                served.cards = {f"{BOOK}{name}.vcf": card for name, card in cards.items()}
                came_so_far |= killed(redis_client, served, at)
                sync_as(redis_client, served.url(), run_id="retry")
            assert {found.name: left(found) for found in contacts.all()} == {"a": ["urls"], "b": []}, at
            assert only_given(redis_client) == [b"{}", b"{}"]
    assert at > 8


def only_given(client: Redis) -> list[Any]:
    """What is remembered of each card."""
    (key,) = client.keys("*:given")
    return [*client.hvals(key)]


def test_two_cards_of_one_person_in_one_chunk_know_of_each_other(redis_client: Redis, contacts: ContactBook) -> None:
    """Each takes away its own alone."""
    with dav_server() as served:
        served.cards = {
            f"{BOOK}1.vcf": ('"1"', person("a", "EMAIL:a@example.org", "TEL:+1 555 0101")),
            f"{BOOK}2.vcf": ('"1"', person("a", "EMAIL:b@example.org", "TEL:+1 555 0101")),
        }
        result = sync(redis_client, served.url())
        assert (result["created"], result["updated"]) == (1, 1)
        assert set(only(contacts).emails) == {"a@example.org", "b@example.org"}
        served.cards[f"{BOOK}1.vcf"] = ('"2"', person("a"))
        sync(redis_client, served.url())
        assert (only(contacts).emails, only(contacts).phones) == (("b@example.org",), ("+1 555 0101",))
        served.cards[f"{BOOK}2.vcf"] = ('"2"', person("a"))
        sync(redis_client, served.url())
        assert left(only(contacts)) == []
