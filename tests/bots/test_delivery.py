"""Whom a test message and a live birthday run really reach, by what the mail server was asked for."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import falcon.testing
import pytest
from redis import Redis

from service.asgi import assemble
from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.settings import Settings
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.mail import Post
from tests.support.servers.scripted_smtp import BREAK, scripted

REACHED = [
    ("o'neil@example.org", "o'neil@example.org"),
    ("sean.o'brien@example.org", "sean.o'brien@example.org"),
    ("ivan@xn--e1afmkfd.xn--p1ai", "ivan@xn--e1afmkfd.xn--p1ai"),
    ("+ab@example.org", "+ab@example.org"),
    ("ab+@example.org", "ab+@example.org"),
    ("jos@bücher.example", "jos@xn--bcher-kva.example"),
]


def asked(redis_url: str, message_url: str, body: Any, **settings: Any) -> tuple[int, Any]:
    """A test message by the API."""
    made = Settings.model_validate({"redis_url": redis_url, "api_key": "k", "message_url": message_url, **settings})
    client = falcon.testing.TestClient(assemble(made), headers={"X-API-Key": "k"})
    answer = client.simulate_post("/scheduler/messages/test", json=body)
    return answer.status_code, answer.json


def run(client: Redis, url: str, **config: Any) -> dict[str, Any]:
    """One run of the bot on April 12, 2025."""
    return BirthdayBot().run(Run(client, configured(BirthdayConfig, **config), message_url=url, run_id=str(uuid4())))


@pytest.mark.parametrize(("address", "recipient"), REACHED)
def test_a_test_message_reaches_that_address(
    redis_client: Redis, valkey_server: Any, office: tuple[Post, str], address: str, recipient: str
) -> None:
    """And what was answered is true."""
    post, url = office
    status, answer = asked(valkey_server.url, url, {"email": address})
    assert (status, answer["to"], post.asked) == (200, address, [recipient])


@pytest.mark.parametrize(("address", "recipient"), REACHED)
def test_a_live_run_reaches_that_address(
    redis_client: Redis, office: tuple[Post, str], address: str, recipient: str
) -> None:
    """What counts as sent went there."""
    post, url = office
    ContactBook(redis_client, Keys()).create({"name": "Sean", "birthday": "1990-04-12", "emails": [address]})
    assert run(redis_client, url)["sent"] == 1
    assert post.asked == [recipient]


def test_who_cannot_be_reached_is_told_by_name_and_does_not_stop_the_others(
    redis_client: Redis, valkey_server: Any, office: tuple[Post, str]
) -> None:
    """A local part that is not ASCII is the reason."""
    post, url = office
    book = ContactBook(redis_client, Keys())
    book.create({"name": "José", "birthday": "1990-04-12", "emails": ["josé@example.org"]})
    book.create({"name": "Kim", "birthday": "1990-04-12", "emails": ["kim@example.org"]})
    result = run(redis_client, url)
    assert (result["sent"], result["failed"], post.asked) == (1, 1, ["kim@example.org"])
    status, answer = asked(valkey_server.url, url, {"email": "josé@example.org"})
    assert status == 502 and "josé@example.org" in answer["detail"] and "not ASCII" in answer["detail"]


def test_a_phone_number_is_read_by_the_country_of_the_setting(
    redis_client: Redis, valkey_server: Any, office: tuple[Post, str]
) -> None:
    """By the API and the bot; without the setting it is refused by name."""
    post, url = office
    url = url.replace("{email}", "{phone}@sms.example.org")
    body = {"phone": "(415) 555-0100"}
    assert asked(valkey_server.url, url, body, phone_region="us")[0] == 200
    status, answer = asked(valkey_server.url, url, body)
    assert status == 502 and "(415) 555-0100" in answer["detail"] and "PHONE_REGION" in answer["detail"]
    ContactBook(redis_client, Keys()).create({"name": "Kim", "birthday": "1990-04-12", "phones": ["(415) 555-0100"]})
    context = Run(redis_client, configured(BirthdayConfig), message_url=url, phone_region="US")
    assert BirthdayBot().run(context)["sent"] == 1
    assert post.asked == ["+14155550100@sms.example.org"] * 2


def test_a_name_of_two_hundred_umlauts_is_greeted(redis_client: Redis, office: tuple[Post, str]) -> None:
    """The subject is folded, and read back whole."""
    post, url = office
    name = "Ü" * 200
    ContactBook(redis_client, Keys()).create({"name": name, "birthday": "1990-04-12", "emails": ["u@example.org"]})
    assert run(redis_client, url.replace("{email}", "{name}<{email}>"))["sent"] == 1
    assert name in str(post.messages[0]["Subject"])


def test_a_run_uses_one_connection_and_ends_it(redis_client: Redis) -> None:
    """However many it greets."""
    book = ContactBook(redis_client, Keys())
    for number in range(5):
        book.create({"name": f"Kim {number}", "birthday": "1990-04-12", "emails": [f"kim{number}@example.org"]})
    with scripted() as server:
        assert run(redis_client, server.url)["sent"] == 5
        (heard,) = server.connections
    assert len(heard.texts) == 5 and heard.commands[-1] == "quit"


def test_a_greeting_that_is_sent_again_has_the_same_message_id(redis_client: Redis) -> None:
    """Of the first it is not known whether it arrived."""
    ContactBook(redis_client, Keys()).create({"name": "Kim", "birthday": "1990-04-12", "emails": ["kim@example.org"]})
    with scripted(dot=BREAK) as server:
        context = Run(redis_client, configured(BirthdayConfig), message_url=server.url)
        assert BirthdayBot().run(context)["unknown"] == 1
        redis_client.hset(Keys().run(context.run_id), "status", "success")
        server.script = {}
        assert run(redis_client, server.url, on_unknown_delivery="resend")["sent"] == 1
        first, second = [
            next(line for line in text.split(b"\r\n") if line.startswith(b"Message-ID: ")) for text in server.texts
        ]
    assert first == second


@pytest.mark.parametrize(
    ("script", "failure"),
    [({"rcpt": "450 greylisted"}, "deferred"), ({"dot": "451 later"}, "deferred"), ({"rcpt": "550 no"}, "failed")],
)
def test_a_refusal_is_counted_and_says_what_the_server_said(
    redis_client: Redis, script: dict[str, str], failure: str
) -> None:
    """Nothing counts as sent."""
    ContactBook(redis_client, Keys()).create({"name": "Kim", "birthday": "1990-04-12", "emails": ["kim@example.org"]})
    with scripted(**script) as server:
        messenger_run = Run(redis_client, configured(BirthdayConfig), message_url=server.url)
        try:
            result = BirthdayBot().run(messenger_run)
        except Exception as error:
            result = error.result  # type: ignore[attr-defined]
    assert (result["sent"], result[failure]) == (0, 1)
