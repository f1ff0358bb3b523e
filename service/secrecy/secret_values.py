"""Which texts of an environment are secret: whole values, and the secret parts of URLs and headers."""

from __future__ import annotations

import binascii
import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from service.secrecy.own_copies import own_copy
from service.secrecy.secret_names import is_secret

if TYPE_CHECKING:
    import base64
else:
    base64 = own_copy("base64")

COLLECTOR_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
"""Headers for the collector of traces, `name=value` with commas between, percent-encoded."""
SECRETS = (
    "API_KEY",
    "API_KEY_PREVIOUS",
    "REDIS_URL",
    "MESSAGE_URL",
    "ALERT_URL",
    "CONTACTS_URL",
    "HEARTBEAT_URL",
    *COLLECTOR_HEADERS,
)
"""The settings that are secret; so are the variables that jobs name, `BOT_SECRET_…`."""
UNMISTAKABLE = 16
"""Length from which a secret is replaced in the results of all runs; a shorter one only in runs that used it."""
_TOKEN = re.compile(r"(?=[A-Za-z_-]*[0-9])(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{12,}")
_CREDENTIAL = re.compile(r"(?:bearer|basic|token|apikey|key|digest)\s+(\S+)", re.IGNORECASE)
_SECRET_QUERY = re.compile(r"pass|passwd|password|token|secret|key|api_?key|access_token|sig|signature", re.IGNORECASE)
_PLAIN_SCHEMES = ("redis", "rediss", "unix", "http", "https")
"""An address of these schemes with no user and no token in it is no secret."""


def secret_values(environment: Mapping[str, str], used: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield whole values and their secret parts, quoted and unquoted, each with the name of its variable.

    Args:
        environment: variables.
        used: the names of those that a run asked for: the paths of their addresses are secret, too.
    """
    for name, value in environment.items():
        if name in SECRETS or is_secret(name):
            if name in COLLECTOR_HEADERS:
                headers = [unquote(pair.partition("=")[2]).strip() for pair in value.split(",")]
                yield from ((name, part) for header in headers for part in _of_text(header))
            given = () if name.endswith("_URL") and name in SECRETS else _of_text(value.strip())
            paths = _paths(value) if name in used else ()
            for part in (*given, *_of_urls(value, everything=is_secret(name)), *paths):
                yield name, part
                yield name, unquote(part)


def _of_text(value: str) -> Iterator[str]:
    yield value
    yield value.removeprefix("whsec_")
    yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= UNMISTAKABLE)
    if match := _CREDENTIAL.fullmatch(value):
        yield match[1]
        yield _basic_password(match[1])


def _basic_password(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _of_urls(value: str, *, everything: bool) -> Iterator[str]:
    """Yield each URL of a setting, which may hold several, and its secret parts; one without any is public."""
    for word in value.split():
        scheme, found, _ = word.partition("://")
        if not found:
            continue
        parts = [part for part in _parts(word) if part]
        if everything or parts or scheme.lower() not in _PLAIN_SCHEMES:
            yield word
        yield from parts


def _parts(url: str) -> Iterator[str]:
    """Yield a URL's password, and whatever in it looks like a token."""
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query)
    except ValueError:
        return
    user_info = parts.netloc.rpartition("@")[0]
    if user_info.partition(":")[2]:
        yield user_info
        yield user_info.partition(":")[2]
    yield from (value for key, value in query if _SECRET_QUERY.fullmatch(key))
    yield from (segment for segment in parts.path.split("/") if len(segment) >= UNMISTAKABLE)
    yield from _TOKEN.findall(url)


def _paths(value: str) -> Iterator[str]:
    """Yield the paths of URLs as a request line has them, which the receiver may repeat."""
    for word in value.split():
        try:
            parts = urlsplit(word)
        except ValueError:
            continue
        if parts.netloc:
            yield f"{parts.path}?{parts.query}" if parts.query else parts.path
