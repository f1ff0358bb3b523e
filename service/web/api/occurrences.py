"""Routes of accounts: what became of each occurrence of a job."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.errors import ValidationFailed
from service.usecases.fates.explaining import Explanations
from service.usecases.fates.many_jobs import ManyAccounts
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


class AllOccurrences(PooledResource[ManyAccounts]):
    """`/scheduler/occurrences`."""

    access = BY_KEY.needing(get=Scope.READ)

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return what became of the occurrences of many jobs: of those that have a `label`, or of all.

        Each job has what `GET /jobs/{id}/occurrences` answers for it, up to `limit` occurrences, or a `detail` that
        says why its account cannot be read. The cursor leads to the next jobs.
        """
        filters = {name: query.text(req, name) for name in FILTERS}
        labels, limit = query.texts(req, "label"), OCCURRENCE_LIMIT.read(req)
        resp.media = await self._pool.run(
            self._source.page, labels=labels, **filters, limit=limit, cursor=paging.cursor(req)
        )  # fmt: skip
        paging.link_to(req, resp, resp.media["next_cursor"])

    on_head = on_get


class Explanation(PooledResource[Explanations]):
    """`/scheduler/jobs/{job_id}/explain`."""

    access = BY_KEY.needing(get=Scope.READ)

    async def on_get(self, req: Request, resp: Response, job_id: str) -> None:
        """Say in a sentence why the job ran at a time, did not run, or has no occurrence then.

        `at` is a time such as `2027-03-28T02:30` or `08:30` (today), in the zone of the job's schedule unless it has
        an offset. Without seconds, it finds the occurrence of that minute.
        """
        at = query.text(req, "at")
        if at is None:
            raise ValidationFailed.of("at", "is required")
        resp.media = await self._pool.run(self._source.explain, job_id, at)

    on_head = on_get
