"""Checks of the values of settings, and the names that come of them. Pure."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit


def metrics_name(label: str) -> str:
    """Return a label's name as Prometheus takes it: letters, digits and `_`, and no digit first."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", label)
    return f"_{name}" if name[:1].isdigit() else name


def is_web_address(url: str) -> bool:
    """Tell whether a text is a complete http or https URL (RFC 3986)."""
    try:
        parts = urlsplit(url)
        port = parts.port  # raises unless it is a number
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\^`{|}')
    one_user = parts.netloc.count("@") <= 1
    return plain and one_user and parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def is_redis_url(url: str) -> bool:
    """Tell whether a client understands every part. Errors never name the wrong part: it may be the password."""
    try:
        parts = urlsplit(url)
        port = parts.port  # raises unless it is a number
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        return False
    path = bool(parts.path) if parts.scheme == "unix" else re.fullmatch(r"(/[0-9]{0,6})?", parts.path) is not None
    db_only = options.keys() <= {"db"} and options.get("db", "0").isdecimal()
    return path and db_only and port != 0 and not parts.fragment
