"""Route that sends a test message, to prove that the channel works.

Short on purpose: each noun of the API has a module.
"""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.message_test import MessageTester
from service.web.http.access import BY_KEY
from service.web.http.body import read_optional_object
from service.web.http.pools import PooledResource


class MessageTest(PooledResource[MessageTester]):
    """`/scheduler/messages/test`."""

    access = BY_KEY.needing(post=Scope.SEND)

    async def on_post(self, req: Request, resp: Response) -> None:
        """Send one message through `MESSAGE_URL`: 200 once the channel takes it, else 502 with the reason."""
        body = await read_optional_object(req)
        resp.media = await self._pool.run(self._source.send, body)
