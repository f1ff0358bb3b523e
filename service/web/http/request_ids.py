"""Request ids: each is on its answer, and beside every line that is logged meanwhile."""

from __future__ import annotations

import random
import re
import uuid
from itertools import count

from falcon.asgi import Request, Response

from service import logs

HEADER = "X-Request-Id"
"""The header that Heroku's router and other proxies send, too."""

_SANE = re.compile(r"[A-Za-z0-9._:/=+-]{8,128}")


class RequestIds:
    """Falcon middleware that takes the id that came with a request if it is well-formed, or else makes one."""

    def __init__(self) -> None:
        self._prefix = ""
        self._numbers = count()

    async def process_request(self, req: Request, resp: Response) -> None:
        """Set the id, before anything else, so that refusals have one too."""
        given = req.get_header(HEADER) or ""
        request_id = given if _SANE.fullmatch(given) else self._new()
        resp.set_header(HEADER, request_id)
        logs.begin(request_id)

    def _new(self) -> str:
        """Make an id in the form of a UUID. A random part of each process and a number cost less than random bytes."""
        if not self._prefix:  # not before the first request, for gunicorn forks the process meanwhile
            self._prefix = str(uuid.uuid4())[:24]
            self._numbers = count(random.SystemRandom().getrandbits(47))
        return f"{self._prefix}{next(self._numbers):012x}"
