"""Static files of the console: scripts, style sheets, pictures."""

from __future__ import annotations

import re
from pathlib import Path

import falcon
from falcon.routing import StaticRoute

from service.web.http.access import OPEN

STATIC = "/static"
_RANGE = re.compile(r"bytes=(?:([0-9]{1,15})-([0-9]{0,15})|-0*[1-9][0-9]{0,14})")
"""A single range (RFC 9110, 14.1.2). A server may ignore a request for several."""


class StaticFiles:
    """`/static/…`, open to all: the sign-in page needs them, and they contain no data."""

    access = OPEN

    def __init__(self, folder: Path) -> None:
        self._route = StaticRoute(STATIC, folder)

    def on_get(self, req: falcon.Request, resp: falcon.Response, rest: str = "") -> None:
        """Send one file. Browsers may cache it, but must ask each time whether it has changed."""
        # Ignore invalid ranges (RFC 9110, 14.2). Falcon would accept `+1` and `1_0`, and it does not support If-Range.
        if "HTTP_IF_RANGE" in req.env or not _is_range(req.env.get("HTTP_RANGE", "")):
            req.env.pop("HTTP_RANGE", None)
        self._route(req, resp)
        resp.set_header("Cache-Control", "no-cache")

    on_head = on_get


def _is_range(value: str) -> bool:
    match = _RANGE.fullmatch(value)
    return match is not None and (not match[1] or not match[2] or int(match[1]) <= int(match[2]))
