"""The routes of jobs: list, create, get, update, delete, toggle, run now."""

from __future__ import annotations

import logging
from typing import Any

import falcon

from service.errors import ServiceError
from service.web.api.protocols import Jobs, Runs
from service.web.http import conditions, paging, query
from service.web.http.access import BY_KEY
from service.web.http.body import read_object, read_optional_object
from service.web.http.rendering import send_array
from service.web.http.request_slots import RequestSlots

log = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 25
"""The longest that `POST …/run?wait=` waits: below the 30 s after which Heroku's router gives a request up."""


class JobList:
    """`/scheduler/jobs`"""

    access = BY_KEY

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All jobs in the order of their creation: without `limit` and `cursor` the whole array, else a page."""
        filters: dict[str, Any] = {
            "enabled_only": query.boolean(req, "enabled_only"),
            "bot_type": query.text(req, "bot_type") or None,
            "q": query.text(req, "q") or None,
        }
        limit = query.integer(req, "limit", low=1, high=1000, default=0)
        cursor = paging.cursor(req)
        if limit or cursor is not None:
            paging.send_page(req, resp, self._jobs.shown_page(**filters, limit=limit or 50, cursor=cursor))
        else:
            send_array(resp, self._jobs.shown_all(**filters))

    on_head = on_get

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Create a job: 201."""
        job = self._jobs.create_shown(read_object(req), conditions.idempotency_key(req))
        resp.status = falcon.HTTP_201
        conditions.send_shown(resp, job)
        resp.set_header("Location", f"/scheduler/jobs/{job.id}")


class Job:
    """`/scheduler/jobs/{job_id}`"""

    access = BY_KEY

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """The job."""
        conditions.send_shown(resp, self._jobs.shown(job_id))

    on_head = on_get

    def on_put(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Change the fields that the body names."""
        job = self._jobs.update(job_id, read_object(req), conditions.revisions(req))
        conditions.send_job(resp, job)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Delete the job: 204, without a body."""
        self._jobs.delete(job_id, conditions.revisions(req))
        resp.status = falcon.HTTP_204


class Toggle:
    """`/scheduler/jobs/{job_id}/toggle`"""

    access = BY_KEY

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_post(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Enable or disable the job."""
        job = self._jobs.toggle(job_id, read_object(req), conditions.revisions(req))
        conditions.send_job(resp, job)


class RunNow:
    """`/scheduler/jobs/{job_id}/run`

    Args:
        slots: for requests that wait for their run's end; one too many is answered at once.
    """

    access = BY_KEY

    def __init__(self, runs: Runs, slots: RequestSlots) -> None:
        self._runs = runs
        self._slots = slots

    def on_post(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """Run the job: 202, or, with `?wait=SECONDS`, 200 and the history entry if the run ends in time."""
        seconds = query.seconds(req, "wait", high=MAX_WAIT_SECONDS)
        run_id = self._runs.run_now(job_id, read_optional_object(req), conditions.idempotency_key(req))
        log.debug("Run %s of job %s was asked for", run_id, job_id, extra={"job_id": job_id, "run_id": run_id})
        entry = self._wait(job_id, run_id, seconds) if seconds is not None else None
        if entry is not None:
            resp.media = entry
            return
        resp.status = falcon.HTTP_202
        resp.media = {
            "message": f"Job {job_id} queued for immediate execution",
            "status": "queued",
            "run_id": run_id,
        }

    def _wait(self, job_id: str, run_id: str, seconds: float) -> dict[str, Any] | None:
        if not self._slots.take():
            return None
        try:
            return self._runs.wait_for_run(job_id, run_id, seconds)
        except ServiceError:
            # The run is accepted. An error now would invite to ask for it once more, and it would run twice.
            return None
        finally:
            self._slots.release()
