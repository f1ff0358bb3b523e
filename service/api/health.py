"""Whether the service is well."""

from __future__ import annotations

import falcon

from service.api.protocols import Jobs


class Health:
    """`/scheduler/health`, open to all"""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """200 when healthy, else 503 with the same fields."""
        health = self._jobs.health()
        resp.status = falcon.HTTP_200 if health["status"] == "healthy" else falcon.HTTP_503
        resp.media = health

    on_head = on_get
