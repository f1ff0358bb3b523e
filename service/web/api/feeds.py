"""Route of calendar feeds, and their addresses: a key with the scope `feed` alone stands in each."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.foresight.feeds import Feeds
from service.web.http import query
from service.web.http.access import BY_TOKEN
from service.web.http.pools import PooledResource
from service.web.http.representation.validators import revalidate

ADDRESS = "/feed/{token}.ics"
CALENDAR = "text/calendar"


class Feed(PooledResource[Feeds]):
    """`/feed/{token}.ics`."""

    access = BY_TOKEN.needing(get=Scope.FEED)

    async def on_get(self, req: Request, resp: Response, token: str) -> None:
        """Return a calendar (RFC 5545): the occurrences of the next 30 days, and the runs of the last 30 with outcome.

        The address has a key in it, whose only scope is `feed`. `?label=team:crm` leaves out other jobs, and so do the
        limits of the key. The calendar holds 5,000 occurrences and 1,000 runs at most; its description says what is
        left out.
        """
        resp.data = await self._pool.run(self._source.calendar, query.texts(req, "label"))
        resp.content_type = f"{CALENDAR}; charset=utf-8"
        revalidate(req, resp)

    on_head = on_get
