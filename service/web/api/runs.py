"""The routes of runs: a job's history, one entry of it, its log and its cancel; all jobs' runs."""

from __future__ import annotations

import falcon

from service.web.api.protocols import Following, Runs
from service.web.http import paging, query
from service.web.http.access import BY_KEY
from service.web.http.rendering import preferred, send
from service.web.http.request_slots import RequestSlots
from service.web.http.sse import EVENT_STREAM, follow, last_event


class History:
    """`/scheduler/jobs/{job_id}/history`"""

    access = BY_KEY

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """The job's runs, newest first: `limit` 1–200, 50 unless told."""
        limit = query.integer(req, "limit", low=1, high=200, default=50)
        paging.send_page(req, resp, self._runs.shown_history(job_id, limit=limit, cursor=paging.cursor(req)))

    on_head = on_get


class Run:
    """`/scheduler/jobs/{job_id}/runs/{run_id}`"""

    access = BY_KEY

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str, run_id: str) -> None:
        """That history entry."""
        send(resp, self._runs.shown_run(job_id, run_id))

    on_head = on_get


class Log:
    """`/scheduler/jobs/{job_id}/runs/{run_id}/log`"""

    access = BY_KEY

    def __init__(self, runs: Runs, following: Following | None, slots: RequestSlots) -> None:
        self._runs = runs
        self._following = following
        self._slots = slots

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str, run_id: str) -> None:
        """The run's log lines, oldest first.

        Of a long log the first and the last 32 KiB are kept, and a line between them tells how many are left out.
        `trimmed` is true once the log is not kept any more. `last_line` is the number of the last line.

        With `Accept: text/event-stream` they are followed live: each line is an event whose id is its number,
        `progress` tells how far the run is, `trimmed` that the log is not kept any more, and `end`, the last event,
        carries the run. `Last-Event-ID` goes on after that line. 503 when too many follow.
        """
        resp.set_header("Vary", "Accept")
        if self._following is None or preferred(req, (falcon.MEDIA_JSON, EVENT_STREAM)) != EVENT_STREAM:
            resp.media = self._runs.run_log(job_id, run_id)
            return
        after = last_event(req)
        self._runs.run(job_id, run_id)
        follow(req, resp, self._following, run_id, after, self._slots)

    def on_head(self, req: falcon.Request, resp: falcon.Response, job_id: str, run_id: str) -> None:
        """The same without a body, at once."""
        resp.media = self._runs.run_log(job_id, run_id)


class Cancel:
    """`/scheduler/jobs/{job_id}/runs/{run_id}/cancel`"""

    access = BY_KEY

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def on_post(self, req: falcon.Request, resp: falcon.Response, job_id: str, run_id: str) -> None:
        """End a run that waits: 200; tell one under way: 202."""
        ended, resp.media = self._runs.cancel(job_id, run_id)
        resp.status = falcon.HTTP_200 if ended else falcon.HTTP_202


class AllRuns:
    """`/scheduler/runs`"""

    access = BY_KEY

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All jobs' runs, newest first, by page: `limit` 1–200, 50 unless told."""
        limit = query.integer(req, "limit", low=1, high=200, default=50)
        filters = {name: query.text(req, name) for name in ("status", "job_id", "trigger", "since", "until")}
        paging.send_page(req, resp, self._runs.shown_runs(limit=limit, cursor=paging.cursor(req), **filters))

    on_head = on_get
