"""Route of the record of alerts.

Short on purpose: each noun of the API has a module.
"""

from __future__ import annotations

from functools import partial

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.alerting.told import ToldAlerts
from service.web.api.limits import PAGE_LIMIT
from service.web.http import paging, query
from service.web.http.access import BY_KEY
from service.web.http.pools import PooledResource

FILTERS = ("kind", "channel", "state", "job_id", "since", "until")


class AlertList(PooledResource[ToldAlerts]):
    """`/scheduler/alerts`."""

    access = BY_KEY.needing(get=Scope.ADMIN).without_limits()

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of the alerts that were sorted, newest first: whom each is told to, and how that goes."""
        wanted = {name: query.text(req, name) for name in FILTERS}
        limit, cursor = PAGE_LIMIT.read(req), paging.cursor(req)
        page = await self._pool.run(partial(self._source.page, limit=limit, cursor=cursor, **wanted))
        paging.send_page(req, resp, page)

    on_head = on_get
