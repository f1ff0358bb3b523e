"""Routes of channels: list, create, read, change, delete, test."""

from __future__ import annotations

from typing import Any

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.alerting.channels import Channels
from service.web.api.limits import PAGE_LIMIT
from service.web.http import conditions, paging
from service.web.http.access import BY_KEY
from service.web.http.body import read_object
from service.web.http.pools import PooledResource


class ChannelList(PooledResource[Channels]):
    """`/scheduler/channels`."""

    access = BY_KEY.needing(get=Scope.ADMIN, post=Scope.ADMIN).without_limits()

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of the channels, in the order of their names."""
        page = await self._pool.run(self._source.page, PAGE_LIMIT.read(req), paging.cursor(req))
        paging.send_page(req, resp, page)

    on_head = on_get

    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a channel. Its URL stands in a setting, which the body names."""
        made = await self._pool.run(self._source.create, await read_object(req))
        _send(resp, made)
        resp.status = falcon.HTTP_201
        resp.set_header("Location", f"/scheduler/channels/{made['name']}")


class OneChannel(PooledResource[Channels]):
    """`/scheduler/channels/{name}`."""

    access = BY_KEY.needing(get=Scope.ADMIN, put=Scope.ADMIN, delete=Scope.ADMIN).without_limits()

    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """Return the channel."""
        _send(resp, await self._pool.run(self._source.get, name))

    on_head = on_get

    async def on_put(self, req: Request, resp: Response, name: str) -> None:
        """Change the fields that the body names. What waits for the channel follows them at once."""
        body = await read_object(req)
        _send(resp, await self._pool.run(self._source.update, name, body, conditions.revisions(req)))

    async def on_delete(self, req: Request, resp: Response, name: str) -> None:
        """Delete the channel, unless rules name it. What waits for it is given up."""
        await self._pool.run(self._source.delete, name, conditions.revisions(req))
        resp.status = falcon.HTTP_204


class ChannelTest(PooledResource[Channels]):
    """`/scheduler/channels/{name}/test`."""

    access = BY_KEY.needing(post=Scope.ADMIN).without_limits()

    async def on_post(self, req: Request, resp: Response, name: str) -> None:
        """Send a test message through the channel at once: 200 when it is taken, else 502 with the reason."""
        resp.media = await self._pool.run(self._source.test, name)


def _send(resp: Response, channel: dict[str, Any]) -> None:
    """Answer with a channel. Its revision is its entity tag."""
    resp.media = channel
    conditions.show_revision(resp, channel["revision"])
