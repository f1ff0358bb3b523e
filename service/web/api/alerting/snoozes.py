"""Routes of snoozes: list them, and end one. Links in alerts make them."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.alerting.snoozes import Snoozes
from service.web.api.limits import PAGE_LIMIT
from service.web.http import paging
from service.web.http.access import BY_KEY
from service.web.http.pools import PooledResource


class SnoozeList(PooledResource[Snoozes]):
    """`/scheduler/snoozes`."""

    access = BY_KEY.needing(get=Scope.ADMIN).without_limits()

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of the snoozes that are on."""
        page = await self._pool.run(self._source.page, PAGE_LIMIT.read(req), paging.cursor(req))
        paging.send_page(req, resp, page)

    on_head = on_get


class OneSnooze(PooledResource[Snoozes]):
    """`/scheduler/snoozes/{snooze_id}`."""

    access = BY_KEY.needing(delete=Scope.ADMIN).without_limits()

    async def on_delete(self, req: Request, resp: Response, snooze_id: str) -> None:
        """End the snooze. What it has held is told together."""
        await self._pool.run(self._source.end, snooze_id)
        resp.status = falcon.HTTP_204
