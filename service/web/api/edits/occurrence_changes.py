"""Route of one occurrence of a job: skip it, move it, run it with other settings, take that back."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.edits.occurrence_edits import OccurrenceEdits
from service.web.api.jobs import Changing
from service.web.http import conditions
from service.web.http.access import BY_KEY
from service.web.http.body import read_object
from service.web.http.pools import Pool


class OccurrenceChange(Changing):
    """`/scheduler/jobs/{job_id}/occurrences/{instant}`."""

    access = BY_KEY.needing(put=Scope.RUN, delete=Scope.RUN)

    def __init__(self, edits: OccurrenceEdits, pool: Pool) -> None:
        super().__init__(pool)
        self._edits = edits

    async def on_put(self, req: Request, resp: Response, job_id: str, instant: str) -> None:
        """Skip one occurrence that is to come, move it, or run it with other settings.

        `instant` is its own time, by the job's schedule. The run keeps that as its `scheduled_for`, with `moved_to`
        beside it. Settings beyond `{"dry_run": true}` need the scope `write`.
        """
        body = await read_object(req)
        revisions = conditions.revisions(req)
        resp.media = await self._run(body)(self._edits.change, job_id, instant, body, revisions)

    async def on_delete(self, req: Request, resp: Response, job_id: str, instant: str) -> None:
        """Take a change back that is not carried out yet: the occurrence comes as the schedule has it."""
        await self._pool.run_if_long(self._edits.take_back, job_id, instant, conditions.revisions(req))
        resp.status = falcon.HTTP_204
