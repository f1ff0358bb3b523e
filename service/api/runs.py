"""The routes of runs: a job's history, and one entry of it."""

from __future__ import annotations

import falcon

from service.api import paging, query
from service.api.protocols import Jobs


class History:
    """`/scheduler/jobs/{job_id}/history`"""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """The job's runs, newest first: `limit` 1–200, 50 unless told."""
        limit = query.integer(req, "limit", low=1, high=200, default=50)
        paging.send_page(req, resp, self._jobs.history(job_id, limit=limit, cursor=paging.cursor(req)))

    on_head = on_get


class Run:
    """`/scheduler/jobs/{job_id}/runs/{run_id}`"""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str, run_id: str) -> None:
        """That history entry."""
        resp.media = self._jobs.run(job_id, run_id)

    on_head = on_get
