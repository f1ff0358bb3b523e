"""Routes that look ahead: when a schedule fires, and what changes of clocks do to jobs. They store nothing."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.foresight.clock_changes import ClockChanges
from service.usecases.jobs import Jobs
from service.web.api.limits import CLOCK_CHANGE_DAYS, PREVIEW_COUNT
from service.web.http import query
from service.web.http.access import BY_KEY
from service.web.http.body import read_object
from service.web.http.pools import PooledResource


class Preview(PooledResource[Jobs]):
    """`/scheduler/preview`."""

    access = BY_KEY.needing(post=Scope.READ)

    async def on_post(self, req: Request, resp: Response) -> None:
        """Return the next occurrences of the schedule in the body."""
        body = await read_object(req)
        resp.media = await self._pool.run(self._source.preview, body)


class JobPreview(PooledResource[Jobs]):
    """`/scheduler/jobs/{job_id}/preview`."""

    access = BY_KEY.needing(get=Scope.READ)

    async def on_get(self, req: Request, resp: Response, job_id: str) -> None:
        """Return the next `count` occurrences of the job after `from`, which is now by default."""
        start, count = query.text(req, "from"), PREVIEW_COUNT.read(req)
        resp.media = await self._pool.run(self._source.preview_job, job_id, from_=start, count=count)

    on_head = on_get


class ClockChangeList(PooledResource[ClockChanges]):
    """`/scheduler/clock-changes`."""

    access = BY_KEY.needing(get=Scope.READ)

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the enabled jobs that meet a change of the clocks of their zone in the next `days`.

        For each, a sentence says what becomes of the local times that are skipped or come twice. The first 5,000 are
        listed, soonest first; `count` is the number of all.
        """
        days = CLOCK_CHANGE_DAYS.read(req)
        resp.media = await self._pool.run(self._source.report, days)

    on_head = on_get
