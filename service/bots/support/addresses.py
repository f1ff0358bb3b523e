"""Web addresses as strangers write them: contacts, servers, and whoever makes a job."""

from __future__ import annotations

import re

import httpx

_AUTHORITY = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//([^/?#]*)", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(?:[^@]*@)?(?:\[[^\[\]]*\]|[^\[\]:@\\\s]*)(?::(.*))?", re.DOTALL)
"""RFC 3986, 3.2. A backslash is part of no host: browsers take it for a slash, and others for what it is."""
_PORT = re.compile(r"0*[1-9][0-9]{0,4}|")
MAX_PORT = 65_535


class NotAnAddress(ValueError):
    """A text is no URL; says so as the predicate of a sentence."""


class BadPort(NotAnAddress):
    """Its port is no port, of which the operating system would make another one."""


def parsed(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """The URL that `text` is, seen from `base` if there is one.

    httpx takes a host name such as `xn--` in, and fails only when the host is asked for; so it is asked for here.

    Raises:
        NotAnAddress: it is none.
    """
    _check_authority(text)
    try:
        url = base.join(text) if base else httpx.URL(text)
        _ = url.host
    except (httpx.InvalidURL, ValueError):
        raise NotAnAddress("is not a web address") from None
    if url.port is not None and not 1 <= url.port <= MAX_PORT:
        raise BadPort(f"has a port that is not a number from 1 to {MAX_PORT}")
    return url


def _check_authority(text: str) -> None:
    """Refuses what httpx reads generously: `:+80`, `:8_0`, digits of other scripts, ports above the highest."""
    authority = _AUTHORITY.match(text)
    if authority is None:
        return
    found = _HOST_AND_PORT.fullmatch(authority[1])
    if found is None:
        raise NotAnAddress("is not a web address")
    port = found[1] or ""
    if not _PORT.fullmatch(port) or int(port or 1) > MAX_PORT:
        raise BadPort(f"has a port that is not a number from 1 to {MAX_PORT}")
