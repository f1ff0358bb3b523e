"""The settings, all from the environment. README's table and `.env.example` tell what each is for."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit

from phonenumbers import SUPPORTED_REGIONS
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.egress import Egress
from service.environment import refuse_foreign
from service.errors import SettingsError
from service.secrecy import secret_hosts

_UNSUBSCRIBE = re.compile(r"(?=.{1,900}\Z)(mailto:|https://)[A-Za-z0-9._~:/?#@!$&'()*+;=%{}-]+")
"""A URL (RFC 3986) that may stand between angle brackets, with names of fields in braces."""
PREFIX_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"


class Settings(BaseSettings):
    """What the operator decides. A setting that is empty counts as unset."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    redis_prefix: Annotated[str, Field(pattern=PREFIX_PATTERN)] = "bot-scheduler"
    redis_pool_size: Annotated[int, Field(ge=1, le=1000)] = 4
    redis_tls_verify: str = "full"
    api_key: SecretStr | None = None
    api_key_previous: SecretStr | None = None
    data_dir: Path = Path("var")
    worker_concurrency: Annotated[int, Field(ge=1, le=100)] = 2
    web_concurrency: Annotated[int, Field(ge=1, le=100)] = 2
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "text"] = "auto"
    message_url: SecretStr | None = None
    alert_url: SecretStr | None = None
    phone_region: str | None = None
    message_list_unsubscribe: str | None = None
    message_auto_submitted: bool = False
    history_limit: Annotated[int, Field(ge=1, le=100_000)] = 1000
    log_runs: Annotated[int, Field(ge=0, le=1000)] = 20
    import_limit_mb: Annotated[int, Field(ge=1, le=1024)] = 64
    worker_isolation: Literal["warm", "fork"] = "warm"
    worker_recycle_runs: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    worker_recycle_mb: Annotated[int, Field(ge=32, le=1_048_576)] = 300
    rq_commands: Literal["stop-job", "all", "none"] = "stop-job"
    lease_seconds: Annotated[int, Field(ge=10, le=300)] = 30
    contacts_url: SecretStr | None = None
    visitor_contact: str | None = None
    network_allow: str | None = None
    visitor_allow_private: bool = False
    """The setting before `NETWORK_ALLOW`: every network inside, but no metadata service."""

    @field_validator("redis_url")
    @classmethod
    def _well_formed(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        if not _is_redis_url(url):
            raise ValueError(
                "is malformed; it looks like redis://user:password@host:6379/0, what is special in a password is "
                "percent-encoded, and db is the only option that may follow a ?"
            )
        return value

    @field_validator("contacts_url")
    @classmethod
    def _web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_web_address(value.get_secret_value()):
            raise ValueError(
                "is malformed; it looks like https://user:password@dav.example.org/, and what is special in a user or "
                "a password is percent-encoded"
            )
        return value

    @field_validator("phone_region")
    @classmethod
    def _names_a_country(cls, value: str | None) -> str | None:
        if value is not None and value.upper() not in SUPPORTED_REGIONS:
            raise ValueError("must be the ISO code of a country, in two letters such as US or DE")
        return value and value.upper()

    @field_validator("message_list_unsubscribe")
    @classmethod
    def _unsubscribes(cls, value: str | None) -> str | None:
        if value is not None and not _UNSUBSCRIBE.fullmatch(value):
            raise ValueError(
                "must be one mailto: or https:// URL of at most 900 characters, and what is special in it is "
                "percent-encoded"
            )
        return value

    @field_validator("network_allow")
    @classmethod
    def _names_networks(cls, value: str | None) -> str | None:
        Egress.of(value)
        return value

    @field_validator("redis_tls_verify")
    @classmethod
    def _usable(cls, value: str) -> str:
        if value not in ("full", "none"):
            try:
                ssl.create_default_context(cafile=value)
            except (OSError, ValueError):  # an SSLError is an OSError
                raise ValueError("must be full, none, or the path of a readable CA file") from None
        return value

    @field_validator("log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


ALLOWS_PRIVATE = (
    "VISITOR_ALLOW_PRIVATE opens every address inside the network, loopback included, to the visitor and the webhook; "
    "metadata services stay closed"
)
"""What the former setting opens, for whoever has set it."""


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port  # refuses what is no number
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\^`{|}')
    one_user = parts.netloc.count("@") <= 1
    return plain and one_user and parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def _is_redis_url(url: str) -> bool:
    """Whether a client understands every part of it. Which one it does not is not told: it may be of the password."""
    try:
        parts = urlsplit(url)
        port = parts.port  # refuses what is no number
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        return False
    path = bool(parts.path) if parts.scheme == "unix" else re.fullmatch(r"(/[0-9]{0,6})?", parts.path) is not None
    db_only = options.keys() <= {"db"} and options.get("db", "0").isdecimal()
    return path and db_only and port != 0 and not parts.fragment


def load_settings() -> Settings:
    """Reads the settings from the environment.

    Raises:
        SettingsError: some are malformed, or a library's own variable would break what is promised; the message names
            each and what it may be, never its value.
    """
    refuse_foreign(os.environ)
    try:
        settings = Settings()
    except ValidationError as error:
        problems = [
            f"{str(problem['loc'][0]).upper()}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
    else:
        problems = []
    problems += secret_hosts.check(os.environ)
    if problems:
        raise SettingsError("Settings are wrong: " + "; ".join(problems))
    return settings
