"""The message that proves the channel, through the API and a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import falcon.testing
import pytest
from redis import Redis

from service.asgi import assemble
from service.settings import Settings
from tests.support.servers.mail import Post, post_office

PATH = "/scheduler/messages/test"


class Office:
    """A mail server, and an API with another MESSAGE_URL for each question."""

    def __init__(self, redis_url: str, post: Post, message_url: str) -> None:
        self._redis_url = redis_url
        self.post = post
        self.message_url = message_url

    def client(self, message_url: str | None) -> falcon.testing.TestClient:
        """The API with its key."""
        settings = {"redis_url": self._redis_url, "api_key": "k", "message_url": message_url}
        return falcon.testing.TestClient(assemble(Settings.model_validate(settings)), headers={"X-API-Key": "k"})

    def ask(self, body: Any = None, message_url: str | None = None) -> tuple[int, Any]:
        """Asks for a test message. Returns status and JSON."""
        answer = self.client(message_url or self.message_url).simulate_post(PATH, json=body)
        return answer.status_code, answer.json


@pytest.fixture
def office(redis_client: Redis, valkey_server: Any) -> Iterator[Office]:
    """An installation on an empty server, with a mail server."""
    with post_office() as (post, message_url):
        yield Office(valkey_server.url, post, message_url)


def test_one_message_reaches_the_address(office: Office) -> None:
    """200 once the mail server has taken it; nothing else is sent."""
    status, answer = office.ask({"email": "someone@example.org"})
    assert (status, answer) == (
        200, {"sent": True, "to": "someone@example.org", "subject": "A test message from Bot Scheduler"},
    )  # fmt: skip
    assert office.post.recipients == ["someone@example.org"]
    assert "proves that MESSAGE_URL works" in str(office.post.messages[0].get_body())


def test_a_contact_is_an_address_too(office: Office) -> None:
    """By its id; an unknown one is 404, and addresses beside it are refused."""
    client = office.client(office.message_url)
    contact = client.simulate_post(
        "/scheduler/contacts", json={"name": "Amelia", "emails": ["amelia@example.org"]}
    ).json
    assert office.ask({"contact_id": contact["id"]})[1]["to"] == "amelia@example.org"
    assert office.ask({"contact_id": "00000000-0000-5000-8000-000000000000"})[0] == 404
    assert office.ask({"contact_id": contact["id"], "email": "x@example.org"})[0] == 400
    assert office.post.recipients == ["amelia@example.org"]


@pytest.mark.parametrize(
    ("body", "field"),
    [(None, "body"), ({"phone": "+15550100"}, "phone"), ({"email": "nonsense"}, "email"), ({"x": 1}, "x")],
)
def test_a_missing_or_malformed_address_is_400(office: Office, body: Any, field: str) -> None:
    """The sentence names the field; nothing is sent."""
    status, answer = office.ask(body)
    assert (status, [error["field"] for error in answer["errors"]]) == (400, [field])
    assert office.post.messages == []


@pytest.mark.parametrize(
    ("url", "body", "told"),
    [
        ("json://x/{email}", {"phone": "+15550100"}, "phone is not used: MESSAGE_URL names {email} only"),
        ("json://x/{email} json://x/{phone}", {"url": "https://a.example"},
         "url is not used: MESSAGE_URL names {email} and {phone} only"),
        ("json://x/{email}/{phone}/{name}", {"phone": "+15550100"},
         "body must give the addresses that MESSAGE_URL names: {email}, {phone} and {name}"),
        ("json://x/{phone}", None, "body must give the addresses that MESSAGE_URL names: {phone}"),
    ],
)  # fmt: skip
def test_what_message_url_names_is_told_to_who_gives_something_else(
    office: Office, url: str, body: Any, told: str
) -> None:
    """Whatever it names; nothing is sent."""
    assert office.ask(body, url) == (400, {"detail": told, "errors": office.ask(body, url)[1]["errors"]})


def test_a_contact_without_what_message_url_names_is_told_so(office: Office) -> None:
    """By the fields that are named."""
    client = office.client(office.message_url)
    contact = client.simulate_post("/scheduler/contacts", json={"name": "Alone", "birthday": "--04-12"}).json
    status, answer = office.ask({"contact_id": contact["id"]})
    assert (status, answer["detail"]) == (
        400,
        "contact_id must be a contact with the fields that MESSAGE_URL names: {email}",
    )


def test_a_message_that_is_not_taken_is_502_with_the_reason(office: Office) -> None:
    """What the mail server said, without the channel's secrets."""
    status, answer = office.ask({"email": "bad@example.org"})
    assert status == 502
    assert "550 no such user here" in answer["detail"]
    away = "mailto://user:geheim@127.0.0.1:1?from=me@example.org&to={email}"
    status, answer = office.ask({"email": "someone@example.org"}, away)
    assert status == 502
    assert "geheim" not in answer["detail"]


def test_a_channel_that_is_unset_or_unusable_is_409(office: Office) -> None:
    """The sentence names the setting."""
    answer = office.client(None).simulate_post(PATH, json={"email": "someone@example.org"})
    assert (answer.status_code, answer.json["detail"]) == (409, "MESSAGE_URL is not set, so no message can be sent")
    status, refusal = office.ask({"email": "someone@example.org"}, "nonsense://x")
    assert status == 409
    assert "MESSAGE_URL" in refusal["detail"]
