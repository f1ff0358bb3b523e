"""Rate limit: Falcon middleware behind the guard that bounds the requests of each key (`RATE_LIMIT`)."""

from __future__ import annotations

import math
from collections.abc import Callable

import falcon
from falcon.asgi import Request, Response

from service.domain.access.callers import caller
from service.errors import StoreUnavailable
from service.interleaving import interleaved
from service.web.http.access import access_of


class Rates:
    """Answers 429 where a key sends more requests than it may. Who needs no key has no limit here.

    Args:
        take: takes a token of a key out of its bucket, given how many it may take a second (`take_token.lua`); returns
            0 if there was one, else the ms until there is.
        a_second: requests a second that each key may send.
    """

    def __init__(self, take: Callable[[str, int], int], a_second: int) -> None:
        self._take = take
        self._a_second = a_second

    async def process_resource(self, req: Request, resp: Response, resource: object, params: dict[str, str]) -> None:
        """Refuse a request whose key has no token left.

        Args:
            req: the request.
            resp: its answer.
            resource: the resource that Falcon has matched.
            params: the parameters in the path.

        Raises:
            falcon.HTTPTooManyRequests: it has none.
        """
        if access_of(resource).is_open:
            return
        wait = await self._wait(caller().actor)
        if wait > 0:
            raise falcon.HTTPTooManyRequests(
                description=f"This key may send {self._a_second} requests a second (RATE_LIMIT); try again later",
                retry_after=math.ceil(wait / 1000),
            )

    async def _wait(self, actor: str) -> int:
        try:
            return await interleaved(self._take, actor, self._a_second)
        except StoreUnavailable:
            return 0  # without Redis nothing is counted, and the request gets its own answer
