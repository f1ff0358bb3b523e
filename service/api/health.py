"""Whether the service is well."""

from __future__ import annotations

import falcon

from service.api import protocols
from service.api.access import OPEN


class Health:
    """`/scheduler/health`, open to all"""

    access = OPEN

    def __init__(self, health: protocols.Health) -> None:
        self._health = health

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """200 when healthy, else 503 with the same fields."""
        health = self._health.now()
        resp.status = falcon.HTTP_200 if health["status"] == "healthy" else falcon.HTTP_503
        resp.media = health

    on_head = on_get
