"""The webhook bot: sends one HTTP request, signed so that its receiver knows the sender.

The signature is that of Standard Webhooks (https://www.standardwebhooks.com), for which receivers have libraries. A
retry repeats the `Webhook-Id` of the first attempt, so that a receiver can drop a request that it has seen. The request
goes through the same network guard as a visitor's, and follows no redirect.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
from pydantic import BaseModel

from bot_scheduler import Context, RunFailed
from service.bots.support.content_coding import ACCEPTED
from service.bots.support.fetching import MAX_FRAMING, user_agent
from service.bots.support.network_guard import AddressRefused, GuardedBackend, GuardedTransport, refuse_literal
from service.bots.support.request_hook import UNTOLD
from service.bots.support.secrets import SecretRefused, is_named, signing_key
from service.bots.support.wording import fields_in, render
from service.bots.webhook.answers import MAX_ANSWER, Answer, failure, is_final, read_answer
from service.bots.webhook.config import BASIC, HEADER_VALUE, CarriesUser, WebhookConfig, web_address
from service.bots.webhook.run_fields import fields_of, headers_of
from service.egress import Egress
from service.errors import StoreUnavailable
from service.secrecy.own_copies import own_copy
from service.secrecy.secret_names import referenced

if TYPE_CHECKING:
    import base64
    import hmac
else:
    base64, hmac = own_copy("base64"), own_copy("hmac")  # signatures stay right even if another bot patches these

SHOWN_ANSWER = 2_000
"""The most characters of an answer in the result."""
SAID = 300
"""The most characters of an error, which may repeat words of the receiver's."""
HIDDEN = "***"


class RequestFailed(RunFailed):
    """The request was not answered as expected.

    The message says why, without the address if that is a secret. The `result` is the answer, if there was one.
    """


class WebhookBot:
    """Sends one HTTP request."""

    name: ClassVar[str] = "webhook"
    description: ClassVar[str] = "Sends one HTTP request, signed if it has a secret, and checks the answer's status."
    Config: ClassVar[type[BaseModel]] = WebhookConfig
    uses_settings: ClassVar[tuple[str, ...]] = ()
    safe_to_rerun: ClassVar[bool] = False
    """Its receiver may have acted on the request already."""

    def run(self, context: Context) -> dict[str, Any]:
        """Send the request once. A rehearsal sends nothing, and fails if a live run is certain to fail.

        Raises:
            RequestFailed: the address is refused, there was no answer, or the answer was not expected. It is final if
                the same request would get the same answer.
            SecretMissing: a named secret is not set.
            SecretRefused: a secret is malformed, or bound to other hosts.
        """
        config: WebhookConfig = context.config
        content = _body(context)
        url = _resolved_address(context)
        headers = {name: _header(context, value, url) for name, value in config.headers.items()}
        request = httpx.Request(config.method, url, headers=_completed(headers, content, url, context), content=content)
        if is_named(config.url):
            request.extensions[UNTOLD] = True
        egress = Egress.of(context.settings.network_allow, context.settings.visitor_allow_private)
        if config.dry_run:
            _refuse(url, egress)
            return _rehearsed(context, content)
        started = time.monotonic()
        try:
            answer = _send(request, config.timeout_seconds, egress)
        except RequestFailed as error:
            said = _without_address(str(error), url) if is_named(config.url) else str(error)
            said = context.secrets.redacted(said)  # before it is cut, so that no half of a secret is left
            raise RequestFailed(said if len(said) <= SAID else f"{said[:SAID]}…") from None
        result = {
            "status": answer.status,
            "duration_ms": round((time.monotonic() - started) * 1000),
            "signed": config.secret is not None,
            "answer": context.secrets.redacted_start(answer.text, SHOWN_ANSWER, answer.whole),
        }
        context.log.info("%s %s answered %d", config.method, config.url, answer.status)
        if answer.status not in (config.expected_status or range(200, 300)):
            final = is_final(answer.status, config.retry_status or ())
            reason = failure(answer, url, is_named(config.url), context.secrets, final)
            raise RequestFailed(reason, result, final=final, retry_after=answer.wait)
        return result


def _rehearsed(context: Context, content: str | None) -> dict[str, Any]:
    config: WebhookConfig = context.config
    headers = {name: HIDDEN if is_named(value) else value for name, value in config.headers.items()}
    given = {name.lower() for name in headers}
    headers |= {name: value for name, value in headers_of(context).items() if name.lower() not in given}
    shown = {"method": config.method, "url": config.url, "headers": headers, "body": content}
    return {"dry_run": True, "signed": config.secret is not None, "request": shown}


def _refuse(url: httpx.URL, egress: Egress) -> None:
    """Raise RequestFailed if the address is certain to be refused, without resolving its name."""
    try:
        refuse_literal(url.host, egress)
    except AddressRefused as error:
        raise _not_allowed(error) from None


def _not_allowed(error: AddressRefused) -> RequestFailed:
    return RequestFailed(f"the address {error.reason}, and NETWORK_ALLOW does not name it")


def _resolved_address(context: Context) -> httpx.URL:
    value: str = context.config.url
    try:
        return web_address(context.secrets.address(value))
    except CarriesUser:
        name = referenced(value)
        raise RequestFailed(f"the address in {name} must not carry a user name or password; {BASIC}") from None
    except ValueError:
        raise RequestFailed(f"the value of {value.removeprefix('env:')} is not an http(s) address") from None


def _header(context: Context, value: str, url: httpx.URL) -> str:
    text: str = context.secrets.text(value, str(url))
    if not HEADER_VALUE.fullmatch(text):
        name = referenced(value)
        raise SecretRefused(f"{name} cannot be sent as a header: it must be one line of printable ASCII")
    return text


def _body(context: Context) -> str | None:
    if context.config.body is None:
        return None
    try:
        fields = fields_of(context, fields_in(context.config.body))
        return render(context.config.body, fields)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever an expression can raise is the template's fault
        raise RequestFailed(f"the body's template cannot be used: {error}") from None


def _completed(headers: dict[str, str], content: str | None, url: httpx.URL, context: Context) -> dict[str, str]:
    """Return the headers of the job with those of every request."""
    given = {name.lower() for name in headers}
    timestamp = int(time.time())
    # of the first attempt, so that a receiver can drop repeated requests
    message_id = context.origin_id
    facts = {name: value for name, value in headers_of(context).items() if name.lower() not in given}
    whole = {"Webhook-Id": message_id, "Webhook-Timestamp": str(timestamp), **facts, **headers}
    if "user-agent" not in given:
        whole["User-Agent"] = user_agent(context.settings.visitor_contact)
    if "accept-encoding" not in given:
        whole["Accept-Encoding"] = ACCEPTED
    if content is not None and "content-type" not in given:
        whole["Content-Type"] = "application/json"
    if context.config.secret:
        name = referenced(context.config.secret)
        key = signing_key(name, context.secrets.text(context.config.secret, str(url)))
        whole["Webhook-Signature"] = signature(key, message_id, timestamp, (content or "").encode())
    return whole


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `Webhook-Signature` of Standard Webhooks, version 1: HMAC-SHA256 over id, timestamp and body.

    Args:
        key: see `service.bots.support.secrets.signing_key`.
        message_id: the `Webhook-Id`.
        timestamp: the `Webhook-Timestamp`, in epoch seconds.
        body: the request's body.
    """
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def _send(request: httpx.Request, seconds: float, egress: Egress) -> Answer:
    """Send the request and return the answer.

    Raises:
        RequestFailed: there is no answer; the message says why.
    """
    backend = GuardedBackend(egress)
    backend.begin(seconds)
    request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), float(seconds))
    with GuardedTransport(backend) as transport:
        try:
            response = transport.handle_request(request)
            backend.allot(MAX_FRAMING * MAX_ANSWER)
            try:
                return read_answer(response, "gzip" in request.headers["accept-encoding"].lower())
            finally:
                response.close()
        except AddressRefused as error:
            raise _not_allowed(error) from None
        except httpx.TimeoutException:
            raise RequestFailed("no answer came in time; the receiver may have acted on the request") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise RequestFailed(f"no answer came: {str(error) or type(error).__name__}") from None
        except Exception as error:  # noqa: BLE001 - a library's, over whatever a server sends; its words may be secret
            raise RequestFailed(f"the answer cannot be read ({type(error).__name__})") from None


def _without_address(text: str, url: httpx.URL) -> str:
    for part in (str(url), url.raw_path.decode("ascii", "replace"), url.host):
        if len(part) > 1:
            text = text.replace(part, HIDDEN)
    return text
