"""The console's own files: scripts, style sheets, pictures."""

from __future__ import annotations

from pathlib import Path

import falcon
from falcon.routing import StaticRoute

from service.api.access import OPEN

STATIC = "/static"


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
        self._route(req, resp)
        resp.set_header("Cache-Control", "no-cache")

    on_head = on_get
