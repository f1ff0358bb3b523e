"""Routes of pings, and their addresses: a key with the scope `ping` alone, bound to a job, stands in each."""

from __future__ import annotations

from collections.abc import Mapping

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.heartbeats.pings import TEXT_LIMIT, Word
from service.interleaving import interleaved
from service.usecases.heartbeats.pings import Pings, TooMany
from service.web.http import query
from service.web.http.access import BY_TOKEN
from service.web.http.body import read

ADDRESS = "/ping/{token}"
ROUTES: Mapping[str, Word] = {
    ADDRESS: "success", f"{ADDRESS}/start": "start", f"{ADDRESS}/fail": "fail", f"{ADDRESS}/log": "log",
}  # fmt: skip
"""Each path, and what a ping there says."""


class PingRoute:
    """`/ping/{token}`, and `/start`, `/fail` and `/log` after it.

    Args:
        pings: the use case.
        word: what a ping here says.
    """

    access = BY_TOKEN.needing(get=Scope.PING, post=Scope.PING)

    def __init__(self, pings: Pings, word: Word) -> None:
        self._pings = pings
        self._word = word

    async def on_post(self, req: Request, resp: Response, token: str) -> None:
        """Note that a run of a heartbeat job begins, has succeeded, has failed, or has something to log.

        The address has a key in it, whose only scope is `ping`, and which is bound to the job. The body is a text for
        the run's log, of whatever media type. `?rid=` joins a run's pings, and makes a ping that is sent twice count
        once. GET does the same, without a body.
        """
        body = await read(req, TEXT_LIMIT) if req.method == "POST" else b""
        try:
            resp.media = await interleaved(self._pings.note, self._word, query.text(req, "rid"), body)
        except TooMany as error:
            raise falcon.HTTPTooManyRequests(
                description="This job has more than 120 pings in a minute; this one is not noted",
                retry_after=error.seconds,
            ) from None

    on_get = on_post
