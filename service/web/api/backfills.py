"""Routes of backfills: start one, follow it, and cancel it."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.interleaving import interleaved
from service.usecases.backfilling.backfills import Backfills
from service.web.http import conditions
from service.web.http.access import BY_KEY
from service.web.http.body import read_object
from service.web.http.pools import Pool


class StartBackfill:
    """`/scheduler/jobs/{job_id}/backfill`.

    Args:
        backfills: the use cases of backfills.
        long: the threads for long work: a schedule is searched, and a history read.
    """

    access = BY_KEY.needing(post=Scope.RUN)

    def __init__(self, backfills: Backfills, long: Pool) -> None:
        self._backfills = backfills
        self._long = long

    async def on_post(self, req: Request, resp: Response, job_id: str) -> None:
        """Start runs for past instants: 202 and the backfill.

        The answer is 200 and the list of instants with `dry_run`, and if there is nothing to run.
        """
        body = await read_object(req)
        answer = await self._long.run(self._backfills.start, job_id, body, conditions.idempotency_key(req))
        resp.media = answer
        resp.status = falcon.HTTP_200 if answer["backfill_id"] is None else falcon.HTTP_202


class BackfillList:
    """`/scheduler/jobs/{job_id}/backfills`."""

    access = BY_KEY.needing(get=Scope.READ)

    def __init__(self, backfills: Backfills) -> None:
        self._backfills = backfills

    async def on_get(self, req: Request, resp: Response, job_id: str) -> None:
        """Return the last 20 backfills of the job, newest first."""
        resp.media = await interleaved(self._backfills.list, job_id)

    on_head = on_get


class OneBackfill:
    """`/scheduler/jobs/{job_id}/backfills/{backfill_id}`."""

    access = BY_KEY.needing(get=Scope.READ, delete=Scope.RUN)

    def __init__(self, backfills: Backfills) -> None:
        self._backfills = backfills

    async def on_get(self, req: Request, resp: Response, job_id: str, backfill_id: str) -> None:
        """Return the backfill, with what became of its instants so far."""
        resp.media = await interleaved(self._backfills.get, job_id, backfill_id)

    on_head = on_get

    async def on_delete(self, req: Request, resp: Response, job_id: str, backfill_id: str) -> None:
        """Cancel the backfill: what is left gets no run, and the runs that are open go on."""
        resp.media = await interleaved(self._backfills.cancel, job_id, backfill_id)
