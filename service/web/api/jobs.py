"""Routes of jobs: list, create, read, update, delete, toggle, run now."""

from __future__ import annotations

import logging
from typing import Any

import falcon

from service.errors import ServiceError
from service.usecases.jobs import Jobs
from service.usecases.runs import Runs
from service.usecases.views import View
from service.web.api.limits import JOB_PAGE_DEFAULT, JOB_PAGE_LIMIT, WAIT_SECONDS
from service.web.http import conditions, paging, query
from service.web.http.access import BY_KEY
from service.web.http.body import read_object, read_optional_object
from service.web.http.rendering import send, send_array
from service.web.http.request_slots import SlowResource

log = logging.getLogger(__name__)


class JobList:
    """`/scheduler/jobs`."""

    access = BY_KEY

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return jobs in the order of their creation: all of them, or with `limit` or `cursor` a page."""
        filters: dict[str, Any] = {
            "enabled_only": query.boolean(req, "enabled_only"),
            "bot_type": query.text(req, "bot_type") or None,
            "q": query.text(req, "q") or None,
        }
        limit = JOB_PAGE_LIMIT.read(req)
        cursor = paging.cursor(req)
        if limit or cursor is not None:
            paging.send_page(req, resp, self._jobs.list(**filters, limit=limit or JOB_PAGE_DEFAULT, cursor=cursor))
        else:
            send_array(resp, self._jobs.all(**filters))

    on_head = on_get

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Create a job."""
        job = self._jobs.create(read_object(req), conditions.idempotency_key(req))
        resp.status = falcon.HTTP_201
        conditions.send_job(resp, job)
        resp.set_header("Location", f"/scheduler/jobs/{job.id}")


class Job:
    """`/scheduler/jobs/{job_id}`."""

    access = BY_KEY

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Return the job."""
        conditions.send_job(resp, self._jobs.get(job_id))

    on_head = on_get

    def on_put(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Change the fields that the body names."""
        conditions.send_job(resp, self._jobs.update(job_id, read_object(req), conditions.revisions(req)))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Delete the job."""
        self._jobs.delete(job_id, conditions.revisions(req))
        resp.status = falcon.HTTP_204


class Toggle:
    """`/scheduler/jobs/{job_id}/toggle`."""

    access = BY_KEY

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_post(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Enable or disable the job."""
        conditions.send_job(resp, self._jobs.toggle(job_id, read_object(req), conditions.revisions(req)))


class RunNow(SlowResource[Runs]):
    """`/scheduler/jobs/{job_id}/run`. A request that finds no slot to wait in is answered without waiting."""

    access = BY_KEY

    def on_post(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Run the job: 202, or, with `?wait=SECONDS`, 200 and the history entry if the run ends in time."""
        seconds = WAIT_SECONDS.read(req)
        run_id = self._source.run_now(job_id, read_optional_object(req), conditions.idempotency_key(req))
        log.debug("Run %s of job %s was requested", run_id, job_id, extra={"job_id": job_id, "run_id": run_id})
        run = self._wait(job_id, run_id, seconds) if seconds is not None else None
        if run is not None:
            send(resp, run.json)
            return
        resp.status = falcon.HTTP_202
        resp.media = {
            "message": f"Job {job_id} queued for immediate execution",
            "status": "queued",
            "run_id": run_id,
        }

    def _wait(self, job_id: str, run_id: str, seconds: float) -> View | None:
        if not self._slots.take():
            return None
        try:
            return self._source.wait_for_run(job_id, run_id, seconds)
        except ServiceError:
            # The run is accepted. After an error the client would ask for it once more, and it would run twice.
            return None
        finally:
            self._slots.release()
