"""Which answers fail a webhook's run, what is said of them, and whether and when it is tried again."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from redis import Redis

from service.bots.webhook.bot import RequestFailed, WebhookBot
from service.bots.webhook.config import WebhookConfig
from service.domain.job_fields import validate_bot_config
from service.errors import ValidationFailed
from tests.support.bot_runs import Run, configured
from tests.support.servers.receivers import Receiver

TOKEN = "se/same+open:0123456789"
FINAL = {
    301, 308, 400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 413, 414, 415, 416, 417, 418, 420, 422, 424, 426,
    428, 431, 451, 499,
}  # fmt: skip
TEMPORARY = {300, 302, 303, 304, 307, 408, 409, 421, 423, 425, 429, 500, 501, 502, 503, 504, 507, 511, 520, 599}


def run(client: Redis, url: str, **config: Any) -> dict[str, Any]:
    """One run of the bot."""
    return WebhookBot().run(Run(client, configured(WebhookConfig, url=url, **config), bot="webhook"))


def failed(client: Redis, url: str, **config: Any) -> RequestFailed:
    """The failure of one run."""
    with pytest.raises(RequestFailed) as failure:
        run(client, url, **config)
    return failure.value


def leads(client: Redis, receiver: Receiver, location: str | None, status: int = 301, **config: Any) -> str:
    """What is said of where a redirect leads."""
    receiver.status, receiver.headers = status, {} if location is None else {"Location": location}
    url = config.pop("url", receiver.address)
    said = re.search(r"; it redirects (.*), and redirects are not followed", str(failed(client, url, **config)))
    assert said is not None and len(receiver.got) > 0
    return said[1]


@pytest.mark.parametrize("status", sorted(FINAL | TEMPORARY))
def test_an_answer_that_would_come_again_is_final(redis_client: Redis, receiver: Receiver, status: int) -> None:
    """A mistake of the request, or an address that moved for good; what may pass is tried again."""
    receiver.status, receiver.answer = status, b""
    error = failed(redis_client, receiver.address)
    assert error.final is (status in FINAL)
    assert ("a request with such an answer is not sent again" in str(error)) is error.final
    assert str(error).startswith(f"the answer was {status}, which is not expected")
    assert error.result is not None and error.result["status"] == status


@pytest.mark.parametrize("status", [301, 401, 404, 410, 422, 499])
def test_the_job_may_say_that_it_is_tried_again(redis_client: Redis, receiver: Receiver, status: int) -> None:
    """By `retry_status`, which leaves the others as they are."""
    receiver.status = status
    assert failed(redis_client, receiver.address, retry_status=[418, status]).final is False
    assert failed(redis_client, receiver.address, retry_status=[418]).final is True
    receiver.status = 500
    assert failed(redis_client, receiver.address, retry_status=[status]).final is False


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"retry_status": []}, "retry_status"),
        ({"retry_status": [200]}, "from 300 to 599"),
        ({"retry_status": [299, 404]}, "from 300 to 599"),
        ({"retry_status": [600]}, "from 300 to 599"),
        ({"retry_status": ["404"]}, "retry_status"),
        ({"retry_status": [True]}, "retry_status"),
        ({"retry_status": 404}, "retry_status"),
        ({"retry_status": list(range(300, 400))}, "retry_status"),
        ({"retry_status": [404, 409], "expected_status": [409]}, "409 in both expected_status and retry_status"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(config: dict[str, Any], told: str) -> None:
    """When the job is made."""
    with pytest.raises(ValidationFailed, match=told):
        validate_bot_config("webhook", {"url": "https://example.org/", **config}, {"webhook": WebhookConfig})


def test_a_job_without_the_list_keeps_its_config() -> None:
    """As older releases stored it."""
    kept = validate_bot_config("webhook", {"url": "https://example.org/"}, {"webhook": WebhookConfig})
    assert "retry_status" not in kept  # a worker of the release before would refuse it


@pytest.mark.parametrize("status", [429, 503, 500, 502, 408, 425])
@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7), ("0", 0), ("3600", 3600), ("86400", 86_400), ("99999999", 86_400), ("9" * 400, 86_400), ("soon", 0),
     ("-5", 0), ("1.5", 0), ("", 0), ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 0), ("٣", 0),
     ("Sat, 12 Apr 2025 07:00:00 GMT", 0)],
)  # fmt: skip
def test_a_receiver_may_ask_to_wait(
    redis_client: Redis, receiver: Receiver, status: int, told: str, seconds: int
) -> None:
    """With any answer that is tried again; a day at most counts, and what cannot be understood asks for nothing."""
    receiver.status, receiver.headers = status, {"Retry-After": told.encode().decode("latin-1")}
    error = failed(redis_client, receiver.address)
    assert (error.final, error.retry_after) == (False, seconds)
    assert (f"asks to wait at least {seconds} s before another try" in str(error)) is (seconds > 0)


def test_a_receiver_may_ask_to_wait_until_an_instant(redis_client: Redis, receiver: Receiver) -> None:
    """As a date of HTTP's."""
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=90)
    receiver.status, receiver.headers = 503, {"Retry-After": format_datetime(at, usegmt=True)}
    error = failed(redis_client, receiver.address)
    assert at.timestamp() - time.time() - 1 < error.retry_after <= 90


def test_an_answer_that_is_expected_asks_for_nothing(redis_client: Redis, receiver: Receiver) -> None:
    """The job has said that it is fine."""
    receiver.status, receiver.headers = 503, {"Retry-After": "7"}
    assert run(redis_client, receiver.address, expected_status=[503])["status"] == 503


def test_a_final_answer_asks_in_vain(redis_client: Redis, receiver: Receiver) -> None:
    """There is no other try for which to wait."""
    receiver.status, receiver.headers = 403, {"Retry-After": "7"}
    error = failed(redis_client, receiver.address)
    assert error.final is True and "another try" not in str(error)


def test_a_receiver_that_is_gone_is_told(redis_client: Redis, receiver: Receiver) -> None:
    """Standard Webhooks: 410 asks to be sent nothing more."""
    receiver.status = 410
    assert "its receiver wants no more requests" in str(failed(redis_client, receiver.address))


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://example.org/new", "to https://example.org/new"),
        ("https://example.org:8443/new/", "to https://example.org:8443/new/"),
        ("/elsewhere", "to {here}/elsewhere"),
        ("//example.net/x", "to http://example.net/x"),
        ("?page=2", "to {here}/"),
        ("https://ada:sesame@example.org/a?token=abc#part", "to https://example.org/a"),
        ("https://example.org/a;jsessionid=ABCDEF?x=y", "to https://example.org/a"),
        ("https://bücher.example/ü".encode().decode("latin-1"), "to https://xn--bcher-kva.example/%C3%BC"),
        ("HTTPS://EXAMPLE.ORG", "to https://example.org/"),
        ("ftp://example.org/x", "to something that is not a web address"),
        ("mailto:ada@example.org", "to something that is not a web address"),
        ("javascript:alert(1)", "to something that is not a web address"),
        ("http://[::1/", "to something that is not a web address"),
        ("http://example.org:99999/", "to something that is not a web address"),
        ("https://example.org/" + "x" * 5000, "to https://example.org/" + "x" * 180 + "…"),
        ("", "nowhere, since it names no address"),
        (None, "nowhere, since it names no address"),
    ],
)
def test_a_redirect_says_where_it_leads_and_is_not_followed(
    redis_client: Redis, receiver: Receiver, status: int, location: str | None, shown: str
) -> None:
    """Without user, password, query, session and fragment, which may be secret."""
    assert leads(redis_client, receiver, location, status) == shown.format(here=receiver.address)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [304, 306, 200, 404, 500])
def test_what_is_no_redirect_leads_nowhere(redis_client: Redis, receiver: Receiver, status: int) -> None:
    """Whatever its `Location` says."""
    receiver.status, receiver.headers, receiver.answer = status, {"Location": "https://example.org/"}, b""
    assert "leads" not in str(failed(redis_client, receiver.address, expected_status=[201]))


@pytest.mark.parametrize(
    "location",
    [f"/login/{TOKEN}", f"https://example.org/?next={TOKEN}", "/x?t=se%2Fsame%2Bopen%3A0123456789", f"/x/{TOKEN[:12]}",
     f"https://{TOKEN}@example.org/", "/x/c2Uvc2FtZStvcGVuOjAxMjM0NTY3ODk="],
)  # fmt: skip
def test_a_redirect_that_repeats_a_secret_is_not_shown(
    redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    """As it is, percent-encoded, in base64, or broken off within one."""
    monkeypatch.setenv("BOT_SECRET_TOKEN", TOKEN)
    shown = leads(redis_client, receiver, location, headers={"X-Token": "env:BOT_SECRET_TOKEN"})
    assert shown == "to an address that holds a secret"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("{here}/T0KEN-9f8e7d/new", "to an address that holds a secret"),
        ("/v2/9f8e7d", "to another path or port of the same host"),
        ("/t0ken-9f8e7d/", "to another path or port of the same host"),
        ("http://127.0.0.1:1/v2/9f8e7d", "to another path or port of the same host"),
        ("https://127.0.0.1/v2/9f8e7d", "to https instead of http"),
        ("https://t0ken-9f8e7d.example.org/", "to another host"),
    ],
)
def test_of_an_address_that_is_a_secret_only_the_difference_is_told(
    redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, location: str, shown: str
) -> None:
    """Where it leads is likely to hold a part of it, spelt otherwise."""
    monkeypatch.setenv("BOT_SECRET_ADDRESS", f"{receiver.address}/T0KEN-9f8e7d")
    where = leads(redis_client, receiver, location.format(here=receiver.address), url="env:BOT_SECRET_ADDRESS")
    assert where == shown
    assert "9f8e7d" not in str(failed(redis_client, "env:BOT_SECRET_ADDRESS"))
