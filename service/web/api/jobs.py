"""Routes of jobs: list, create, read, update, delete, toggle, run now, and one action for many."""

from __future__ import annotations

import logging
from typing import Any

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import NotFound, ServiceError
from service.interleaving import interleaved
from service.usecases.access.sight import is_limited
from service.usecases.batches.batches import Batches
from service.usecases.foresight.dry_runs import DryRuns
from service.usecases.ids import no_job
from service.usecases.job_filters import checked_ids
from service.usecases.jobs import Jobs
from service.usecases.runs import Runs
from service.usecases.views import View
from service.web.api.limits import DRY_RUN_DAYS, JOB_PAGE_DEFAULT, JOB_PAGE_LIMIT, WAIT_SECONDS
from service.web.callers.vigil import proof_for
from service.web.http import conditions, paging, query
from service.web.http.access import BY_KEY
from service.web.http.body import read_object, read_optional_object
from service.web.http.hang_up import receive_of
from service.web.http.pools import Pool, PooledResource
from service.web.http.rendering import Runner, send, send_array
from service.web.http.weight import is_light
from service.web.live.hub import NewsHub
from service.web.live.waiting import wait_for_run

log = logging.getLogger(__name__)

TOTAL = "X-Total-Count"
"""The header that tells how many things a list has on all its pages."""


class Changing:
    """Base of resources whose bodies may take long to check.

    Args:
        pool: the threads for those bodies.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def _run(self, body: dict[str, Any] | None) -> Runner:
        """Choose where to check a body and carry it out: on the event loop as far as it is quick, else in a thread."""
        return self._pool.run_if_long if body is None or is_light(body) else self._pool.run


class JobList(Changing):
    """`/scheduler/jobs`."""

    access = BY_KEY.needing(get=Scope.READ, post=Scope.WRITE)

    def __init__(self, jobs: Jobs, pool: Pool) -> None:
        super().__init__(pool)
        self._jobs = jobs

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return jobs in the order of their creation: all of them, or with `limit` or `cursor` a page.

        With `sort` or `order` they are sorted, and `X-Total-Count` tells how many there are on all pages. Jobs that
        have nothing to sort by are last: those that never ran or failed, or do not run.
        """
        filters: dict[str, Any] = {
            "enabled_only": query.boolean(req, "enabled_only"),
            "bot_type": query.text(req, "bot_type") or None,
            "q": query.text(req, "q") or None,
            "labels": query.texts(req, "label"),
            "state": query.text(req, "state"),
        }
        limit = JOB_PAGE_LIMIT.read(req)
        cursor = paging.cursor(req)
        sort, order, ids = query.text(req, "sort"), query.text(req, "order"), query.texts(req, "id")
        if sort is not None or order is not None or ids:
            await self._sorted(req, resp, sort, order, limit, cursor, filters | {"ids": checked_ids(ids)})
        elif limit or cursor is not None:
            # A filter is asked of all jobs, which takes a while.
            run = self._pool.run if any(filters.values()) or is_limited() else interleaved
            page = await run(self._jobs.list, **filters, limit=limit or JOB_PAGE_DEFAULT, cursor=cursor)
            paging.send_page(req, resp, page)
        else:
            await send_array(req, resp, self._jobs.all(**filters), interleaved)

    on_head = on_get

    async def _sorted(
        self, req: Request, resp: Response, sort: str | None, order: str | None, limit: int, cursor: str | None,
        filters: dict[str, Any],
    ) -> None:  # fmt: skip
        """Answer with a sorted list. Sorting many jobs takes a while, so it is done in a thread."""
        jobs = self._jobs.sorted
        if not limit and cursor is None:
            await send_array(req, resp, jobs.all(sort, order, **filters), self._pool.go_on)
            return
        page = await self._pool.run(jobs.page, sort, order, limit=limit or JOB_PAGE_DEFAULT, cursor=cursor, **filters)
        resp.set_header(TOTAL, str(page.total))
        paging.send_page(req, resp, page)

    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a job."""
        body = await read_object(req)
        job = await self._run(body)(self._jobs.create, body, conditions.idempotency_key(req))
        resp.status = falcon.HTTP_201
        conditions.send_job(resp, job)
        resp.set_header("Location", f"/scheduler/jobs/{job.id}")


class Batch(PooledResource[Batches]):
    """`/scheduler/batch`."""

    access = BY_KEY.needing(post=(Scope.WRITE, Scope.RUN))  # and the use case asks what the action needs

    async def on_post(self, req: Request, resp: Response) -> None:
        """Do the same for many jobs, each in a step of its own, and answer with what became of each.

        The jobs are those of `ids`, or those that `filter` takes, at most 1,000 in a call; where more match,
        `next_cursor` leads on, as `cursor` of the same request. The key needs the scope that the action needs for a
        single job (enable, disable, label, delete: `write`; run, again: `run`), and `read` for a filter. Each job is
        answered as its own request would be: `status` is that request's. `dry_run` tells what would be done.
        """
        body = await read_object(req)
        resp.media = await self._pool.run(self._source.carry_out, body, conditions.idempotency_key(req))


class Job(Changing):
    """`/scheduler/jobs/{job_id}`."""

    access = BY_KEY.needing(get=Scope.READ, put=Scope.WRITE, delete=Scope.WRITE)

    def __init__(self, jobs: Jobs, dry_runs: DryRuns, pool: Pool) -> None:
        super().__init__(pool)
        self._jobs = jobs
        self._dry_runs = dry_runs

    async def on_get(self, req: Request, resp: Response, job_id: str) -> None:
        """Return the job."""
        conditions.send_job(resp, await interleaved(self._jobs.get, job_id))

    on_head = on_get

    async def on_put(self, req: Request, resp: Response, job_id: str) -> None:
        """Change the fields that the body names.

        `?dry_run=true` changes nothing. It answers with the fields that would change, and with the occurrences that
        the job would gain and lose in the next `days`; the ETag is that of the job as it is.
        """
        dry_run, days = query.boolean(req, "dry_run"), DRY_RUN_DAYS.read(req)
        body = await read_object(req)
        revisions = conditions.revisions(req)
        if dry_run:
            resp.media, revision = await self._pool.run(self._dry_runs.update, job_id, body, revisions, days)
            conditions.show_revision(resp, revision)
            return
        conditions.send_job(resp, await self._run(body)(self._jobs.update, job_id, body, revisions))

    async def on_delete(self, req: Request, resp: Response, job_id: str) -> None:
        """Delete the job."""
        await interleaved(self._jobs.delete, job_id, conditions.revisions(req))
        resp.status = falcon.HTTP_204


class Toggle(PooledResource[Jobs]):
    """`/scheduler/jobs/{job_id}/toggle`."""

    access = BY_KEY.needing(post=Scope.WRITE)

    async def on_post(self, req: Request, resp: Response, job_id: str) -> None:
        """Enable or disable the job."""
        body = await read_object(req)
        revisions = conditions.revisions(req)
        conditions.send_job(resp, await self._pool.run_if_long(self._source.toggle, job_id, body, revisions))


class RunNow(Changing):
    """`/scheduler/jobs/{job_id}/run`."""

    access = BY_KEY.needing(post=Scope.RUN)

    def __init__(self, runs: Runs, hub: NewsHub, pool: Pool) -> None:
        super().__init__(pool)
        self._runs = runs
        self._hub = hub

    async def on_post(self, req: Request, resp: Response, job_id: str) -> None:
        """Run the job: 202, or, with `?wait=SECONDS`, 200 and the history entry if the run ends in time.

        A job that leaves the limits of the key meanwhile ends the wait with 404; the run goes on. With `at`, the run
        exists at once, and starts at that time, at most 366 days ahead. Without the scope `read`, sentences stand in
        the place of its result and error.
        """
        seconds = WAIT_SECONDS.read(req)
        body, key = await read_optional_object(req), conditions.idempotency_key(req)
        run_id = await self._run(body)(self._runs.run_now, job_id, body, key, req.get_header("traceparent"))
        log.debug("Run %s of job %s was requested", run_id, job_id, extra={"job_id": job_id, "run_id": run_id})
        run = await self._wait(req, job_id, run_id, seconds) if seconds is not None else None
        if run is not None:
            send(resp, run.json)
            return
        at = (body or {}).get("at")
        when = "for immediate execution" if at is None else f"to run at {format_timestamp(parse_timestamp(at, 'at'))}"
        resp.status = falcon.HTTP_202
        resp.media = {"message": f"Job {job_id} queued {when}", "status": "queued", "run_id": run_id}

    async def _wait(self, req: Request, job_id: str, run_id: str, seconds: float) -> View | None:
        try:
            receive, proof = receive_of(req), proof_for(req, job_id, self._hub.following.is_within)
            return await wait_for_run(self._hub, self._runs, job_id, run_id, seconds, receive, proof)
        except ServiceError as error:
            if isinstance(error, NotFound) and is_limited():
                raise no_job(job_id) from error  # it has left the caller's limits: not even the run's id is theirs now
            # The run is accepted. After an error the client would ask for it once more, and it would run twice.
            return None
