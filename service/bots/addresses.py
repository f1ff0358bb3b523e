"""Web addresses as strangers write them: contacts, servers, and whoever makes a job."""

from __future__ import annotations

import httpx


def parsed(text: str, base: httpx.URL | None = None) -> httpx.URL | None:
    """The URL that `text` is, seen from `base` if there is one; None if it is none.

    httpx takes a host name such as `xn--` in, and fails only when the host is asked for; so it is asked for here.
    """
    try:
        url = base.join(text) if base else httpx.URL(text)
        _ = url.host
    except (httpx.InvalidURL, ValueError):
        return None
    return url
