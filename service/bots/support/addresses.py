"""Web addresses written by strangers: contacts, servers, and the authors of jobs."""

from __future__ import annotations

import re

import httpx

_AUTHORITY = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//([^/?#]*)", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(?:[^@]*@)?(?:\[[^\[\]]*\]|[^\[\]:@\\\s]*)(?::(.*))?", re.DOTALL)
"""RFC 3986, 3.2. A host has no backslash, since browsers read it as a slash and others do not."""
_PORT = re.compile(r"0*[1-9][0-9]{0,4}|")
MAX_PORT = 65_535


class NotAnAddress(ValueError):
    """A text is not a URL. The message is the predicate of a sentence."""


class BadPort(NotAnAddress):
    """The port is invalid. The operating system would turn it into another one."""


def parsed(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """Return `text` as a URL, relative to `base` if there is one.

    httpx accepts a host name such as `xn--` and fails only when the host is read. So it is read here.

    Raises:
        NotAnAddress: it is not a URL.
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
    """Refuse ports that httpx accepts: `:+80`, `:8_0`, digits of other scripts, and numbers above the highest."""
    authority = _AUTHORITY.match(text)
    if authority is None:
        return
    match = _HOST_AND_PORT.fullmatch(authority[1])
    if match is None:
        raise NotAnAddress("is not a web address")
    port = match[1] or ""
    if not _PORT.fullmatch(port) or int(port or 1) > MAX_PORT:
        raise BadPort(f"has a port that is not a number from 1 to {MAX_PORT}")
