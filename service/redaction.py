"""Secrets of the settings, kept out of log lines whatever brought them there: the name of the setting stands instead.

This is the second line: whoever words a sentence leaves them out already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

SECRETS = ("API_KEY", "API_KEY_PREVIOUS", "REDIS_URL", "MESSAGE_URL", "ALERT_URL", "CONTACTS_URL")
"""The settings that no line may tell; beside them all that jobs name, `BOT_SECRET_…`."""
SECRET_PREFIX = "BOT_SECRET_"  # noqa: S105 - the name is none
SHORTEST = 6
"""A shorter one would be found in words that have nothing to do with it."""

_TOKEN = re.compile(r"(?=[A-Za-z_-]*[0-9])(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{12,}")


class Redaction:
    """Puts a setting's name in the place of its value, and of what is secret in it.

    Args:
        environment: where the settings are.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        found = {value: name for name, value in _secrets(environment) if len(value) >= SHORTEST}
        # The longest first: a password is a part of its URL.
        self._names = {value: found[value] for value in sorted(found, key=len, reverse=True)}

    def applied(self, text: str) -> str:
        """`text` without secrets."""
        for value, name in self._names.items():
            if value in text:
                text = text.replace(value, f"[{name}]")
        return text


def _secrets(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Whole values, and, of URLs, what is secret in them, quoted and unquoted."""
    for name, value in environment.items():
        if not (name in SECRETS or name.startswith(SECRET_PREFIX)):
            continue
        yield name, value.strip()
        for word in value.split():  # MESSAGE_URL may hold several URLs
            yield name, word
            for part in _parts(word):
                yield name, part
                yield name, unquote(part)


def _parts(url: str) -> Iterator[str]:
    """A URL's password, and whatever in it looks like a token."""
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
    except ValueError:
        return
    if not parts.scheme:
        return
    user_info = parts.netloc.rpartition("@")[0]
    yield user_info
    yield user_info.partition(":")[2]
    yield query.get("pass", "")
    yield from _TOKEN.findall(url)
