"""Route of the metrics, for Prometheus and its like."""

from __future__ import annotations

from collections.abc import Callable

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.store.counters import Reading
from service.store.jobs.numbers import JobNumbers
from service.web.http.access import BY_SENT_KEY
from service.web.http.pools import Pool, PooledResource
from service.web.metrics import exposition


class Metrics(PooledResource[Callable[[], Reading]]):
    """`/metrics`.

    Args:
        reading: reads the present numbers.
        pool: where that is done.
        job_numbers: reads those of single jobs, and how many jobs it left out; None if they are not wanted.
    """

    def __init__(
        self, reading: Callable[[], Reading], pool: Pool,
        job_numbers: Callable[[], tuple[list[JobNumbers], int]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(reading, pool)
        self._job_numbers = job_numbers

    access = BY_SENT_KEY.needing(get=Scope.READ).without_limits()

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the metrics of the whole installation, in Prometheus' text format or, if asked for, OpenMetrics.

        The key may also come as `Authorization: Bearer`.
        """
        resp.data, resp.content_type = await self._pool.run(self._exposition, req.accept)

    on_head = on_get

    def _exposition(self, accept: str) -> tuple[bytes, str]:
        return exposition(self._source(), accept, self._job_numbers() if self._job_numbers else None)
