"""An address book of the first version: everybody keeps their id, and nobody in it is greeted twice."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.domain.people.traits import Traits, id_of_uid, identities_of
from service.store import migrations
from service.store.keys import Keys
from service.store.ledger import LIFETIME
from service.store.migrations import identify_contacts
from service.store.schema import ensure_schema
from service.usecases.contacts import ContactBook
from tests.store.make_people_fixture import ADDRESS, CARDS, DELETED, HEADINGS, NOW, ROWS, SYNCED, card, received
from tests.support.bot_runs import Run, configured
from tests.support.dumps import load
from tests.support.installation import ROOT
from tests.support.migrating import let_one_die_and_two_migrate
from tests.support.servers.mail import Post, post_office
from tests.support.servers.valkey import ValkeyServer

FIXTURE = ROOT / "tests" / "store" / "fixtures" / "version_1_people.jsonl"
KEYS = Keys()
FOREVER = 1_000


@pytest.fixture
def first_version(redis_client: Redis) -> Redis:
    """What the last release of the first version left behind."""
    load(redis_client, FIXTURE.read_text().splitlines())
    return redis_client


@pytest.fixture
def migrated(first_version: Redis) -> Redis:
    """The same, migrated."""
    ensure_schema(first_version, KEYS)
    return first_version


@pytest.fixture
def office() -> Iterator[tuple[Post, str]]:
    """A mail server and its MESSAGE_URL."""
    with post_office() as running:
        yield running


def book(client: Redis) -> ContactBook:
    """Its address book."""
    return ContactBook(client, KEYS)


def contents(client: Redis) -> dict[str, Any]:
    """What was kept in the first version, but for what the migration adds to it."""
    found: dict[str, Any] = {}
    for key in client.scan_iter():
        name = key.decode().removeprefix("bot-scheduler:")
        if not name.startswith(("identity:", "contacts:before", "schema_", "enabled_jobs")):
            row = client.hgetall(key) if name.startswith("contact:") else client.dump(key)
            found[name] = (
                {field: value for field, value in row.items() if field != b"identities"}
                if isinstance(row, dict)
                else row
            )
    return found


def csv(*lines: str) -> io.BytesIO:
    """A file as it was imported first, or a newer one."""
    return io.BytesIO("\n".join((HEADINGS, *lines)).encode())


def greet(client: Redis, url: str) -> int:
    """One run on the day of the fixture; how many were greeted."""
    context = Run(client, configured(BirthdayConfig, process_late=True, max_messages_per_run=100), message_url=url)
    context.now = NOW
    return int(BirthdayBot().run(context)["messages_sent"])


def test_contacts_keep_their_ids_and_all_that_is_theirs(first_version: Redis) -> None:
    """Ledger, cards and indices stay as they are; everybody is found by what they are known by."""
    before = contents(first_version)
    ensure_schema(first_version, KEYS)
    assert contents(first_version) == before
    for one in book(first_version).all():
        traits = Traits(one.name, (), one.emails, one.birthday)
        assert set(identities_of(traits, bare=not any(i[0] == "u" for i in one.identities))) <= set(one.identities)
        for identity in one.identities:
            assert one.id.encode() in (first_version.get(KEYS.identity(identity)) or b"").split()
    before_now: Any = first_version.smembers(KEYS.contacts_before)
    assert len([member for member in before_now if b":" not in member]) == len(DELETED)
    assert LIFETIME - 60 < first_version.ttl(KEYS.contacts_before) <= LIFETIME


def test_migrating_again_changes_nothing(migrated: Redis) -> None:
    """A kill can cut it off anywhere, and it is begun anew."""
    before = {key: migrated.dump(key) for key in migrated.scan_iter()}
    identify_contacts(migrated, KEYS, lambda: None)
    assert {key: migrated.dump(key) for key in migrated.scan_iter()} == before


@pytest.mark.slow(reason="three processes start")
@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_of_two_processes_one_migrates_also_if_one_is_killed_within(
    first_version: Redis, valkey_server: ValkeyServer, dies_at: int
) -> None:
    """The other one takes over once the lease has ended, and does all of it."""
    before = contents(first_version)
    let_one_die_and_two_migrate("identify_contacts", valkey_server, first_version, KEYS, dies_at)
    assert (first_version.get(KEYS.schema_version), contents(first_version)) == (b"2", before)
    assert all(one.identities for one in book(first_version).all())


def test_what_older_processes_write_meanwhile_is_found(first_version: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """They notice within 5 s that another migrates; it looks at everybody once more after that."""
    monkeypatch.setattr(migrations, "SETTLE_SECONDS", 0.01)
    (amelia,) = [one for one in book(first_version).all() if one.name == "Amelia Lake"]
    new = id_of_uid("new")
    writes = iter(range(FOREVER))

    def step() -> None:
        number = next(writes)
        if number == 1:
            first_version.hset(KEYS.contact(amelia.id), "emails", '["later@example.org"]')
        elif number == 2:
            first_version.hset(KEYS.contact(new), mapping={"name": "New", "source": "carddav"})
            first_version.zadd(KEYS.contacts, {new: 0})

    identify_contacts(first_version, KEYS, step)
    assert book(first_version).import_stream(csv("Amelia Lake,,later@example.org"))["created"] == 0
    report = book(first_version).import_stream(io.BytesIO(card("new", "New", "1990-01-01", "new@example.org").encode()))
    assert report["created"] == 0


def test_what_an_older_bot_still_makes_afterwards_is_found_by_its_id(migrated: Redis) -> None:
    """A run that was under way goes on in its old process."""
    by_uid, by_address = id_of_uid("late"), "4d285426-8e36-5747-84bb-fb5a858959f2"
    migrated.hset(KEYS.contact(by_uid), mapping={"name": "Late", "source": "carddav"})
    migrated.zadd(KEYS.contacts, {by_uid: 0})
    migrated.hdel(KEYS.contact(by_address), "identities")
    migrated.delete(*migrated.keys("*:identity:*"))
    text = card("late", "Late", "1990-01-01", "late@example.org")
    assert book(migrated).import_stream(io.BytesIO(text.encode()))["created"] == 0
    assert book(migrated).import_stream(csv("Lake Amelia,1990-04-12,LAKE@example.org"))["created"] == 0


NEWER = ("Aaron Lake,1992-04-11,lake@example.org", "Aunt Rivers,1950-04-12,aunt@example.org")


@pytest.mark.parametrize("order", ["as it was", "the other way round"])
def test_nobody_is_greeted_twice_and_nobody_is_left_out(migrated: Redis, office: tuple[Post, str], order: str) -> None:
    """The files are imported again, newer ones with others in front, and the address book is synced."""
    post, url = office
    assert greet(migrated, url) == 0
    rows = [*NEWER, *(ROWS if order == "as it was" else reversed(ROWS))]
    contacts = book(migrated)
    report = contacts.import_stream(csv(*rows))
    assert (report["created"], report["updated"]) == (2 + 3, 0)  # the new ones, and of the rows three were deleted
    new_cards = (card("u9", "Uri New", "1990-04-12", "uri@example.org"), *CARDS)
    report = contacts.import_stream(io.BytesIO("".join(new_cards).encode()))
    assert (report["created"], report["updated"]) == (2, 0)
    synced = contacts.synced(ADDRESS).take(received(SYNCED))
    assert [became for _, became in synced] == ["unchanged", "unchanged"]
    contacts.create({"name": "Posted Gone", "birthday": "--04-12", "emails": ["gone@example.org"]})
    came_back = [one for one in contacts.all() if one.name in DELETED]
    ids_before: Any = migrated.smembers(KEYS.contacts_before)
    assert {one.id.encode() for one in came_back} == {member for member in ids_before if b":" not in member}
    assert all(one.former_ids == () for one in came_back)
    for _ in range(2):
        greet(migrated, url)
    assert sorted(post.recipients) == ["aunt@example.org", "lake@example.org", "uri@example.org"]
    assert [str(message["Subject"]) for message in post.messages if message["To"] == "lake@example.org"] == [
        str(message["Subject"]) for message in post.messages if "Aaron" in str(message["Subject"])
    ]
    assert len(list(contacts.all())) == len({*ROWS}) + 2 + 4 + 2 + 3  # rows, cards, synced, posted


@pytest.mark.parametrize("way", ["file", "address book"])
def test_who_was_greeted_and_deleted_is_not_greeted_again_when_they_come_with_a_uid(
    migrated: Redis, office: tuple[Post, str], way: str
) -> None:
    """Somebody clears what came from a spreadsheet, and follows an address book instead."""
    post, url = office
    texts = [
        card("k1", "Kim Rivers", "1991-04-12", "kim@example.org"),
        card("k2", "Posted Gone", "1990-04-12", "gone@example.org"),
        card("k3", "Nina New", "1990-04-12", "nina@example.org"),
    ]
    if way == "file":
        assert book(migrated).import_stream(io.BytesIO("".join(texts).encode()))["created"] == 3
    else:
        cards = received({f"/people/{number}.vcf": text for number, text in enumerate(texts)})
        assert [became for _, became in book(migrated).synced(ADDRESS).take(cards)] == ["created"] * 3
    greet(migrated, url)
    assert post.recipients == ["nina@example.org"]


def test_a_card_gets_its_contact_also_where_addresses_changed(migrated: Redis) -> None:
    """By the id of the first version, which followed from the address that it had then."""
    (peter,) = [one for one in book(migrated).all() if one.name == "Peter Pond"]
    assert book(migrated).import_stream(csv("Pond Peter,,peter.old@example.org"))["created"] == 0
    assert book(migrated).import_stream(csv("Peter Pond,,peter.new@example.org"))["created"] == 0
    assert book(migrated).import_stream(csv("Paula Pond,,peter.old@example.org"))["created"] == 1
    assert book(migrated).get(peter.id)["name"] == "Peter Pond"


def test_contacts_of_different_uids_are_not_taken_for_one(redis_client: Redis) -> None:
    """The first version kept no UID, but the ids say that there was one: five cards stay five contacts."""
    for number in range(5):
        one = id_of_uid(f"j{number}")
        mapping = {"name": "John Doe", "birthday": "1990-04-12", "emails": '["j@example.org"]'}
        redis_client.hset(KEYS.contact(one), mapping=mapping)  # type: ignore[arg-type]
        redis_client.zadd(KEYS.contacts, {one: 0})
        redis_client.sadd(KEYS.birthdays(4, 12), one)
    redis_client.set(KEYS.schema_version, 1)
    ensure_schema(redis_client, KEYS)
    before = sorted(one.id for one in book(redis_client).all())
    texts = [card(f"j{number}", "John Doe", "1990-04-12", "j@example.org") for number in range(-1, 5)]
    assert book(redis_client).import_stream(io.BytesIO("".join(texts).encode()))["created"] == 1
    assert set(before) < {one.id for one in book(redis_client).all()}


def test_a_year_later_all_members_of_a_deleted_family_are_greeted(migrated: Redis, office: tuple[Post, str]) -> None:
    """What the ledger knew of an address before counts for each; what it learns of one of them later does not."""
    post, url = office
    family = [f"{name} Brook,1990-04-12,family@example.org" for name in ("Son", "Daughter", "Mum")]
    book(migrated).import_stream(csv(*family))
    assert greet(migrated, url) == 0
    (heir,) = [one for one in book(migrated).all() if one.id.encode() in migrated.smembers(KEYS.contacts_before)]
    book(migrated).update(heir.id, {"name": f"A {heir.name}"})  # who has the id of before is greeted first
    context = Run(migrated, configured(BirthdayConfig, max_messages_per_run=100), message_url=url)
    context.now = NOW.replace(year=2026)
    BirthdayBot().run(context)
    assert post.recipients.count("family@example.org") == 3
