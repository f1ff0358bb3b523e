"""Static files of the console: scripts, style sheets, pictures."""

from __future__ import annotations

import mimetypes
from pathlib import Path

import falcon
from falcon.asgi import Request, Response

from service.web.http.access import OPEN

STATIC = "/static"


class StaticFiles:
    """`/static/…`, open to all: the sign-in page needs them, and they contain no data."""

    access = OPEN

    def __init__(self, folder: Path) -> None:
        self._files = {
            file.name: (file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream")
            for file in folder.iterdir()
        }

    async def on_get(self, req: Request, resp: Response, rest: str = "") -> None:
        """Send one file. Browsers may cache it, but must ask each time whether it has changed."""
        if rest not in self._files:
            raise falcon.HTTPNotFound()
        resp.data, resp.content_type = self._files[rest]
        resp.set_header("Cache-Control", "no-cache")

    on_head = on_get
