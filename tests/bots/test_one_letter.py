"""Each person gets one letter for one birthday, and everybody gets theirs, whatever becomes of the address book."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.contacts.reading.files import ReadOptions
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.mail import Post

TODAY, YEAR_LATER = datetime(2025, 4, 12, 8, tzinfo=UTC), datetime(2026, 4, 12, 8, tzinfo=UTC)


@pytest.fixture
def greet(redis_client: Redis, office: tuple[Post, str]) -> Callable[..., list[str]]:
    """Runs the bot over the last days; who was written to, in this run."""
    post, url = office

    def run(now: datetime = TODAY, **config: Any) -> list[str]:
        before = len(post.recipients)
        config = {"process_late": True, "max_messages_per_run": 100} | config
        context = Run(redis_client, configured(BirthdayConfig, **config), message_url=url)
        context.now = now
        BirthdayBot().run(context)
        return sorted(post.recipients[before:])

    return run


Greet = Callable[..., list[str]]


def rows(*lines: str) -> io.BytesIO:
    """A CSV file."""
    return io.BytesIO("\n".join(("name,birthday,email", *lines)).encode())


def cards(*texts: str) -> io.BytesIO:
    """A vCard file of cards, each given by its properties, separated by `|`."""
    wrapped = (f"BEGIN:VCARD\nVERSION:3.0\n{text.replace('|', chr(10))}\nEND:VCARD\n" for text in texts)
    return io.BytesIO("".join(wrapped).encode())


def test_twins_at_one_address_get_a_letter_each(book: ContactBook, greet: Greet, office: tuple[Post, str]) -> None:
    """And none of them two."""
    file = ("Amelia Rivers,1990-04-12,family@example.org", "Anna Rivers,1990-04-12,family@example.org")
    book.import_stream(rows(*file))
    assert greet() == ["family@example.org"] * 2
    assert {str(message["Subject"]).split()[-2] for message in office[0].messages} == {"Amelia", "Anna"}
    book.import_stream(rows(*reversed(file)))
    assert greet() == []


def test_who_stands_in_front_in_a_newer_export_takes_nobodys_letter(book: ContactBook, greet: Greet) -> None:
    """Amelia once in all, Aaron once."""
    book.import_stream(rows("Amelia Lake,1990-04-12,lake@example.org"))
    assert greet() == ["lake@example.org"]
    book.import_stream(rows("Aaron Lake,1992-04-11,lake@example.org", "Amelia Lake,1990-04-12,lake@example.org"))
    assert greet() == ["lake@example.org"]
    assert greet() == []
    assert greet(YEAR_LATER) == ["lake@example.org"] * 2


@pytest.mark.parametrize("deleted", [None, "greeted", "another"])
def test_five_cards_of_one_person_bring_one_letter(book: ContactBook, greet: Greet, deleted: str | None) -> None:
    """In one run and over several, also when one of them is deleted in between, and comes again."""
    names = ("John Doe", "Doe John", r"Doe\, John", "John  DOE", "Dr. John Doe")
    file = [f"UID:{n}|FN:{name}|EMAIL:john@example.org|BDAY:1990-04-12" for n, name in enumerate(names)]
    book.import_stream(cards(*file))
    assert greet() == ["john@example.org"]
    if deleted:
        found = sorted(book.all(), key=lambda one: one.last_messaged_at is None)
        book.delete(found[0 if deleted == "greeted" else -1].id)
    assert greet() == []
    book.import_stream(cards(*reversed(file)))
    assert greet() == [] and len(list(book.all())) == 5
    assert greet(YEAR_LATER) == ["john@example.org"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FN:A B|EMAIL:old@example.org|BDAY:1990-04-12", "FN:A B|EMAIL:new@example.org|EMAIL:old@example.org"),
        ("FN:A B|EMAIL:old@example.org|BDAY:1990-04-12", "FN:B A|EMAIL:old@example.org|BDAY:1990-04-11"),
        ("FN:A B|EMAIL:old@example.org|BDAY:--04-12", "FN:Dr. A B|EMAIL:old@example.org|BDAY:1990-04-12"),
        ("FN:A B|EMAIL:old@example.org|BDAY:--04-12", "FN:A B|EMAIL:old@example.org|BDAY:1990-04-12|UID:new"),
        ("FN:A B|EMAIL:old@example.org|BDAY:--04-12|UID:u", "FN:A C|EMAIL:c@example.org|BDAY:1990-04-11|UID:u"),
    ],
)
@pytest.mark.parametrize("deleted", [False, True])
def test_what_is_corrected_brings_no_second_letter(
    book: ContactBook, greet: Greet, before: str, after: str, deleted: bool
) -> None:
    """Also if the contact was deleted in between."""
    book.import_stream(cards(before))
    assert greet() == ["old@example.org"]
    if deleted:
        book.delete(next(book.all()).id)
    book.import_stream(cards(after))
    assert greet() == [] and len(list(book.all())) == 1


def test_without_an_address_a_corrected_birthday_is_greeted_once(
    book: ContactBook, redis_client: Redis, greet: Greet
) -> None:
    """The address comes last, and with it the only letter."""
    for line in ("Amelia Rivers,--04-11,", "Amelia Rivers,1990-04-11,", "Amelia Rivers,1990-04-12,"):
        book.import_stream(rows(line))
        assert greet() == []
    book.import_stream(rows("Rivers Amelia,1990-04-12,a@example.org"))
    assert greet() == ["a@example.org"]


def test_contacts_that_are_merged_by_hand_share_what_was_sent(
    book: ContactBook, redis_client: Redis, greet: Greet
) -> None:
    """Nothing but the merge says that they are one."""
    book.import_stream(rows("Amelia Rivers,1990-04-12,a@example.org"))
    assert greet() == ["a@example.org"]
    book.import_stream(rows("Amy Lake,1990-04-11,lake@example.org"))
    amelia, amy = (next(one for one in book.all() if one.name == name) for name in ("Amelia Rivers", "Amy Lake"))
    merge(redis_client, into=amy.id, other=amelia.id)
    assert greet() == []
    book.delete(amy.id)
    book.import_stream(rows("Amelia Rivers,1990-04-12,a@example.org"))
    assert greet() == []
    assert greet(YEAR_LATER) == ["a@example.org"]


@pytest.mark.parametrize("first", ["merged", "stays"])
def test_a_merge_between_the_reading_and_the_claim_brings_no_second_letter(
    book: ContactBook, redis_client: Redis, office: tuple[Post, str], first: str
) -> None:
    """A run has read both of them; they have nothing in common but the merge."""
    post, url = office
    names = ("A Merged", "B Stays") if first == "merged" else ("B Merged", "A Stays")
    book.import_stream(rows(f"{names[0]},1990-04-12,", f"{names[1]},1991-04-12,stays@example.org"))
    by_name = {one.name: one.id for one in book.all()}
    book.update(by_name[names[0]], {"emails": ["merged@example.org"]})
    context = Run(redis_client, configured(BirthdayConfig), message_url=url)
    post.before_taking = lambda: None
    inner = context.ledger

    class Merges:
        """They are merged before the first claim."""

        done = False

        def claim(self, key: str, **how: Any) -> str:
            if not self.done:
                self.done = True
                merge(redis_client, into=by_name[names[1]], other=by_name[names[0]])
            return str(inner.claim(key, **how))

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

    context.ledger = Merges()
    result = BirthdayBot().run(context)
    assert (len(post.messages), result["sent"], result["already"]) == (1, 1, 1)


def merge(client: Redis, into: str, other: str) -> None:
    """As a person decides it."""
    ContactBook(client, Keys()).merge(into, {"from": [other]})


def test_merged_on_the_very_day_nobody_is_greeted_twice_and_everybody_once(book: ContactBook, greet: Greet) -> None:
    """Whichever of them was greeted before, and whatever file comes again between the runs."""
    people = rows(*(f"{name} Rivers,1990-04-12,{name}@example.org" for name in ("amy", "amelia", "mia", "kim")))
    book.import_stream(people)
    assert len(greet(max_messages_per_run=2)) == 2
    ids = {one.emails[0]: one.id for one in book.all()}
    greeted = [one.id for one in book.all() if one.last_messaged_at is not None]
    waiting = [one for one in ids.values() if one not in greeted]
    book.merge(waiting[0], {"from": greeted})
    for first_time in (True, False):
        people.seek(0)
        report = book.import_stream(people)
        assert (report["created"], report["updated"], report["unchanged"]) == (0, 0, 4)
        letters = greet()
        assert letters == ([next(mail for mail, one in ids.items() if one == waiting[1])] if first_time else [])
    assert book.get(waiting[0])["last_messaged_at"] is not None


def test_a_name_that_was_given_by_hand_and_taken_back_keeps_nobody_from_a_letter(
    book: ContactBook, greet: Greet
) -> None:
    """What one of two was called for a moment does not make them one."""
    book.import_stream(rows("Ann P,1990-04-11,f@example.org", "Bea P,1990-06-01,f@example.org"))
    assert greet() == ["f@example.org"]
    (bea,) = (one.id for one in book.all() if one.name == "Bea P")
    book.update(bea, {"name": "Ann P"})
    book.update(bea, {"name": "Bea P", "birthday": "1990-04-12"})
    assert greet() == ["f@example.org"]
    assert greet() == []


def test_an_address_that_was_given_by_hand_and_taken_back_keeps_nobody_from_a_letter(
    book: ContactBook, greet: Greet
) -> None:
    """Of two with one name."""
    book.import_stream(rows("Ann O,1990-04-12,ann@example.org", "Ann O,1991-04-11,other@example.org"))
    (other,) = (one.id for one in book.all() if one.emails == ("other@example.org",))
    for email in ("ann@example.org", "other@example.org"):
        book.update(other, {"emails": [email]})
    assert greet() == ["ann@example.org", "other@example.org"]
    assert greet() == []


def test_who_was_read_with_a_wrong_name_gets_no_second_letter(book: ContactBook, greet: Greet) -> None:
    """The file is imported again in the encoding that is right."""
    file = "name,birthday,email\nČeněk Šlégl,1990-04-12,cenek@example.org\n".encode("cp1250")
    book.import_stream(io.BytesIO(file), ReadOptions(charset="windows-1252"))
    assert greet() == ["cenek@example.org"]
    book.import_stream(io.BytesIO(file), ReadOptions(charset="windows-1250"))
    assert greet() == []
