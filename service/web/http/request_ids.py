"""Request ids: each is on its answer, and beside every line that is logged meanwhile."""

from __future__ import annotations

import re
import uuid

from falcon.asgi import Request, Response

from service import logs

HEADER = "X-Request-Id"
"""The header that Heroku's router and other proxies send, too."""

_SANE = re.compile(r"[A-Za-z0-9._:/=+-]{8,128}")


class RequestIds:
    """Falcon middleware that takes the id that came with a request if it is well-formed, or else makes one."""

    async def process_request(self, req: Request, resp: Response) -> None:
        """Set the id, before anything else, so that refusals have one too."""
        given = req.get_header(HEADER) or ""
        request_id = given if _SANE.fullmatch(given) else str(uuid.uuid4())
        resp.set_header(HEADER, request_id)
        logs.begin(request_id=request_id)

    async def process_response(self, req: Request, resp: Response, resource: object, succeeded: bool) -> None:
        """Clear the id, after everything else: the connection's task may answer other requests next."""
        logs.begin()
