"""Sends one HTTP request, signed so that its receiver can tell whom it is from, so that anything can be scheduled.

The signature is that of Standard Webhooks (https://www.standardwebhooks.com): receivers check it with a library of
theirs. A retry repeats the `Webhook-Id` of the first attempt, by which they drop what they have seen. The request goes
through the same network guard as a visitor's, and follows no redirect.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, field_validator

from service.bots.addresses import MAX_PORT, BadPort, NotAnAddress, parsed
from service.bots.content_coding import ACCEPTED, Undecodable, pieces
from service.bots.fetching import MAX_FRAMING, user_agent
from service.bots.network_guard import AddressRefused, GuardedBackend, GuardedTransport, refuse_literal
from service.bots.protocol import Context
from service.bots.secrets import OTHERS, SHAPE, SecretRefused, is_misnamed, is_named, signing_key
from service.bots.wording import MAX_TEMPLATE, check, render
from service.egress import Egress
from service.errors import ServiceError
from service.own_copies import own_copy
from service.web_encodings import decoded

if TYPE_CHECKING:
    import base64
    import hmac
else:
    base64, hmac = own_copy("base64"), own_copy("hmac")  # a signature stays right, whatever a bot patches

MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read."""
SHOWN_ANSWER = 2_000
"""Characters of it that the result shows."""
SAID = 300
"""Characters of an error, which may repeat what the receiver sent in place of an answer."""
HIDDEN = "***"
BASIC = "send them as the header Authorization: env:BOT_SECRET_…, whose value is Basic and base64 of user:password"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,3998}[\x21-\x7e])?")
_OURS = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "expect"}
    | {"proxy-connection", "webhook-id", "webhook-timestamp", "webhook-signature"}
)
_CHARSET = re.compile(r";\s*charset=\"?([\w.:-]+)", re.IGNORECASE)
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|api-?key", re.IGNORECASE)
_SAMPLE = {
    "run_id": "1f0e9a52-6d0e-4c1e-9d7a-0b8c8f6f6a11",
    "job_id": "5f0b3a52-6d0e-4c1e-9d7a-0b8c8f6f6a11",
    "now": "2025-04-12T08:00:00+00:00",
    "date": "2025-04-12",
    "time": "08:00:00",
    "timezone": "UTC",
}


class WebhookConfig(BaseModel):
    """The webhook bot's `bot_config`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str = Field(max_length=2000, description="Where the request goes: http(s), or the name of a secret that says.")
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = Field(default="POST")
    headers: dict[str, str] = Field(
        default_factory=dict,
        max_length=50,
        description="More headers. A value may name a secret, env:BOT_SECRET_…, and must where it is one.",
    )
    body: str | None = Field(
        default=None,
        max_length=MAX_TEMPLATE,
        description="The body's template, with run_id, job_id, now, date, time and timezone. "
        "It is application/json unless headers say otherwise.",
    )
    expected_status: list[int] | None = Field(
        default=None, min_length=1, max_length=50, description="The run succeeds on these; without it on 200 to 299."
    )
    secret: str | None = Field(
        default=None,
        pattern=f"^{SHAPE}$",
        description="The name of the secret that signs the request, env:BOT_SECRET_…; without it, it is not signed.",
    )
    timeout_seconds: int = Field(default=30, ge=1, le=60, description="For the whole request and its answer.")
    dry_run: bool = Field(
        default=False, description="Send nothing; show the request, once its secrets are found usable."
    )

    @field_validator("url")
    @classmethod
    def _is_a_web_address(cls, value: str) -> str:
        if not is_named(value):
            _web_address(value)
        return value

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError("must have names of headers as its keys, such as Accept")
            if name.lower() in _OURS:
                raise ValueError(f"may not name {name}, which is set for each request")
            if not _HEADER_VALUE.fullmatch(text):
                raise ValueError(f"must have one line of printable ASCII as the value of {name}")
            if is_misnamed(text):
                raise ValueError(f"must name a secret as the value of {name}: env:BOT_SECRET_…, {OTHERS}")
            if _SECRET_HEADER.search(name) and not is_named(text):
                raise ValueError(f"must name the value of {name} as env:BOT_SECRET_…, since jobs store no secrets")
        return value

    @field_validator("secret")
    @classmethod
    def _is_a_secret(cls, value: str | None) -> str | None:
        if value is not None and not is_named(value):
            raise ValueError(
                "must name a secret as env:BOT_SECRET_…; a name that ends with _HOSTS binds another to hosts"
            )
        return value

    @field_validator("body")
    @classmethod
    def _works(cls, value: str | None) -> str | None:
        if value is not None:
            check(value, [_SAMPLE])
        return value

    @field_validator("expected_status")
    @classmethod
    def _are_statuses(cls, value: list[int] | None) -> list[int] | None:
        if not all(200 <= status <= 599 for status in value or ()):
            raise ValueError("must be a list of HTTP statuses from 200 to 599")
        return value


class RequestFailed(ServiceError):
    """The request was not answered as expected; says why, without the address if that is a secret.

    Args:
        result: the answer, if there was one.
    """

    def __init__(self, reason: str, result: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.result = result


class WebhookBot:
    """Sends one HTTP request."""

    name: ClassVar[str] = "webhook"
    description: ClassVar[str] = "Sends one HTTP request, signed if it has a secret, and checks the answer's status."
    Config: ClassVar[type[BaseModel]] = WebhookConfig
    uses_settings: ClassVar[tuple[str, ...]] = ()
    safe_to_rerun: ClassVar[bool] = False
    """Its receiver may have acted on it already."""

    def run(self, context: Context) -> dict[str, Any]:
        """Sends the request once. A rehearsal fails where it can be known that a live run would, and sends nothing.

        Raises:
            RequestFailed: the address is refused; or no answer came, or not the expected one, which is its `result`.
            SecretMissing: a named secret is not set.
            SecretRefused: one is malformed, or bound to other hosts.
        """
        config: WebhookConfig = context.config
        content = _body(context)
        url = _resolved_address(context)
        headers = {name: _header(context, value, url) for name, value in config.headers.items()}
        request = httpx.Request(config.method, url, headers=_completed(headers, content, url, context), content=content)
        egress = Egress.of(context.settings.network_allow, context.settings.visitor_allow_private)
        if config.dry_run:
            _refuse(url, egress)
            return _rehearsed(config, content)
        started = time.monotonic()
        try:
            status, answer, whole = _send(request, config.timeout_seconds, egress)
        except RequestFailed as error:
            said = _without_address(str(error), url) if is_named(config.url) else str(error)
            said = context.secrets.redacted(said)  # and cut after that, so that no half of a secret is left
            raise RequestFailed(said if len(said) <= SAID else f"{said[:SAID]}…") from None
        result = {
            "status": status,
            "duration_ms": round((time.monotonic() - started) * 1000),
            "signed": config.secret is not None,
            "answer": context.secrets.redacted_start(answer, SHOWN_ANSWER, whole),
        }
        context.log.info("%s %s answered %d", config.method, config.url, status)
        if status not in (config.expected_status or range(200, 300)):
            raise RequestFailed(f"the answer was {status}, which is not expected", result)
        return result


def _rehearsed(config: WebhookConfig, content: str | None) -> dict[str, Any]:
    headers = {name: HIDDEN if is_named(value) else value for name, value in config.headers.items()}
    shown = {"method": config.method, "url": config.url, "headers": headers, "body": content}
    return {"dry_run": True, "signed": config.secret is not None, "request": shown}


def _refuse(url: httpx.URL, egress: Egress) -> None:
    """Raises RequestFailed if the address can be known to be refused without asking for what its name leads to."""
    try:
        refuse_literal(url.host, egress)
    except AddressRefused as error:
        raise _not_allowed(error) from None


def _not_allowed(error: AddressRefused) -> RequestFailed:
    return RequestFailed(f"the address {error.reason}, and NETWORK_ALLOW does not name it")


class _CarriesUser(ValueError):
    """An address has a user name or a password in it."""


def _web_address(value: str) -> httpx.URL:
    """Raises ValueError if it is none, or carries a password."""
    try:
        url = parsed(value)
    except BadPort:
        raise ValueError(f"must have a port from 1 to {MAX_PORT}, or none") from None
    except NotAnAddress:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or not value.isprintable() or " " in value:
        raise ValueError("must be an http(s) address, or name a secret that is one as env:BOT_SECRET_…")
    if url.userinfo:
        raise _CarriesUser(f"must not carry a user name or password; {BASIC}")
    return url.copy_with(fragment=None)


def _resolved_address(context: Context) -> httpx.URL:
    value: str = context.config.url
    try:
        return _web_address(context.secrets.address(value))
    except _CarriesUser:
        name = value.removeprefix("env:")
        raise RequestFailed(f"the address in {name} must not carry a user name or password; {BASIC}") from None
    except ValueError:
        raise RequestFailed(f"the value of {value.removeprefix('env:')} is not an http(s) address") from None


def _header(context: Context, value: str, url: httpx.URL) -> str:
    text: str = context.secrets.text(value, str(url))
    if not _HEADER_VALUE.fullmatch(text):
        name = value.removeprefix("env:")
        raise SecretRefused(f"{name} cannot be sent as a header: it must be one line of printable ASCII")
    return text


def _body(context: Context) -> str | None:
    if context.config.body is None:
        return None
    now = context.now.replace(microsecond=0)
    fields = {
        "run_id": context.run_id,
        "job_id": context.job_id,
        "now": now.isoformat(),
        "date": now.date().isoformat(),
        "time": now.time().isoformat(),
        "timezone": context.timezone.key,
    }
    try:
        return render(context.config.body, fields)
    except Exception as error:  # noqa: BLE001 - whatever an expression can raise is the template's fault
        raise RequestFailed(f"the body's template cannot be used: {error}") from None


def _completed(headers: dict[str, str], content: str | None, url: httpx.URL, context: Context) -> dict[str, str]:
    """The job's headers and those of every request."""
    given = {name.lower() for name in headers}
    timestamp = int(time.time())
    # the first attempt's, so that a receiver that has seen it can drop the others
    message_id = context.origin_id
    whole = {"Webhook-Id": message_id, "Webhook-Timestamp": str(timestamp), **headers}
    if "user-agent" not in given:
        whole["User-Agent"] = user_agent(context.settings.visitor_contact)
    if "accept-encoding" not in given:
        whole["Accept-Encoding"] = ACCEPTED
    if content is not None and "content-type" not in given:
        whole["Content-Type"] = "application/json"
    if context.config.secret:
        name = context.config.secret.removeprefix("env:")
        key = signing_key(name, context.secrets.text(context.config.secret, str(url)))
        whole["Webhook-Signature"] = signature(key, message_id, timestamp, (content or "").encode())
    return whole


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The `Webhook-Signature` of Standard Webhooks, version 1: HMAC-SHA256 over id, timestamp and body.

    Args:
        key: see `service.bots.secrets.signing_key`.
        message_id: the `Webhook-Id`.
        timestamp: the `Webhook-Timestamp`, epoch seconds.
        body: as it is sent.
    """
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def _send(request: httpx.Request, seconds: float, egress: Egress) -> tuple[int, str, bool]:
    """The answer's status, the start of its text, and whether that is all of it.

    Raises:
        RequestFailed: there is none; says why.
    """
    backend = GuardedBackend(egress)
    backend.begin(seconds)
    request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), float(seconds))
    with GuardedTransport(backend) as transport:
        try:
            response = transport.handle_request(request)
            backend.allot(MAX_FRAMING * MAX_ANSWER)
            try:
                return response.status_code, *_shown(response, "gzip" in request.headers["accept-encoding"].lower())
            finally:
                response.close()
        except AddressRefused as error:
            raise _not_allowed(error) from None
        except httpx.TimeoutException:
            raise RequestFailed("no answer came in time; the request may have been acted on") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise RequestFailed(f"no answer came: {str(error) or type(error).__name__}") from None
        except Exception as error:  # noqa: BLE001 - a library's, over whatever a server sends; its words may be secret
            raise RequestFailed(f"the answer cannot be read ({type(error).__name__})") from None


def _shown(response: httpx.Response, accepted: bool) -> tuple[str, bool]:
    """The start of an answer's text, and whether that is all of it; in its place, in brackets, why there is none. The
    status counts either way."""
    body = bytearray()
    try:
        for piece in pieces(response, accepted):
            body += piece
            if len(body) >= MAX_ANSWER:
                break
    except Undecodable as error:
        return f"({error})", True
    charset = _CHARSET.search(response.headers.get("content-type", ""))
    text = decoded(bytes(body[:MAX_ANSWER]), charset[1] if charset else None)
    return ("(the answer is binary)", True) if "\0" in text else (text, len(body) < MAX_ANSWER)


def _without_address(text: str, url: httpx.URL) -> str:
    for part in (str(url), url.raw_path.decode("ascii", "replace"), url.host):
        if len(part) > 1:
            text = text.replace(part, HIDDEN)
    return text
