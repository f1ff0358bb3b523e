"""Routes of pauses: make, list, read, end."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.input.refusals import echo, listed
from service.errors import ValidationFailed
from service.usecases.pauses import STATES, Pauses
from service.web.api.limits import PAGE_LIMIT
from service.web.http import conditions, paging, query
from service.web.http.access import BY_KEY
from service.web.http.body import read_object
from service.web.http.pools import PooledResource


class PauseList(PooledResource[Pauses]):
    """`/scheduler/pauses`."""

    access = BY_KEY.needing(get=Scope.READ, post=Scope.RUN)

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of the pauses in force and of those that ended in the last 30 days, the newest first."""
        state = query.text(req, "state")
        if state is not None and state not in STATES:
            raise ValidationFailed.of("state", f"must be {listed(STATES)}, not {echo(state)}")
        page = await self._pool.run(
            self._source.page, PAGE_LIMIT.read(req), paging.cursor(req), state, query.text(req, "job_id")
        )
        paging.send_page(req, resp, page)

    on_head = on_get

    async def on_post(self, req: Request, resp: Response) -> None:
        """Pause jobs. Nothing that the pause covers is let through from then on.

        Each occurrence within is skipped, or held and run at the end, as `on_resume` says. Runs by hand, retries and
        runs that are queued or under way go on, unless `cancel_running` has the latter cancelled.
        """
        body = await read_object(req)
        made = await self._pool.run(self._source.create, body, conditions.idempotency_key(req))
        resp.media, resp.status = made, falcon.HTTP_201
        resp.set_header("Location", f"/scheduler/pauses/{made['id']}")


class OnePause(PooledResource[Pauses]):
    """`/scheduler/pauses/{pause_id}`."""

    access = BY_KEY.needing(get=Scope.READ, delete=Scope.RUN)

    async def on_get(self, req: Request, resp: Response, pause_id: str) -> None:
        """Return the pause."""
        resp.media = await self._pool.run(self._source.get, pause_id)

    on_head = on_get

    async def on_delete(self, req: Request, resp: Response, pause_id: str) -> None:
        """End the pause, and return it. What it holds runs, unless another pause still covers its job."""
        resp.media = await self._pool.run(self._source.end, pause_id)
