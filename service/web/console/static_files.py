"""Route of the assets."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from service.web.console.assets import Assets
from service.web.http.access import OPEN
from service.web.http.representation.codings import IDENTITY, choose
from service.web.http.representation.compression import ACCEPT_ENCODING
from service.web.http.representation.validators import show_tag

FOR_EVER = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"


class StaticFiles:
    """`/static/…`, open to all: the sign-in page needs them, and they contain no data.

    Args:
        assets: the files. They are compressed now, as far as it goes.
    """

    access = OPEN

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        assets.squeeze()

    async def on_get(self, req: Request, resp: Response, rest: str = "") -> None:
        """Send one file, whole: ranges are not worth their code for files of a few KiB (RFC 9110, 14.2)."""
        found = self._assets.find(rest)
        if found is None:
            raise falcon.HTTPNotFound()
        asset, is_current = found
        resp.set_header("Cache-Control", FOR_EVER if is_current else ASK_EACH_TIME)
        coding = choose(req.get_header(ACCEPT_ENCODING) or "", len(asset.content))
        resp.data, resp.content_type = asset.forms[coding], asset.media_type
        if coding != IDENTITY:
            resp.set_header("Content-Encoding", coding)
            resp.set_header("Vary", ACCEPT_ENCODING)
        show_tag(req, resp, f'W/"{asset.digest}"')

    on_head = on_get
