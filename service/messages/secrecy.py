"""Sentences about a channel without anything of its URL that may be secret."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from service.messages.mail_urls import is_mail
from service.messages.templates import Template

LONGEST = 300
"""Characters of a reason."""


def redacted(reason: str, url: str) -> str:
    """One line of `reason` without anything of the channel's URL that may be secret.

    Args:
        url: as the setting has it.
    """
    for secret in sorted(_secrets(url), key=len, reverse=True):
        reason = reason.replace(secret, "***")
    reason = re.sub(r"\b[a-z][a-z0-9+.-]*://\S+", "***", reason, flags=re.IGNORECASE)
    return " ".join(reason.split())[:LONGEST]


def _secrets(url: str) -> set[str]:
    """The parts of a URL that may be secret: a mail URL's user and password, of others (tokens stand anywhere) all."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return {url}
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    query = dict(parse_qsl(parts.query))
    found = [user, password, *(query.get(key, "") for key in ("user", "pass", "password"))]
    if not is_mail(url):
        found += [parts.netloc.rpartition("@")[2], *parts.path.split("/"), *query.values()]
    forms = {form for text in found if not Template(text).fields for form in (text, unquote(text))}
    return {form for form in forms if len(form) >= 3}
