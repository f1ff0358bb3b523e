"""Routes of accounts: what became of each occurrence of a job."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.fates.occurrences import Occurrences
from service.web.api.limits import OCCURRENCE_LIMIT
from service.web.http import paging, query
from service.web.http.access import BY_KEY
from service.web.http.pools import PooledResource

FILTERS = ("since", "until", "fate")


class OccurrenceList(PooledResource[Occurrences]):
    """`/scheduler/jobs/{job_id}/occurrences`."""

    access = BY_KEY.needing(get=Scope.READ)

    async def on_get(self, req: Request, resp: Response, job_id: str) -> None:
        """Return each instant that the job's schedule, as it was then, named in a span, and what became of it.

        Oldest first. The counts are of the whole span up to now, and as far back as `complete_since`. What the
        schedule named is worked out anew; it is compared with the history, not read from it. So `unaccounted` is the
        number of instants of which the history knows nothing.
        """
        filters = {name: query.text(req, name) for name in FILTERS}
        limit = OCCURRENCE_LIMIT.read(req)
        resp.media = await self._pool.run(
            self._source.page, job_id, **filters, limit=limit, cursor=paging.cursor(req)
        )  # fmt: skip
        paging.link_to(req, resp, resp.media["next_cursor"])

    on_head = on_get
