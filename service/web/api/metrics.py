"""Route of the metrics, for Prometheus and its like."""

from __future__ import annotations

from collections.abc import Callable

import falcon

from service.store.counters import Reading
from service.web.http.access import BY_KEY_OR_BEARER
from service.web.metrics import exposition


class Metrics:
    """`/metrics`.

    Args:
        reading: reads the current measurements.
    """

    access = BY_KEY_OR_BEARER

    def __init__(self, reading: Callable[[], Reading]) -> None:
        self._reading = reading

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return the metrics of the whole installation, in Prometheus' text format or, if asked for, OpenMetrics.

        The key may also come as `Authorization: Bearer`.
        """
        resp.data, resp.content_type = exposition(self._reading(), req.accept)

    on_head = on_get
