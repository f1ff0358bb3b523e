"""Routes of the service's health, and of acknowledging its notices."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.status import HEALTHY
from service.interleaving import interleaved
from service.usecases import health
from service.web.http.access import BY_KEY, OPEN


class Health:
    """`/scheduler/health`, open to all."""

    access = OPEN

    def __init__(self, health: health.Health) -> None:
        self._health = health

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return 200 when the service is healthy, else 503 with the same fields."""
        found = await interleaved(self._health.now)
        resp.status = falcon.HTTP_200 if found["status"] == HEALTHY else falcon.HTTP_503
        resp.media = found

    on_head = on_get


class Acknowledge:
    """`/scheduler/acknowledge`."""

    access = BY_KEY.needing(post=Scope.RUN).without_limits()

    def __init__(self, health: health.Health) -> None:
        self._health = health

    async def on_post(self, req: Request, resp: Response) -> None:
        """Acknowledge that the data went back or that the clock stepped, and return these notices."""
        resp.media = await interleaved(self._health.acknowledge)
