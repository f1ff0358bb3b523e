"""What a birthday job may choose: to whom it tells, its own words, and what becomes of a message left unknown."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.errors import ChannelUnavailable
from service.store.keys import Keys
from service.store.ledger import RedisLedger
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.processes import find_free_port
from tests.support.servers.mail import Post

ME = "&to=me@example.org"


def to(address: str, url: str) -> str:
    """The URL with one fixed address."""
    return url.replace("{email}", address)


def counted(result: dict[str, Any]) -> dict[str, int]:
    """What is not nought."""
    return {name: value for name, value in result.items() if type(value) is int and value}


def run(client: Redis, alert_url: str | None = None, message_url: str | None = None, **config: Any) -> dict[str, Any]:
    """One run of the bot on April 12, 2025."""
    context = Run(client, configured(BirthdayConfig, **config), message_url=message_url, alert_url=alert_url)
    return BirthdayBot().run(context)


def test_a_digest_tells_me_of_everybody_once(redis_client: Redis, book: ContactBook, office: tuple[Post, str]) -> None:
    """One message, whatever the limit, also of those without an address; nobody is marked as messaged."""
    post, url = office
    for name in ("Amelia", "Chidi"):
        book.create({"name": name, "birthday": "1990-04-12"})
    late = book.create({"name": "Zoe", "birthday": "--04-10", "emails": ["zoe@example.org"]})
    config: dict[str, Any] = {"deliver_to": "me", "process_late": True, "max_messages_per_run": 1}
    result = run(redis_client, to("me@example.org", url), **config)
    assert counted(result) == {"messages_sent": 1, "found": 3, "sent": 3}
    (message,) = post.messages
    assert (message["To"], message["Subject"]) == ("me@example.org", "Birthdays: Amelia, Chidi, Zoe")
    assert message.get_content().splitlines()[:3] == [
        "- Amelia: today, turning 35",
        "- Chidi: today, turning 35",
        "- Zoe: 2 days ago, zoe@example.org",
    ]
    assert book.get(late["id"])["last_messaged_at"] is None
    book.create({"name": "Late Comer", "birthday": "--04-11"})
    assert counted(run(redis_client, to("me@example.org", url), **config)) == {
        "messages_sent": 1, "found": 4, "sent": 1, "already": 3,
    }  # fmt: skip
    assert post.messages[1]["Subject"] == "Birthdays: Late Comer"
    assert counted(run(redis_client, to("me@example.org", url), **config)) == {"found": 4, "already": 4}
    assert len(post.messages) == 2


def test_a_digest_does_not_stand_for_the_greeting(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """A job that greets the contacts themselves does so too."""
    post, url = office
    book.create({"name": "Zoe", "birthday": "--04-12", "emails": ["zoe@example.org"]})
    run(redis_client, to("me@example.org", url), deliver_to="me")
    assert counted(run(redis_client, None, url, deliver_to="contacts"))["sent"] == 1
    assert post.recipients == ["me@example.org", "zoe@example.org"]


def test_a_digest_is_rehearsed_as_one_message(redis_client: Redis, book: ContactBook) -> None:
    """In the job's language; nothing is sent or written, and ALERT_URL need not be set."""
    book.create({"name": "Zoe", "birthday": "1990-04-12"})
    before = sorted(redis_client.keys("*"))
    result = run(redis_client, deliver_to="me", dry_run=True, language="de")
    assert (result["would_send"], result["messages_sent"]) == (1, 0)
    assert result["messages"] == [
        {
            "contact_id": None,
            "name": None,
            "to": "ALERT_URL",
            "subject": "Geburtstage: Zoe",
            "body": "- Zoe: heute, 35 Jahre\n",
        }
    ]
    assert sorted(redis_client.keys("*")) == before
    assert run(redis_client, deliver_to="me", dry_run=True, today="2025-01-01")["messages"] == []


def test_a_digest_that_nobody_takes_is_told_again_by_the_next_run(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """The run fails with the reason; with several URLs one that takes it is enough."""
    post, url = office
    book.create({"name": "Zoe", "birthday": "--04-12"})
    dead = f"mailto://127.0.0.1:{find_free_port()}?from=me@example.org&to=me@example.org"
    with pytest.raises(ChannelUnavailable, match="ALERT_URL is not set"):
        run(redis_client, deliver_to="me")
    with pytest.raises(ChannelUnavailable, match="ALERT_URL did not take the message") as failure:
        run(redis_client, dead, deliver_to="me")
    assert counted(failure.value.result) == {"found": 1, "left_over": 1}  # type: ignore[attr-defined]
    assert redis_client.keys("*:ledger:*") == []
    assert counted(run(redis_client, f"{dead} {to('me@example.org', url)}", deliver_to="me"))["sent"] == 1
    assert post.recipients == ["me@example.org"]


def test_a_digest_that_may_have_gone_out_is_unknown(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """And sent again only if the job says so."""
    post, url = office
    book.create({"name": "Zoe", "birthday": "--04-12"})
    assert counted(run(redis_client, to("drop@example.org", url), deliver_to="me")) == {"found": 1, "unknown": 1}
    assert counted(run(redis_client, to("me@example.org", url), deliver_to="me")) == {"found": 1, "unknown": 1}
    assert post.recipients == ["drop@example.org"]


def test_a_digest_whose_run_is_asked_to_stop_claims_nothing(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """The next run tells of them."""
    book.create({"name": "Zoe", "birthday": "--04-12"})
    context = Run(redis_client, configured(BirthdayConfig, deliver_to="me"), alert_url=office[1], stops_after=0)
    assert counted(BirthdayBot().run(context)) == {"found": 1, "left_over": 1}
    assert redis_client.keys("*:ledger:*") == []


def test_an_unknown_message_is_sent_again_only_if_the_job_says_so(
    redis_client: Redis, book: ContactBook, office: tuple[Post, str]
) -> None:
    """Not while the run that claimed it is under way."""
    post, url = office
    contact = book.create({"name": "Zoe", "birthday": "--04-12", "emails": ["zoe@example.org"]})
    redis_client.hset(Keys().run("dead"), "status", "running")
    RedisLedger(redis_client, Keys(), "birthday", "dead").claim(f"{contact['id']}:2025")
    for choice, expected in (("skip", "unknown"), ("resend", "unknown")):
        assert counted(run(redis_client, None, url, on_unknown_delivery=choice)) == {"found": 1, expected: 1}
    redis_client.hset(Keys().run("dead"), "status", "failed")
    assert counted(run(redis_client, None, url)) == {"found": 1, "unknown": 1}
    assert run(redis_client, None, url, on_unknown_delivery="resend", dry_run=True)["would_send"] == 1
    for expected in ("sent", "already"):
        assert counted(run(redis_client, None, url, on_unknown_delivery="resend"))[expected] == 1
    assert post.recipients == ["zoe@example.org"]


def test_a_jobs_own_words_go_out(redis_client: Redis, book: ContactBook, office: tuple[Post, str]) -> None:
    """By the contact's language; one for whom they fail is told of, and nothing of theirs is claimed."""
    post, url = office
    for name, language in (("Amelia", None), ("Inès", "fr-CA"), ("Lena", "de")):
        body = {"name": name, "birthday": "--04-12", "emails": [f"{name[0].lower()}@example.org"]}
        book.create(body | ({"language": language} if language else {}))
    own = {
        "fr": {"on_time": "Coucou {{ name }}\n\nBises."},
        "de": {"on_time": "{{ name }}\n\n{{ 1 // (name|length - 4) }}"},
    }
    result = run(redis_client, None, url, templates=own)
    assert sorted(str(message["Subject"]) for message in post.messages) == ["Coucou Inès", "Happy birthday, Amelia!"]
    assert counted(result) == {"messages_sent": 2, "found": 3, "sent": 2, "failed": 1}
    assert (result["failures"][0]["name"], "by zero" in result["failures"][0]["reason"]) == ("Lena", True)
    assert len(redis_client.keys("*:ledger:*")) == 2
