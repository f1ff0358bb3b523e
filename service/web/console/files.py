"""The console's own files: scripts, style sheets, pictures."""

from __future__ import annotations

import re
from pathlib import Path

import falcon
from falcon.routing import StaticRoute

from service.web.http.access import OPEN

STATIC = "/static"
_RANGE = re.compile(r"bytes=(?:([0-9]{1,15})-([0-9]{0,15})|-0*[1-9][0-9]{0,14})")
"""One range (RFC 9110, 14.1.2); a server may ignore several at once."""


class Files:
    """`/static/…`, open to all: the sign-in page needs them, and they tell nothing.

    Args:
        folder: where they lie.
    """

    access = OPEN

    def __init__(self, folder: Path) -> None:
        self._route = StaticRoute(STATIC, folder)

    def on_get(self, req: falcon.Request, resp: falcon.Response, rest: str = "") -> None:
        """One file; a browser may keep it, and asks each time whether it has changed."""
        # An invalid range is ignored (RFC 9110, 14.2), and Falcon takes `+1` and `1_0`; it knows no If-Range.
        if "HTTP_IF_RANGE" in req.env or not _is_range(req.env.get("HTTP_RANGE", "")):
            req.env.pop("HTTP_RANGE", None)
        self._route(req, resp)
        resp.set_header("Cache-Control", "no-cache")

    on_head = on_get


def _is_range(value: str) -> bool:
    found = _RANGE.fullmatch(value)
    return found is not None and (not found[1] or not found[2] or int(found[1]) <= int(found[2]))
