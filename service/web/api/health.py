"""Whether the service is well, and that somebody has looked at it."""

from __future__ import annotations

import falcon

from service.domain.status import HEALTHY
from service.web.api import protocols
from service.web.http.access import BY_KEY, OPEN


class Health:
    """`/scheduler/health`, open to all"""

    access = OPEN

    def __init__(self, health: protocols.Health) -> None:
        self._health = health

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """200 when healthy, else 503 with the same fields."""
        health = self._health.now()
        resp.status = falcon.HTTP_200 if health["status"] == HEALTHY else falcon.HTTP_503
        resp.media = health

    on_head = on_get


class Acknowledge:
    """`/scheduler/acknowledge`"""

    access = BY_KEY

    def __init__(self, health: protocols.Health) -> None:
        self._health = health

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Somebody has seen that the data went back, or that the clock stepped: 200 with what there was to see."""
        resp.media = self._health.acknowledge()
