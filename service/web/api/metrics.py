"""The metrics, for Prometheus and its like."""

from __future__ import annotations

import falcon

from service.web.api.protocols import Metrics
from service.web.http.access import BY_KEY_OR_BEARER


class Measured:
    """`/metrics`"""

    access = BY_KEY_OR_BEARER

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The metrics of the whole installation, in Prometheus' text format, or OpenMetrics where that is asked for.

        The key may also come as `Authorization: Bearer`.
        """
        resp.data, resp.content_type = self._metrics.expose(req.accept)

    on_head = on_get
