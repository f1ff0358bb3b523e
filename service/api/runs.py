"""The routes of runs: a job's history, one entry of it, its log and its cancel; all jobs' runs."""

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


class Log:
    """`/scheduler/jobs/{job_id}/runs/{run_id}/log`"""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str, run_id: str) -> None:
        """The run's log lines, oldest first."""
        resp.media = self._jobs.run_log(job_id, run_id)

    on_head = on_get


class Cancel:
    """`/scheduler/jobs/{job_id}/runs/{run_id}/cancel`"""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_post(self, req: falcon.Request, resp: falcon.Response, job_id: str, run_id: str) -> None:
        """End a run that waits: 200; tell one under way: 202."""
        ended, resp.media = self._jobs.cancel(job_id, run_id)
        resp.status = falcon.HTTP_200 if ended else falcon.HTTP_202


class AllRuns:
    """`/scheduler/runs`"""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All jobs' runs, newest first, by page: `limit` 1–200, 50 unless told."""
        limit = query.integer(req, "limit", low=1, high=200, default=50)
        filters = {name: query.text(req, name) for name in ("status", "job_id", "trigger", "since", "until")}
        paging.send_page(req, resp, self._jobs.all_runs(limit=limit, cursor=paging.cursor(req), **filters))

    on_head = on_get
