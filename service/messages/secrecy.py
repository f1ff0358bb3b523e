"""Removal of the secret parts of a channel's URL from sentences about it."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from service.messages.mail_urls import is_mail
from service.messages.templates import Template

LONGEST = 300
"""The most characters of a reason."""


def redacted(reason: str, url: str) -> str:
    """Return `reason` on one line, without any part of the channel's URL that may be secret.

    Args:
        reason: a sentence about the channel.
        url: the URL in the setting.
    """
    for secret in sorted(_secrets(url), key=len, reverse=True):
        reason = reason.replace(secret, "***")
    reason = re.sub(r"\b[a-z][a-z0-9+.-]*://\S+", "***", reason, flags=re.IGNORECASE)
    return " ".join(reason.split())[:LONGEST]


def _secrets(url: str) -> set[str]:
    """Return the parts of a URL that may be secret.

    Of a mail URL, these are the user and the password. Of any other URL, they are all parts, since tokens stand
    anywhere.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return {url}
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    query = dict(parse_qsl(parts.query))
    parts_of_url = [user, password, *(query.get(key, "") for key in ("user", "pass", "password"))]
    if not is_mail(url):
        parts_of_url += [parts.netloc.rpartition("@")[2], *parts.path.split("/"), *query.values()]
    forms = {form for text in parts_of_url if not Template(text).fields for form in (text, unquote(text))}
    return {form for form in forms if len(form) >= 3}
