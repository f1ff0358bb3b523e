"""The webhook on a real web server: signed, guarded, and truthful about the answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from service.bots.support.secrets import SecretMissing, SecretRefused, signing_key
from service.bots.webhook.answers import MAX_ANSWER
from service.bots.webhook.bot import RequestFailed, WebhookBot, signature
from service.bots.webhook.config import WebhookConfig
from service.domain.job_fields import validate_bot_config
from service.errors import ServiceError, ValidationFailed
from tests.support.bot_runs import Run, configured
from tests.support.processes import find_free_port
from tests.support.servers.receivers import Receiver

NAMING: dict[str, dict[str, Any]] = {
    "url": {},
    "header": {"headers": {"X-Token": "env:BOT_SECRET_X"}},
    "secret": {"secret": "env:BOT_SECRET_X"},
}
"""Configs that name a secret in one place each."""


def run(client: Redis, url: str, allow_private: bool = True, **config: Any) -> dict[str, Any]:
    """One run of the bot, at 8:00 in Vienna."""
    zone = ZoneInfo("Europe/Vienna")
    context = Run(client, configured(WebhookConfig, url=url, **config), bot="webhook", allow_private=allow_private)
    context.now, context.timezone = datetime(2025, 4, 12, 8, 0, 0, 5, tzinfo=zone), zone
    return WebhookBot().run(context)


def test_one_signed_request_goes_out(redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its receiver can check who sent it and when, with nothing but the secret."""
    monkeypatch.setenv("BOT_SECRET_HOOK", "geheim")
    monkeypatch.setenv("BOT_SECRET_TOKEN", "Bearer abc")
    began = time.time()
    result = run(
        redis_client,
        f"{receiver.address}/hook?a=1#part",
        secret="env:BOT_SECRET_HOOK",
        headers={"X-Kind": "test", "Authorization": "env:BOT_SECRET_TOKEN"},
        body='{"at": "{{ now }}", "day": {{ date | tojson }}, "zone": "{{ timezone }}", "run": "{{ run_id }}"}',
    )
    ((method, path, headers, body),) = receiver.got
    assert (method, path) == ("POST", "/hook?a=1")
    run_id = "1f0e9a52-6d0e-4c1e-9d7a-0b8c8f6f6a11"
    assert json.loads(body) == {
        "at": "2025-04-12T08:00:00+02:00", "day": "2025-04-12", "zone": "Europe/Vienna", "run": run_id,
    }  # fmt: skip
    signed = f"{run_id}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"geheim", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == run_id
    assert began - 1 <= int(headers["webhook-timestamp"]) <= time.time()
    assert (headers["authorization"], headers["x-kind"]) == ("Bearer abc", "test")
    assert (headers["content-type"], headers["user-agent"]) == (
        "application/json",
        "BotScheduler/1.0 (+https://example.org/bot)",
    )
    assert result == {"status": 200, "duration_ms": result["duration_ms"], "signed": True, "answer": "thanks"}


def test_a_body_that_fails_for_this_run_sends_nothing_and_says_why(redis_client: Redis, receiver: Receiver) -> None:
    """What no sample has shown, here the offset of Vienna."""
    with pytest.raises(RequestFailed, match=r"the body's template cannot be used: .* by zero"):
        run(redis_client, receiver.address, body="{{ 1 // (now[20:22]|int - 2) }}")
    assert receiver.got == []


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example of its specification: a secret in base64 behind whsec_."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    made = signature(signing_key("BOT_SECRET_HOOK", secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_can_be_sent(redis_client: Redis, receiver: Receiver, method: str) -> None:
    """Without a body and unsigned, if the job says no more."""
    assert run(redis_client, receiver.address, method=method)["status"] == 200
    ((sent, path, headers, body),) = receiver.got
    assert (sent, path, body) == (method, "/", b"")
    assert "webhook-signature" not in headers
    assert "content-type" not in headers


@pytest.mark.parametrize(
    ("status", "expected", "fine"),
    [(204, None, True), (201, [201, 409], True), (409, [201, 409], True), (200, [201], False), (404, None, False),
     (500, None, False), (302, None, False), (302, [302], True)],
)  # fmt: skip
def test_the_status_decides(
    redis_client: Redis, receiver: Receiver, status: int, expected: list[int] | None, fine: bool
) -> None:
    """2xx, or what the job lists; the result tells the answer either way, and no redirect is followed."""
    receiver.status, receiver.headers = status, {"Location": "/elsewhere"}
    receiver.answer = b"" if status == 204 else b"said"
    if fine:
        assert run(redis_client, receiver.address, expected_status=expected)["status"] == status
    else:
        with pytest.raises(RequestFailed, match=f"the answer was {status}") as failure:
            run(redis_client, receiver.address, expected_status=expected)
        assert failure.value.result is not None and failure.value.result["answer"] == "said"
    assert len(receiver.got) == 1


def test_a_rehearsal_shows_the_request_and_sends_none(
    redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its secrets are looked up and not shown; names of hosts are not asked for."""
    monkeypatch.setenv("BOT_SECRET_ADDRESS", f"{receiver.address}/T0KEN")
    monkeypatch.setenv("BOT_SECRET_TOKEN", "sesame-open")
    monkeypatch.setenv("BOT_SECRET_TOKEN_HOSTS", "127.0.0.1")
    result = run(
        redis_client,
        "env:BOT_SECRET_ADDRESS",
        dry_run=True,
        secret="env:BOT_SECRET_TOKEN",
        headers={"Authorization": "env:BOT_SECRET_TOKEN", "Accept": "*/*"},
        body="{{ date }}",
    )
    assert receiver.got == []
    assert run(redis_client, "https://name.invalid/", dry_run=True, allow_private=False)["dry_run"] is True
    assert result == {
        "dry_run": True,
        "signed": True,
        "request": {
            "method": "POST",
            "url": "env:BOT_SECRET_ADDRESS",
            "headers": {
                "Authorization": "***",
                "Accept": "*/*",
                "Bot-Scheduler-Job": "3f0b3a52-6d0e-4c1e-9d7a-0b8c8f6f6a11",
                "Bot-Scheduler-Job-Name": "A%20job",
                "Bot-Scheduler-Trigger": "manual",
                "Bot-Scheduler-Attempt": "1",
            },
            "body": "2025-04-12",
        },
    }


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("where", "value", "hosts", "told"),
    [
        ("url", None, None, "^BOT_SECRET_X is not set where the worker runs$"),
        ("header", None, None, "^BOT_SECRET_X is not set where the worker runs$"),
        ("secret", None, None, "^BOT_SECRET_X is not set where the worker runs$"),
        ("url", "sesame-open", None, "^the value of BOT_SECRET_X is not an http"),
        ("header", "sésame-open", None, "^BOT_SECRET_X cannot be sent as a header"),
        ("secret", "whsec_c2VzYW1l", None, "^BOT_SECRET_X is not a signing secret"),
        ("secret", "sesame-open\n", None, "^BOT_SECRET_X ends with a line break"),
        ("url", "http://127.0.0.1:1/open", "hooks.example.org", "^BOT_SECRET_X may not be sent"),
        ("header", "sesame-open", "hooks.example.org", "^BOT_SECRET_X may not be sent"),
        ("secret", "sesame-open", "hooks.example.org", "^BOT_SECRET_X may not be sent"),
    ],
)
def test_a_rehearsal_fails_over_a_secret_as_the_live_run_does(
    redis_client: Redis,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    value: str | None,
    hosts: str | None,
    told: str,
    dry_run: bool,
) -> None:
    """Not set, malformed, or bound to another host; by its name alone."""
    for name, text in (("BOT_SECRET_X", value), ("BOT_SECRET_X_HOSTS", hosts)):
        if text is not None:
            monkeypatch.setenv(name, text)
    url = "env:BOT_SECRET_X" if where == "url" else receiver.address
    with pytest.raises(ServiceError, match=told) as failure:
        run(redis_client, url, dry_run=dry_run, **NAMING[where])
    assert "open" not in str(failure.value) and receiver.got == []


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("secret", [True, False])
@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("169.254.169.254", "metadata service"),
        ("[::ffff:169.254.169.254]", "metadata service"),
        ("10.0.0.1", "inside the network"),
        ("[::1]", "inside the network"),
        ("2130706433", "inside the network"),
        ("0x7f.1", "inside the network"),
        ("localhost", "inside the network"),
        ("LOCALHOST", "inside the network"),
    ],
)
def test_a_rehearsal_fails_over_an_address_as_the_live_run_does(
    redis_client: Redis, monkeypatch: pytest.MonkeyPatch, host: str, told: str, secret: bool, dry_run: bool
) -> None:
    """However it is spelt, also as a secret; the sentence shows no secret."""
    url = f"http://{host}:1/T0KEN"
    monkeypatch.setenv("BOT_SECRET_ADDRESS", url)
    with pytest.raises(RequestFailed, match=f"{told}.*, and NETWORK_ALLOW does not name it") as failure:
        run(redis_client, "env:BOT_SECRET_ADDRESS" if secret else url, allow_private=False, dry_run=dry_run)
    assert host not in str(failure.value) and "T0KEN" not in str(failure.value)


def test_a_secret_that_is_not_set_is_named(redis_client: Redis, receiver: Receiver) -> None:
    """Nothing is sent."""
    with pytest.raises(SecretMissing, match="BOT_SECRET_UNSET is not set where the worker runs"):
        run(redis_client, receiver.address, secret="env:BOT_SECRET_UNSET")
    assert receiver.got == []


@pytest.mark.parametrize(
    "value", ["sesame-open\n", "sesame-open\r\n", " sesame-open", "sesame\nopen", "sesame\x01open"]
)
@pytest.mark.parametrize("where", NAMING)
def test_a_malformed_secret_is_refused_by_name_and_nothing_is_sent(
    redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, where: str, value: str
) -> None:
    """Wherever it was to go; the sentence has nothing of it."""
    monkeypatch.setenv("BOT_SECRET_X", value)
    config = NAMING[where]
    with pytest.raises(SecretRefused, match=r"^BOT_SECRET_X (ends|begins|contains)") as failure:
        run(redis_client, "env:BOT_SECRET_X" if where == "url" else receiver.address, **config)
    assert "open" not in str(failure.value) and receiver.got == []


@pytest.mark.parametrize("value", ["whsec_", "whsec_%%%", "whsec_c2hvcnQ=", ""])
def test_nothing_is_signed_with_a_key_that_is_none(
    redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """An empty one would sign for everybody who knows the method."""
    monkeypatch.setenv("BOT_SECRET_HOOK", value)
    with pytest.raises((SecretRefused, SecretMissing), match="BOT_SECRET_HOOK"):
        run(redis_client, receiver.address, secret="env:BOT_SECRET_HOOK")
    assert receiver.got == []


def test_a_secret_that_no_header_can_hold_is_refused_by_name(
    redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fail in a library that shows what it was given."""
    monkeypatch.setenv("BOT_SECRET_TOKEN", "sésame-open")
    with pytest.raises(SecretRefused, match="BOT_SECRET_TOKEN cannot be sent as a header") as failure:
        run(redis_client, receiver.address, headers={"X-Token": "env:BOT_SECRET_TOKEN"})
    assert "open" not in str(failure.value) and receiver.got == []


@pytest.mark.parametrize("padding", [0, 1985, 1990, 1999])
@pytest.mark.parametrize("status", [200, 500])
def test_a_secret_that_the_receiver_repeats_is_not_in_the_result(
    redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, status: int, padding: int
) -> None:
    """As it is, in base64, percent-encoded, and where the answer is cut: no half of it is left."""
    token = "se/same+open:0123456789"
    monkeypatch.setenv("BOT_SECRET_TOKEN", token)
    forms = [token, base64.b64encode(f"user:{token}".encode()).decode(), quote(token, safe=""), json.dumps(token)]
    receiver.status, receiver.answer = status, b"x" * padding + " ".join(forms).encode()
    headers = {"X-Token": "env:BOT_SECRET_TOKEN"}
    result = run(redis_client, receiver.address, headers=headers, expected_status=[200, 500])
    assert result["answer"].removeprefix("x" * padding).startswith("[BOT_SECRET_TOKEN] "[: 2000 - padding])
    assert not any(form[:8] in result["answer"] for form in forms)
    assert "0123456789" not in result["answer"]


WIDE = b"\x1b(B" * 8
"""Of no width in ISO 2022-JP: many bytes are few characters there."""


@pytest.mark.parametrize("shown", [6, 10, 21, 22])
@pytest.mark.parametrize(
    ("filling", "charset"),
    [(WIDE, "iso-2022-jp"), (b"se/same+open:0123456789 ", "utf-8"), (b"c2Uvc2FtZStvcGVuOjAxMjM0NTY3ODk= ", "utf-8")],
)
def test_no_half_of_a_secret_is_shown_where_the_reading_ends(
    redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, filling: bytes, charset: str, shown: int
) -> None:
    """Also where the text before it shrinks, in its decoding or as secrets in it are replaced."""
    token = "se/same+open:0123456789"
    monkeypatch.setenv("BOT_SECRET_TOKEN", token)
    filled = (filling * MAX_ANSWER)[: MAX_ANSWER - shown]
    receiver.headers = {"Content-Type": f"text/plain; charset={charset}"}
    for form in (token.encode(), base64.b64encode(token.encode())):
        receiver.answer = filled[: filled.rindex(filling) + len(filling)]
        receiver.answer += b"." * (MAX_ANSWER - shown - len(receiver.answer)) + form
        result = run(redis_client, receiver.address, headers={"X-Token": "env:BOT_SECRET_TOKEN"})
        assert form.decode()[:6] not in result["answer"]


@pytest.mark.parametrize("count", [6, 12, 22])
def test_an_answer_that_ends_within_a_secret_does_not_show_it(
    redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """The receiver itself has cut it there."""
    monkeypatch.setenv("BOT_SECRET_TOKEN", "se/same+open:0123456789")
    receiver.answer = b"you sent " + b"se/same+open:0123456789"[:count]
    result = run(redis_client, receiver.address, headers={"X-Token": "env:BOT_SECRET_TOKEN"})
    assert result["answer"] == "you sent [BOT_SECRET_TOKEN]"


@pytest.mark.parametrize("where", NAMING)
def test_a_bound_secret_is_sent_to_no_other_host(
    redis_client: Redis, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Whatever of the request it is; the request's own host, at its port, is another matter."""
    url = f"{receiver.address}/in"
    monkeypatch.setenv("BOT_SECRET_X", url if where == "url" else "sesame-open")
    monkeypatch.setenv("BOT_SECRET_X_HOSTS", "hooks.example.org, *.0.0.1.example, 127.0.0.1:1")
    config = NAMING[where]
    target = "env:BOT_SECRET_X" if where == "url" else url
    with pytest.raises(SecretRefused, match="BOT_SECRET_X may not be sent to this request's host: BOT_SECRET_X_HOSTS"):
        run(redis_client, target, **config)
    assert receiver.got == []
    monkeypatch.setenv("BOT_SECRET_X_HOSTS", f"hooks.example.org {receiver.address.removeprefix('http://')}")
    assert run(redis_client, target, **config)["status"] == 200


def test_an_address_that_is_a_secret_is_not_told(redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by what fails either."""
    monkeypatch.setenv("BOT_SECRET_ADDRESS", f"http://127.0.0.1:{find_free_port()}/T0KEN")
    with pytest.raises(RequestFailed, match="no answer came") as failure:
        run(redis_client, "env:BOT_SECRET_ADDRESS")
    assert "T0KEN" not in str(failure.value)
    monkeypatch.setenv("BOT_SECRET_ADDRESS", "http://t0ken.invalid/T0KEN")
    with pytest.raises(RequestFailed, match="cannot be resolved") as failure:
        run(redis_client, "env:BOT_SECRET_ADDRESS")
    assert "t0ken" not in str(failure.value).lower()
    monkeypatch.setenv("BOT_SECRET_ADDRESS", "T0KEN")
    with pytest.raises(RequestFailed, match="value of BOT_SECRET_ADDRESS is not an") as failure:
        run(redis_client, "env:BOT_SECRET_ADDRESS")
    assert "T0KEN" not in str(failure.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"])
def test_no_address_inside_the_network_is_called(redis_client: Redis, receiver: Receiver, host: str) -> None:
    """The visitor's guard holds here too."""
    port = receiver.address.rpartition(":")[2]
    with pytest.raises(RequestFailed, match="inside the network, and NETWORK_ALLOW does not name it"):
        run(redis_client, f"http://{host}:{port}/", allow_private=False)
    assert receiver.got == []


def test_a_receiver_that_does_not_answer_fails_the_run_in_time(redis_client: Redis, receiver: Receiver) -> None:
    """While it still does not; the error says that the receiver may have acted on it."""
    told = threading.Event()
    receiver.before = lambda: told.wait(30)
    try:
        with pytest.raises(RequestFailed, match="may have acted on the request"):
            run(redis_client, receiver.address, timeout_seconds=1)
    finally:
        told.set()


def test_a_long_answer_is_cut(redis_client: Redis, receiver: Receiver) -> None:
    """The run's result stays small."""
    receiver.answer = b"x" * 1_000_000
    assert len(run(redis_client, receiver.address)["answer"]) == 2000


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "bot_config.url is required"),
        ({"url": "ftp://example.org"}, "bot_config.url must be an http(s) address"),
        ({"url": "http://xn--/"}, "bot_config.url must be an http(s) address"),
        ({"url": "https://a b.example.org"}, "bot_config.url must be an http(s) address"),
        ({"url": "https://user:pass@example.org"}, "bot_config.url must not carry a user name or password"),
        ({"url": "env:API_KEY"}, "bot_config.url must be an http(s) address"),
        ({"method": "TRACE"}, "bot_config.method must be"),
        ({"secret": "geheim"}, "bot_config.secret must be"),
        ({"secret": "env:API_KEY"}, "bot_config.secret must be"),
        ({"secret": "env:BOT_SECRET_A_HOSTS"}, "a name that ends with _HOSTS binds another to hosts"),
        ({"url": "env:BOT_SECRET_A_HOSTS"}, "bot_config.url must be an http(s) address"),
        ({"headers": {"X-A": "env:BOT_SECRET_A_HOSTS"}}, "not another variable or the hosts of a secret"),
        ({"headers": {"Authorization": "env:BOT_SECRET_A_HOSTS"}}, "not another variable or the hosts of a secret"),
        ({"headers": {"X-A": "env:BOT_SECRT_A"}}, "must name a secret as the value of X-A: env:BOT_SECRET_"),
        ({"headers": {"X-A": "env:HOME"}}, "must name a secret as the value of X-A: env:BOT_SECRET_"),
        ({"headers": {"a b": "x"}}, "names of headers as its keys"),
        ({"headers": {"X-A": "x\r\nX-B: y"}}, "one line of printable ASCII"),
        ({"headers": {"Host": "example.org"}}, "may not name Host"),
        ({"headers": {"Webhook-Signature": "v1,x"}}, "may not name Webhook-Signature"),
        ({"headers": {"X-Api-Key": "abc"}}, "must name the value of X-Api-Key as env:BOT_SECRET_"),
        ({"body": "{\n{{ nwo }}"}, 'bot_config.body is broken in line 2, "{{ nwo }}"'),
        ({"expected_status": [700]}, "HTTP statuses from 200 to 599"),
        ({"expected_status": []}, "bot_config.expected_status"),
        ({"timeout_seconds": 61}, "from 1 to 60"),
    ],
)
def test_a_config_that_cannot_work_is_refused(config: dict[str, Any], told: str) -> None:
    """When the job is made; a secret is never a part of it."""
    given = config if config == {} else {"url": "https://example.org/hook"} | config
    with pytest.raises(ValidationFailed) as refusal:
        validate_bot_config("webhook", given, {"webhook": WebhookConfig})
    assert told in str(refusal.value)


def test_a_signature_is_right_whatever_a_bot_has_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others of the process put into `hmac`, `hashlib` and `base64` signs nothing."""
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    before = signature(signing_key("BOT_SECRET_HOOK", secret), "msg", 1, b"body")
    for module, name in ((hmac, "new"), (hmac, "digest"), (hmac, "HMAC"), (hashlib, "sha256"), (base64, "b64encode"),
                         (base64, "b64decode")):  # fmt: skip
        monkeypatch.setattr(module, name, lambda *given, **more: b"")
    assert signature(signing_key("BOT_SECRET_HOOK", secret), "msg", 1, b"body") == before
