"""Routes of rules: list, create, read, change, delete."""

from __future__ import annotations

from typing import Any

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.alerting.rules import Rules
from service.web.api.limits import PAGE_LIMIT
from service.web.http import conditions, paging, query
from service.web.http.access import BY_KEY
from service.web.http.body import read_object
from service.web.http.pools import PooledResource


class RuleList(PooledResource[Rules]):
    """`/scheduler/rules`."""

    access = BY_KEY.needing(get=Scope.ADMIN, post=Scope.ADMIN).without_limits()

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of the rules, the oldest first."""
        page = await self._pool.run(
            self._source.page, PAGE_LIMIT.read(req), paging.cursor(req), query.text(req, "channel")
        )
        paging.send_page(req, resp, page)

    on_head = on_get

    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a rule. A template is tried on the last real run that the rule is for."""
        made = await self._pool.run(self._source.create, await read_object(req))
        _send(resp, made)
        resp.status = falcon.HTTP_201
        resp.set_header("Location", f"/scheduler/rules/{made['id']}")


class OneRule(PooledResource[Rules]):
    """`/scheduler/rules/{rule_id}`."""

    access = BY_KEY.needing(get=Scope.ADMIN, put=Scope.ADMIN, delete=Scope.ADMIN).without_limits()

    async def on_get(self, req: Request, resp: Response, rule_id: str) -> None:
        """Return the rule."""
        _send(resp, await self._pool.run(self._source.get, rule_id))

    on_head = on_get

    async def on_put(self, req: Request, resp: Response, rule_id: str) -> None:
        """Change the fields that the body names."""
        body = await read_object(req)
        _send(resp, await self._pool.run(self._source.update, rule_id, body, conditions.revisions(req)))

    async def on_delete(self, req: Request, resp: Response, rule_id: str) -> None:
        """Delete the rule. What it has queued is still told."""
        await self._pool.run(self._source.delete, rule_id, conditions.revisions(req))
        resp.status = falcon.HTTP_204


def _send(resp: Response, rule: dict[str, Any]) -> None:
    """Answer with a rule. Its revision is its entity tag."""
    resp.media = rule
    conditions.show_revision(resp, rule["revision"])
