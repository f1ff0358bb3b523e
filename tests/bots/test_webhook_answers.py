"""What a webhook's receiver answers: shown as text within bounds, or said to be no text; and where a webhook may go."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest
from redis import Redis

from service.bots.webhook.bot import SAID, SHOWN_ANSWER, RequestFailed, WebhookBot
from service.bots.webhook.config import WebhookConfig
from service.domain.job_fields import validate_bot_config
from service.errors import ValidationFailed
from tests.support.bot_runs import Run, configured
from tests.support.servers.hostile import MOST, Endless, bomb, saying, taking_at_most
from tests.support.servers.receivers import Receiver
from tests.support.servers.sites import Site

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def run(client: Redis, url: str, allowed: str | None = None, private: bool = True, **config: Any) -> dict[str, Any]:
    """One run of the bot."""
    context = Run(client, configured(WebhookConfig, url=url, **config), bot="webhook")
    context.allow_private, context.network_allow = private, allowed
    return WebhookBot().run(context)


@pytest.mark.parametrize(
    ("headers", "answer", "shown"),
    [
        ({"Content-Encoding": "gzip"}, gzip.compress("Größe".encode(), mtime=0), "Größe"),
        ({"Content-Encoding": "x-gzip", "Content-Type": "text/plain; charset=iso-8859-1"},
         gzip.compress("Größe".encode("latin-1"), mtime=0), "Größe"),
        ({"Content-Type": "text/plain; charset=ISO-8859-1"}, "Größe".encode("latin-1"), "Größe"),
        ({"Content-Type": 'text/plain; charset="windows-1251"'}, "Иван".encode("cp1251"), "Иван"),
        ({"Content-Type": "text/plain; charset=utf-16"}, "Größe".encode("utf-16-le"), "Größe"),
        ({"Content-Type": "text/plain; charset=punycode"}, "Größe a-b".encode(), "Größe a-b"),
        ({"Content-Type": "text/plain; charset=utf-7"}, b"+AGE-", "+AGE-"),
        ({"Content-Type": "text/plain; charset=" + "x" * 5000}, b"said", "said"),
        ({"Content-Type": "image/png"}, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "(the answer is binary)"),
        ({"Content-Encoding": "br"}, b"said",
         "(the answer has a Content-Encoding that we did not ask for)"),
        ({"Content-Encoding": "gzip"}, b"said", "(the answer's gzip is broken)"),
        ({"Content-Encoding": "gzip"}, b"", ""),
    ],
)  # fmt: skip
def test_an_answer_is_shown_as_the_text_that_it_is(
    redis_client: Redis, receiver: Receiver, headers: dict[str, str], answer: bytes, shown: str
) -> None:
    """By its content coding and its character set, or it is said why it is not; the status counts."""
    receiver.headers, receiver.answer = headers, answer
    result = run(redis_client, receiver.address)
    assert (result["status"], result["answer"]) == (200, shown)


@pytest.mark.parametrize(("encoding", "layers"), [("gzip", 1), ("gzip, gzip", 2), ("gzip, gzip, gzip", 3)])
def test_an_answer_that_grows_is_bounded(redis_client: Redis, receiver: Receiver, encoding: str, layers: int) -> None:
    """However small it was made on its way."""
    receiver.headers, receiver.answer = {"Content-Encoding": encoding}, bomb(layers)
    with taking_at_most(16 * 2**20):
        assert len(run(redis_client, receiver.address)["answer"]) <= SHOWN_ANSWER


def test_nothing_is_decoded_that_the_job_did_not_ask_for(redis_client: Redis, receiver: Receiver) -> None:
    """`gzip` is asked for, unless the job has an Accept-Encoding of its own."""
    receiver.headers, receiver.answer = {"Content-Encoding": "gzip"}, gzip.compress(b"said", mtime=0)
    run(redis_client, receiver.address)
    answer = run(redis_client, receiver.address, headers={"Accept-Encoding": "identity"})["answer"]
    assert answer.startswith("(the answer has a Content-Encoding that we did not ask for")
    assert [headers["accept-encoding"] for _, _, headers, _ in receiver.got] == ["gzip", "identity"]


@pytest.mark.parametrize(
    ("head", "piece"),
    [(OK, b"X-More: 1\r\n"), (OK + b"X-More: ", b"x"), (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
     (CHUNKED + b"1;", b"x"),
     (CHUNKED, b"1;" + b"x" * 8000 + b"\r\nx\r\n"), (CHUNKED + b"0\r\n", b"X-More: 1\r\n"), (OK + b"\r\n", b"x")],
)  # fmt: skip
def test_an_endless_answer_is_not_taken_in(redis_client: Redis, site: Site, head: bytes, piece: bytes) -> None:
    """Whichever part of it has no end."""
    site.answers["/"] = endless = Endless(head, piece)
    with taking_at_most(16 * 2**20):
        try:
            assert run(redis_client, site.address, method="GET")["answer"]
        except RequestFailed as error:
            assert str(error).startswith("no answer came")
    assert 0 < endless.said < MOST / 2


@pytest.mark.parametrize(
    "raw",
    [b"HTTP/1.1 999 Odd\r\n\r\n", b"HTTP/1.1 099 Odd\r\n\r\n", OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
     OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", OK + b": x\r\n\r\n", b"\xff\xfe", b"",
     b"no status " * 500 + b"\r\n\r\n"],
)  # fmt: skip
def test_an_odd_answer_is_a_sentence(
    redis_client: Redis, site: Site, monkeypatch: pytest.MonkeyPatch, raw: bytes
) -> None:
    """No traceback of a library's, and no word of an address that is a secret."""
    site.answers["/T0KEN"] = saying(raw)
    monkeypatch.setenv("BOT_SECRET_ADDRESS", f"{site.address}/T0KEN")
    with pytest.raises(RequestFailed) as failure:
        run(redis_client, "env:BOT_SECRET_ADDRESS", method="GET")
    assert "T0KEN" not in str(failure.value) and len(str(failure.value)) <= SAID + 1


@pytest.mark.parametrize(
    "port", ["74376", "65536", "99999999999999999999", "0", "-1", "+80", "8_0", "80:80", "٨٠", "80 "]
)
def test_a_port_that_is_none_is_refused_when_the_job_is_made(port: str) -> None:
    """Rather than taken modulo 65,536."""
    with pytest.raises(
        ValidationFailed, match=r"bot_config\.url must (have a port from 1 to 65535|be an http\(s\) address)"
    ):
        validate_bot_config("webhook", {"url": f"http://example.org:{port}/"}, {"webhook": WebhookConfig})


@pytest.mark.parametrize("port", ["74376", "65536", "0", "80:80"])
def test_a_port_is_named_as_the_reason(port: str) -> None:
    """So that it can be mended."""
    with pytest.raises(ValidationFailed, match="must have a port from 1 to 65535, or none"):
        validate_bot_config("webhook", {"url": f"http://example.org:{port}/"}, {"webhook": WebhookConfig})


@pytest.mark.parametrize(
    "url",
    ["http://user@example.org/", "http://example.org:80@evil.example/", "http://a@b@example.org/", "http://evil.example\\@example.org/",
     "http:\\\\example.org/", "http://example.org\\.evil.example/", "http://[::1/", "http://[::1]x/", "http:///", "http://:80/"],
)  # fmt: skip
def test_an_address_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    """User names that look like hosts, backslashes that look like slashes."""
    with pytest.raises(ValidationFailed, match=r"bot_config\.url must"):
        validate_bot_config("webhook", {"url": url}, {"webhook": WebhookConfig})


@pytest.mark.parametrize(
    "url", ["http://example.org", "http://example.org:/", "http://example.org:80/", "http://[::1]:65535/"]
)
def test_usual_addresses_are_taken(url: str) -> None:
    """With and without a port."""
    assert validate_bot_config("webhook", {"url": url}, {"webhook": WebhookConfig})["url"] == url


def test_a_secret_address_with_such_a_port_is_a_sentence(redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at when the run begins, and not told."""
    monkeypatch.setenv("BOT_SECRET_ADDRESS", "http://t0ken.example:74376/")
    with pytest.raises(RequestFailed, match="BOT_SECRET_ADDRESS is not an http") as failure:
        run(redis_client, "env:BOT_SECRET_ADDRESS")
    assert "t0ken" not in str(failure.value)


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "168.63.129.16", "[::ffff:100.100.100.200]", "[fd00:ec2::254]", "2852039166"]
)
def test_no_metadata_service_is_called(redis_client: Redis, host: str) -> None:
    """Whatever is opened around it."""
    with pytest.raises(
        RequestFailed, match="an address of a cloud's metadata service, and NETWORK_ALLOW does not name it"
    ):
        run(redis_client, f"http://{host}/", allowed="0.0.0.0/0,::/0", timeout_seconds=1)


def test_what_is_named_is_called(redis_client: Redis, receiver: Receiver) -> None:
    """And nothing else inside."""
    assert run(redis_client, receiver.address, allowed="10.0.0.0/8,127.0.0.1", private=False)["status"] == 200
    by_name = receiver.address.replace("127.0.0.1", "localhost")
    assert run(redis_client, by_name, allowed="localhost", private=False)["status"] == 200
    for url, allowed in ((receiver.address, "10.0.0.0/8"), (receiver.address, "localhost"), (receiver.address, None)):
        with pytest.raises(RequestFailed, match="inside the network, and NETWORK_ALLOW does not name it"):
            run(redis_client, url, allowed=allowed, private=False)
    assert len(receiver.got) == 2


def test_proxies_of_the_environment_are_passed_by(
    redis_client: Redis, receiver: Receiver, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One would lead wherever it can."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, site.address)
    assert run(redis_client, receiver.address)["answer"] == "thanks"
    assert site.asked == []


def test_an_address_with_a_password_is_refused_with_advice_that_works(
    redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the job or a secret holds it: a header of its own sends the same."""
    whole = receiver.address.replace("://", "://ada:sesame@")
    with pytest.raises(ValidationFailed, match="Authorization: env:BOT_SECRET_") as refused:
        validate_bot_config("webhook", {"url": whole}, {"webhook": WebhookConfig})
    monkeypatch.setenv("BOT_SECRET_ADDRESS", whole)
    with pytest.raises(RequestFailed, match=r"BOT_SECRET_ADDRESS .* Authorization: env:BOT_SECRET_") as failed:
        run(redis_client, "env:BOT_SECRET_ADDRESS")
    assert "sesame" not in f"{refused.value} {failed.value}" and receiver.got == []
    monkeypatch.setenv("BOT_SECRET_LOGIN", "Basic " + base64.b64encode(b"ada:sesame").decode())
    run(redis_client, receiver.address, headers={"Authorization": "env:BOT_SECRET_LOGIN"})
    assert receiver.got[0][2]["authorization"] == "Basic YWRhOnNlc2FtZQ=="
