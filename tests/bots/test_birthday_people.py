"""Who is greeted, and what is told of them: the dead are not, and nobody is called older than people become."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.mail import Post


def run(client: Redis, url: str, **config: Any) -> dict[str, Any]:
    """One run of the bot on April 12, 2025; `url` is told of digests, too."""
    me = url.replace("{email}", "me@example.org")
    return BirthdayBot().run(Run(client, configured(BirthdayConfig, **config), message_url=url, alert_url=me))


def counted(result: dict[str, Any]) -> dict[str, int]:
    """What is not nought."""
    return {name: value for name, value in result.items() if type(value) is int and value and name != "messages_sent"}


def born(book: ContactBook, name: str, birthday: str = "1990-04-12", **fields: Any) -> str:
    """Puts somebody into the book and answers their id."""
    return str(book.create({"name": name, "birthday": birthday, "emails": [f"{name}@example.org"]} | fields)["id"])


def test_the_dead_are_not_greeted(redis_client: Redis, book: ContactBook, office: tuple[Post, str]) -> None:
    """They are counted, also those without an address; once that is taken back, they are greeted."""
    post, url = office
    dead = born(book, "ada", deceased=True)
    book.create({"name": "Bob", "birthday": "--04-12", "deceased": True})
    born(book, "zoe")
    assert counted(run(redis_client, url)) == {"found": 3, "sent": 1, "skipped_deceased": 2}
    assert post.recipients == ["zoe@example.org"]
    assert len(redis_client.keys("*:ledger:*")) == 1
    book.update(dead, {"deceased": False})
    assert counted(run(redis_client, url)) == {"found": 3, "sent": 1, "already": 1, "skipped_deceased": 1}


def test_who_died_after_the_greeting_is_counted_as_dead(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """Whatever the ledger has."""
    dead = born(book, "ada")
    run(redis_client, office[1])
    book.update(dead, {"deceased": True})
    assert counted(run(redis_client, office[1], process_late=True)) == {"found": 1, "skipped_deceased": 1}


def test_a_digest_does_not_tell_of_the_dead(redis_client: Redis, book: ContactBook, office: tuple[Post, str]) -> None:
    """If nobody is left, it is not sent."""
    post, url = office
    born(book, "ada", deceased=True)
    assert counted(run(redis_client, url, deliver_to="me")) == {"found": 1, "skipped_deceased": 1}
    assert post.messages == []
    born(book, "zoe")
    assert counted(run(redis_client, url, deliver_to="me")) == {"found": 2, "sent": 1, "skipped_deceased": 1}
    assert post.messages[0]["Subject"] == "Birthdays: zoe"
    assert "ada" not in post.messages[0].get_content()


@pytest.mark.parametrize("deliver_to", ["contacts", "me"])
def test_a_rehearsal_leaves_the_dead_out(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str], deliver_to: str
) -> None:
    """As the live run would."""
    born(book, "ada", deceased=True)
    born(book, "zoe")
    result = run(redis_client, office[1], dry_run=True, deliver_to=deliver_to)
    assert (result["found"], result["skipped_deceased"], result["would_send"]) == (2, 1, 1)
    assert "ada" not in str(result["messages"])


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"emails": []}, "without an address that MESSAGE_URL names"),
        ({"deceased": True}, "marked as deceased"),
    ],
)
@pytest.mark.parametrize(
    ("count", "named"),
    [(1, "p00"), (2, "p00 and p01"), (20, ", ".join(f"p{number:02}" for number in range(19)) + " and p19"),
     (23, ", ".join(f"p{number:02}" for number in range(20)) + " and 3 more")],
)  # fmt: skip
def test_the_log_names_who_is_skipped(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str], caplog: pytest.LogCaptureFixture,
    dry_run: bool, fields: dict[str, Any], why: str, count: int, named: str,
) -> None:  # fmt: skip
    """Up to 20, and then how many more: a live run's and a rehearsal's."""
    for number in range(count):
        born(book, f"p{number:02}", **fields)
    born(book, "zoe")
    with caplog.at_level("INFO", logger="tests.bots"):
        run(redis_client, office[1], dry_run=dry_run)
    assert [line for line in caplog.messages if line.startswith("Skipped")] == [f"Skipped {count} {why}: {named}"]


def test_the_log_does_not_speak_of_skipping_where_nobody_is(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str], caplog: pytest.LogCaptureFixture
) -> None:
    """A digest needs no address."""
    born(book, "zoe", emails=[])
    with caplog.at_level("INFO", logger="tests.bots"):
        assert counted(run(redis_client, office[1], deliver_to="me")) == {"found": 1, "sent": 1}
    assert not any("Skipped" in line for line in caplog.messages)


def test_a_name_in_the_log_of_the_skipped_is_one_short_line(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str], caplog: pytest.LogCaptureFixture
) -> None:
    """However it came to be stored."""
    for known_as, name in (("x", "A\nzoe: sent\u2028\x1b[2J"), ("y", "B" * 200), ("z", "\u202e\u200b")):
        redis_client.hset(Keys().contact(born(book, known_as, emails=[])), "name", name)
    with caplog.at_level("INFO", logger="tests.bots"):
        run(redis_client, office[1])
    (line,) = (line for line in caplog.messages if "Skipped" in line)
    assert line == f"Skipped 3 without an address that MESSAGE_URL names: A zoe: sent [2J, {'B' * 39}… and ?"


@pytest.mark.parametrize("year", ["0001", "1604", "1899", "1900", "1904"])
def test_a_letter_tells_no_age_where_the_year_is_nobodys(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str], year: str
) -> None:
    """Also where an earlier release has stored it; neither the service's words nor a job's own have the year."""
    post, url = office
    contact_id = born(book, "ada")
    redis_client.hset(Keys().contact(contact_id), "birthday", f"{year}-04-12")
    own = {"*": {"on_time": "Hello\n\n{{ birthday }} {{ age }}"}}
    for templates in (None, own):
        context = Run(redis_client, configured(BirthdayConfig, templates=templates), message_url=url)
        context.now = datetime(2025 + len(post.messages), 4, 12, tzinfo=UTC)
        BirthdayBot().run(context)
    shipped, with_own = (message.get_content() for message in post.messages)
    assert "being" not in shipped and str(2025 - int(year)) not in shipped
    assert with_own.strip() == "--04-12 None"
