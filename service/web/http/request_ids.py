"""Every request has an id: on its answer, and beside every line that is logged meanwhile."""

from __future__ import annotations

import re
import uuid

import falcon

from service import logs

HEADER = "X-Request-Id"
"""What Heroku's router and other proxies send, too."""

_SANE = re.compile(r"[A-Za-z0-9._:/=+-]{8,128}")


class RequestIds:
    """Falcon middleware: takes the id that came along if it is a sane one, else makes one."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Before anything else, so that refusals have one too."""
        given = req.get_header(HEADER) or ""
        request_id = given if _SANE.fullmatch(given) else str(uuid.uuid4())
        resp.set_header(HEADER, request_id)
        logs.begin(request_id=request_id)

    def process_response(self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool) -> None:
        """After everything: this thread answers other requests next."""
        logs.begin()
