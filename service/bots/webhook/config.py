"""The webhook bot's config: the request, and the answers that count as success."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

import httpx
from pydantic import Field, field_validator, model_validator

from service.bots.support.addresses import MAX_PORT, BadPort, NotAnAddress, parsed
from service.bots.support.config import SparseConfig
from service.bots.support.secrets import OTHERS, is_misnamed, is_named
from service.bots.support.wording import MAX_TEMPLATE, check
from service.bots.webhook.run_fields import SAMPLES
from service.secrecy.secret_names import REFERENCE_PATTERN

BASIC = "send them as the header Authorization: env:BOT_SECRET_…, whose value is Basic and base64 of user:password"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,3998}[\x21-\x7e])?")
_OURS = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "expect"}
    | {"proxy-connection", "webhook-id", "webhook-timestamp", "webhook-signature"}
)
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|api-?key", re.IGNORECASE)


class WebhookConfig(SparseConfig):
    """The webhook bot's `bot_config`."""

    LEFT_OUT: ClassVar[frozenset[str] | None] = frozenset({"retry_status"})

    url: str = Field(
        max_length=2000, description="The address of the request: http(s), or the name of a secret that holds it."
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = Field(default="POST")
    headers: dict[str, str] = Field(
        default_factory=dict,
        max_length=50,
        description="More headers. A value may name a secret, env:BOT_SECRET_…; a secret value must.",
    )
    body: str | None = Field(
        default=None,
        max_length=MAX_TEMPLATE,
        description="The body's template. Its fields: run_id, job_id, job_name, now, date, time, timezone, trigger, "
        "attempt, scheduled_for, due, window_start, window_end, previous_success, previous_result, upcoming, names and "
        "requested_by. It is application/json unless headers say otherwise.",
    )
    expected_status: list[int] | None = Field(
        default=None,
        min_length=1,
        max_length=50,
        title="Statuses of success",
        description="The statuses on which the run succeeds. Default: 200 to 299.",
    )
    retry_status: list[int] | None = Field(
        default=None,
        min_length=1,
        max_length=50,
        title="Statuses to try again after",
        description="More statuses after which a failed request is tried again, if the job has retries left. "
        "Without it, no retry follows 301, 308, and 4xx other than 408, 409, 421, 423, 425 and 429. "
        "Left out of answers if unset.",
    )
    secret: str | None = Field(
        default=None,
        pattern=f"^{REFERENCE_PATTERN}$",
        title="Secret that signs",
        description="The name of the secret that signs the request, env:BOT_SECRET_…. "
        "Without it, the request is not signed.",
    )
    timeout_seconds: int = Field(
        default=30, ge=1, le=60, title="Give up on an answer after", description="For the whole request and its answer."
    )
    dry_run: bool = Field(default=False, description="Send nothing; check the secrets and show the request.")

    @field_validator("url")
    @classmethod
    def _is_aweb_address(cls, value: str) -> str:
        if not is_named(value):
            web_address(value)
        return value

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError("must have names of headers as its keys, such as Accept")
            if name.lower() in _OURS:
                raise ValueError(f"may not name {name}, which the service sets itself")
            if not HEADER_VALUE.fullmatch(text):
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
            check(value, SAMPLES)
        return value

    @field_validator("expected_status")
    @classmethod
    def _are_statuses(cls, value: list[int] | None) -> list[int] | None:
        if not all(200 <= status <= 599 for status in value or ()):
            raise ValueError("must be a list of HTTP statuses from 200 to 599")
        return value

    @field_validator("retry_status")
    @classmethod
    def _are_failures(cls, value: list[int] | None) -> list[int] | None:
        if not all(300 <= status <= 599 for status in value or ()):
            raise ValueError("must be a list of HTTP statuses from 300 to 599")
        return value

    @model_validator(mode="after")
    def _agree(self) -> WebhookConfig:
        both = set(self.retry_status or ()) & set(self.expected_status or ())
        if both:
            raise ValueError(f"must not have {min(both)} in both expected_status and retry_status")
        return self


class CarriesUser(ValueError):
    """An address contains a user name or a password."""


def web_address(value: str) -> httpx.URL:
    """Return the http(s) address that `value` is.

    Raises:
        CarriesUser: it contains a user name or a password.
        ValueError: it is not an http(s) address.
    """
    try:
        url = parsed(value)
    except BadPort:
        raise ValueError(f"must have a port from 1 to {MAX_PORT}, or none") from None
    except NotAnAddress:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or not value.isprintable() or " " in value:
        raise ValueError("must be an http(s) address, or name a secret that is one as env:BOT_SECRET_…")
    if url.userinfo:
        raise CarriesUser(f"must not carry a user name or password; {BASIC}")
    return url.copy_with(fragment=None)
