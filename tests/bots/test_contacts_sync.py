"""Contacts kept in step with an address book on a real CardDAV server."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from redis import Redis

from service.bots.contacts_sync.bot import ContactsSyncBot, ContactsSyncConfig, NoAddressBook
from service.bots.contacts_sync.dav import BookFailed
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.address_books import Radicale, person, radicale

COUNTS = ("created", "updated", "unchanged", "removed", "skipped_total", "left_over")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    """A running CardDAV server."""
    with radicale(tmp_path_factory.mktemp("radicale")) as running:
        yield running


@pytest.fixture
def path(server: Radicale, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty address book, the only one."""
    made = server.make_book("people", "People")
    yield made
    server.delete(made)


@pytest.fixture
def contacts(redis_client: Redis) -> ContactBook:
    """An empty address book of ours."""
    return ContactBook(redis_client, Keys())


def context(client: Redis, url: str | None, **config: Any) -> Run:
    """A run's context."""
    made = Run(client, configured(ContactsSyncConfig, **config), bot="contacts_sync")
    made.contacts_url = url
    return made


def sync(client: Redis, url: str | None, **config: Any) -> dict[str, Any]:
    """One run of the bot."""
    return ContactsSyncBot().run(context(client, url, **config))


def counts(result: dict[str, Any]) -> tuple[int, ...]:
    """Created, updated, unchanged, removed, skipped, left over."""
    return tuple(result[name] for name in COUNTS)


def names(contacts: ContactBook) -> list[str]:
    """Everybody's name."""
    return sorted(contact.name for contact in contacts.all())


def test_contacts_follow_the_address_book(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """What comes, changes and goes there does so here, card by card, and nothing else is fetched again."""
    server.put(f"{path}a.vcf", person("a", "BDAY:1990-04-12", "EMAIL:a@example.org", "TEL:+1 555 0101"))
    server.put(f"{path}b%20b@c.vcf", person("b", "BDAY:--04-13", "URL:https://example.org/b"))
    server.put(f"{path}c.vcf", person("c", "LANG:fr", name="Zoë"))
    url = server.url(path)
    assert counts(sync(redis_client, url)) == (3, 0, 0, 0, 0, 0)
    (ada,) = contacts.born_on([(4, 12)])
    assert (ada.birthday, ada.emails, ada.phones, ada.source) == (
        "1990-04-12", ("a@example.org",), ("+1 555 0101",), "carddav",
    )  # fmt: skip
    assert counts(sync(redis_client, url)) == (0, 0, 3, 0, 0, 0)

    server.put(f"{path}a.vcf", person("a", "BDAY:1990-05-12", name="Ada"))
    server.delete(f"{path}c.vcf")
    server.put(f"{path}d.vcf", person("d"))
    assert counts(sync(redis_client, url)) == (1, 1, 1, 1, 0, 0)
    assert names(contacts) == ["Ada", "b", "d"]
    assert [contact.name for contact in contacts.born_on([(4, 12), (5, 12)])] == ["Ada"]


def test_vcards_of_every_version_are_taken(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """As importing does; one that cannot be costs itself, is told with its reason, and is not fetched again."""
    server.put(f"{path}3.vcf", person("3", "ADR:;;1 Main St;Town;;;", "PHOTO;ENCODING=b:" + "QUJD" * 200_000))
    four = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:4\r\nFN:Four\r\nBDAY:--0412\r\nEND:VCARD\r\n"
    server.put(f"{path}4.vcf", four)
    apple = person("apple", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12", "item1.URL:https://example.org/x", name="Apple")
    server.put(f"{path}apple.vcf", apple)
    server.put(f"{path}group.vcf", person("group", "X-ADDRESSBOOKSERVER-KIND:group"))
    server.put(f"{path}odd.vcf", person("odd", "BDAY:circa 1900"))
    server.put(f"{path}org.vcf", person("org", "KIND:org"))
    result = sync(redis_client, server.url(path))
    assert counts(result) == (4, 0, 0, 0, 2, 0)
    assert [entry["card"] for entry in result["skipped"]] == ["group.vcf", "org.vcf"]
    assert all("not a person's" in entry["reason"] for entry in result["skipped"])
    (warning,) = result["warnings"]
    assert (warning["card"], warning["name"], result["warnings_total"]) == ("odd.vcf", "odd", 1)
    assert "circa 1900" in warning["reason"]
    assert {contact.name: contact.birthday for contact in contacts.all()} == {
        "3": None, "Four": "--04-12", "Apple": "--04-12", "odd": None,
    }  # fmt: skip
    again = sync(redis_client, server.url(path))
    assert (counts(again), again["skipped"], again["warnings"]) == ((0, 0, 4, 0, 2, 0), result["skipped"], [])
    server.put(f"{path}org.vcf", person("org", "KIND:individual"))
    server.delete(f"{path}group.vcf")
    assert counts(sync(redis_client, server.url(path))) == (1, 0, 4, 0, 0, 0)


def test_what_it_did_not_bring_it_does_not_remove(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """A contact that was there before stays when its card goes; one that two cards name, until the second one goes."""
    contacts.import_stream(io.BytesIO(person("mine", name="Mine").encode()))
    other = contacts.create({"name": "Other"})
    server.put(f"{path}mine.vcf", person("mine", "EMAIL:m@example.org", name="Mine"))
    server.put(f"{path}theirs.vcf", person("theirs"))
    assert counts(sync(redis_client, server.url(path)))[:2] == (1, 1)
    second = server.make_book("second", "Second")
    server.put(f"{second}same.vcf", person("theirs"))
    try:
        sync(redis_client, server.url(second))
        server.delete(f"{path}mine.vcf")
        server.delete(f"{path}theirs.vcf")
        result = sync(redis_client, server.url(path))
        assert (result["removed"], result["kept"]) == (0, 2)
        assert names(contacts) == ["Mine", "Other", "theirs"]
        server.delete(f"{second}same.vcf")
        assert sync(redis_client, server.url(second))["removed"] == 1
        assert names(contacts) == ["Mine", "Other"]
    finally:
        server.delete(second)
    assert contacts.get(other["id"])


def test_a_contact_keeps_what_its_card_does_not_carry(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """Edited here, it stays so until its card changes, and then in all that the card does not say and had not said."""
    server.put(f"{path}a.vcf", person("a"))
    sync(redis_client, server.url(path))
    (contact,) = contacts.all()
    contacts.update(contact.id, {"name": "Nickname", "language": "fr", "emails": ["a@example.org"]})
    assert counts(sync(redis_client, server.url(path))) == (0, 0, 1, 0, 0, 0)
    assert names(contacts) == ["Nickname"]
    server.put(f"{path}a.vcf", person("a", "TEL:+1 555 0101", name="Ada"))
    sync(redis_client, server.url(path))
    (contact,) = contacts.all()
    assert (contact.name, contact.language, contact.emails, contact.phones) == (
        "Ada", "fr", ("a@example.org",), ("+1 555 0101",),
    )  # fmt: skip


def test_a_card_that_moves_keeps_its_contact(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """With what was noted here."""
    server.put(f"{path}old.vcf", person("a"))
    sync(redis_client, server.url(path))
    (contact,) = contacts.all()
    contacts.update(contact.id, {"language": "fr"})
    server.delete(f"{path}old.vcf")
    server.put(f"{path}new.vcf", person("a"))
    rehearsal = sync(redis_client, server.url(path), dry_run=True)
    assert (rehearsal["removed"], rehearsal["kept"], rehearsal["changes"]) == (0, 1, [])
    result = sync(redis_client, server.url(path))
    assert (result["removed"], result["kept"], result["created"]) == (0, 1, 0)
    assert [(found.id, found.language) for found in contacts.all()] == [(contact.id, "fr")]


def test_a_token_that_is_lost_leads_to_a_comparison(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook, caplog: pytest.LogCaptureFixture
) -> None:
    """What came, changed and went in the meantime is found all the same, and only that is fetched."""
    for name in "abc":
        server.put(f"{path}{name}.vcf", person(name))
    sync(redis_client, server.url(path))
    server.put(f"{path}a.vcf", person("a", name="Ada"))
    server.delete(f"{path}b.vcf")
    server.put(f"{path}d.vcf", person("d"))
    server.forget_tokens()
    with caplog.at_level(logging.INFO):
        assert counts(sync(redis_client, server.url(path))) == (1, 1, 1, 1, 0, 0)
    assert "comparing all cards" in caplog.text
    assert names(contacts) == ["Ada", "c", "d"]
    assert counts(sync(redis_client, server.url(path))) == (0, 0, 3, 0, 0, 0)


@pytest.mark.parametrize("where", ["/", "/.well-known/carddav", "/ada%40example.org/", "/ada%40example.org/people"])
def test_the_address_book_is_found_from_anywhere(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook, where: str
) -> None:
    """From the server, its well-known address, the user's principal, or the address book itself."""
    server.put(f"{path}a.vcf", person("a"))
    assert counts(sync(redis_client, server.url(where))) == (1, 0, 0, 0, 0, 0)


def test_of_several_address_books_one_is_named(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """By its name, or by the last part of its address; else the run fails and says which there are."""
    server.put(f"{path}a.vcf", person("a"))
    work = server.make_book("work", "At Work")
    try:
        server.put(f"{work}w.vcf", person("w"))
        with pytest.raises(BookFailed, match=r"address_book to one of (“At Work”, “People”|“People”, “At Work”)"):
            sync(redis_client, server.url())
        with pytest.raises(BookFailed, match="“Home” does not name exactly one"):
            sync(redis_client, server.url(), address_book="Home")
        assert sync(redis_client, server.url(), address_book="At Work")["created"] == 1
        assert sync(redis_client, server.url(), address_book="people")["created"] == 1
        assert names(contacts) == ["a", "w"]
    finally:
        server.delete(work)


def test_a_rehearsal_tells_and_changes_nothing(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """Before the first run and between two."""
    server.put(f"{path}a.vcf", person("a"))
    server.put(f"{path}b.vcf", person("b"))
    result = sync(redis_client, server.url(path), dry_run=True)
    assert (counts(result), redis_client.keys("*")) == ((2, 0, 0, 0, 0, 0), [])
    told = sorted((change["action"], change["name"]) for change in result["changes"])
    assert told == [("created", "a"), ("created", "b")]
    sync(redis_client, server.url(path))
    server.put(f"{path}a.vcf", person("a", "BDAY:1990-04-12", name="Ada"))
    server.delete(f"{path}b.vcf")
    before = {key: redis_client.dump(key) for key in redis_client.scan_iter()}
    for _ in range(2):
        result = sync(redis_client, server.url(path), dry_run=True)
        assert (counts(result), result["dry_run"]) == ((0, 1, 0, 1, 0, 0), True)
    assert [(change["action"], change["name"], change.get("fields")) for change in result["changes"]] == [
        ("updated", "Ada", ["name", "birthday"]), ("removed", "b", None),
    ]  # fmt: skip
    assert names(contacts) == ["a", "b"]
    assert before == {key: redis_client.dump(key) for key in redis_client.scan_iter()}
    assert counts(sync(redis_client, server.url(path))) == (0, 1, 0, 1, 0, 0)


def test_a_refused_password_is_told_and_never_shown(
    redis_client: Redis, server: Radicale, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither it nor the address is in the error or the log, however much is logged."""
    with caplog.at_level(logging.DEBUG), pytest.raises(BookFailed) as refusal:
        sync(redis_client, server.url(path, password="wr0ngpass"))
    assert str(refusal.value) == ("the server refuses the user or the password in CONTACTS_URL, or asks for them (401)")
    assert "wr0ngpass" not in caplog.text and "people" not in caplog.text and "ada" not in caplog.text


def test_an_address_book_that_is_gone_takes_nobody_along(
    redis_client: Redis, server: Radicale, contacts: ContactBook
) -> None:
    """A run that finds none fails, and removes nothing."""
    gone = server.make_book("gone", "Gone")
    server.put(f"{gone}a.vcf", person("a"))
    sync(redis_client, server.url(gone))
    server.delete(gone)
    with pytest.raises(BookFailed):
        sync(redis_client, server.url(gone))
    assert names(contacts) == ["a"]


def test_without_a_setting_the_run_fails_and_names_it(redis_client: Redis) -> None:
    """CONTACTS_URL."""
    with pytest.raises(NoAddressBook, match="CONTACTS_URL is not set"):
        sync(redis_client, None)


def test_a_run_that_is_asked_to_stop_is_gone_on_with(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """Between chunks it stops with truthful counts; the next run takes the rest, and fetches nothing twice."""
    text = "".join(person(f"p{number:03d}") for number in range(120))
    server.delete(path)
    server.ask("PUT", path, text)
    stopping = context(redis_client, server.url(path))
    stopping.stops_after = 2
    first = ContactsSyncBot().run(stopping)
    assert counts(first) == (50, 0, 0, 0, 0, 70)
    assert len(names(contacts)) == 50
    assert counts(sync(redis_client, server.url(path))) == (70, 0, 50, 0, 0, 0)
    assert len(names(contacts)) == 120


def test_a_contact_deleted_here_comes_back_with_its_next_version(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """And not before: whoever deleted it meant it."""
    server.put(f"{path}a.vcf", person("a"))
    sync(redis_client, server.url(path))
    (contact,) = contacts.all()
    contacts.delete(contact.id)
    assert counts(sync(redis_client, server.url(path))) == (0, 0, 1, 0, 0, 0)
    assert names(contacts) == []
    server.put(f"{path}a.vcf", person("a", name="Ada"))
    assert counts(sync(redis_client, server.url(path))) == (1, 0, 0, 0, 0, 0)
    assert names(contacts) == ["Ada"]


def test_an_address_book_is_the_same_however_it_was_reached(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """By its own address, with or without the last slash, or from the server's."""
    server.put(f"{path}a.vcf", person("a"))
    for where in ("/", path, path.rstrip("/")):
        sync(redis_client, server.url(where))
    assert len(redis_client.keys("*:cards:*")) == 3, "its cards, what they have given, and its token"
    server.delete(f"{path}a.vcf")
    assert sync(redis_client, server.url(path))["removed"] == 1


def test_an_address_book_that_is_followed_no_more_is_forgotten(
    redis_client: Redis, server: Radicale, path: str, contacts: ContactBook
) -> None:
    """After 90 days; its contacts stay, and belong to the one that has the same people now."""
    server.put(f"{path}a.vcf", person("a"))
    sync(redis_client, server.url(path))
    new = server.make_book("new", "New")
    try:
        server.put(f"{new}a.vcf", person("a"))
        sync(redis_client, server.url(new))
        kept = {key: redis_client.ttl(key) for key in redis_client.keys("*:cards:*")}
        assert len(kept) == 6 and all(0 < ttl <= 90 * 86_400 for ttl in kept.values())
        assert names(contacts) == ["a"]
        server.delete(f"{new}a.vcf")
        for key in redis_client.keys(f"*:cards:{book_id(server, path)}*"):
            redis_client.delete(key)
        assert sync(redis_client, server.url(new))["removed"] == 1
    finally:
        server.delete(new)


def book_id(server: Radicale, path: str) -> str:
    """What an address book's keys are called by."""
    return sha256(f"127.0.0.1:{server.port}{path.replace('%40', '@')}".encode()).hexdigest()[:32]
