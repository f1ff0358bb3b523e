"""Routes of runs: a job's history, one run, its log and its cancel; all jobs' runs."""

from __future__ import annotations

from typing import Any

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.interleaving import interleaved
from service.usecases.runs import Runs
from service.web.api.limits import PAGE_LIMIT
from service.web.http import conditions, paging, query
from service.web.http.access import BY_KEY
from service.web.http.body import read_object
from service.web.http.rendering import preferred, send
from service.web.http.sse import EVENT_STREAM, last_event
from service.web.live.hub import NewsHub
from service.web.live.log_stream import follow


class History:
    """`/scheduler/jobs/{job_id}/history`."""

    access = BY_KEY.needing(get=Scope.READ)

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def on_get(self, req: Request, resp: Response, job_id: str) -> None:
        """Return a page of the job's runs, newest first."""
        limit = PAGE_LIMIT.read(req)
        page = await interleaved(self._runs.history, job_id, limit=limit, cursor=paging.cursor(req))
        paging.send_page(req, resp, page)

    on_head = on_get


class Run:
    """`/scheduler/jobs/{job_id}/runs/{run_id}`."""

    access = BY_KEY.needing(get=Scope.READ, put=Scope.RUN)

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def on_get(self, req: Request, resp: Response, job_id: str, run_id: str) -> None:
        """Return the run."""
        send(resp, (await interleaved(self._runs.run, job_id, run_id)).json)

    on_head = on_get

    async def on_put(self, req: Request, resp: Response, job_id: str, run_id: str) -> None:
        """Move a run that was asked for later to another time."""
        await interleaved(self._runs.move, job_id, run_id, await read_object(req))
        send(resp, (await interleaved(self._runs.run, job_id, run_id)).json)


class Again:
    """`/scheduler/jobs/{job_id}/runs/{run_id}/again`."""

    access = BY_KEY.needing(post=Scope.RUN)

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def on_post(self, req: Request, resp: Response, job_id: str, run_id: str) -> None:
        """Do an ended run again: another run, with the same `bot_config` laid over, for the same occurrence."""
        new_id = await interleaved(
            self._runs.again, job_id, run_id, conditions.idempotency_key(req), req.get_header("traceparent")
        )
        resp.status = falcon.HTTP_202
        resp.media = {"message": f"Run {run_id} queued once more", "status": "queued", "run_id": new_id}


class Start:
    """`/scheduler/jobs/{job_id}/runs/{run_id}/now`."""

    access = BY_KEY.needing(post=Scope.RUN)

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def on_post(self, req: Request, resp: Response, job_id: str, run_id: str) -> None:
        """Start a run now that awaits its delay, as a retry, or the time that was asked for."""
        await interleaved(self._runs.start, job_id, run_id)
        send(resp, (await interleaved(self._runs.run, job_id, run_id)).json)


class Log:
    """`/scheduler/jobs/{job_id}/runs/{run_id}/log`.

    Args:
        runs: the use cases of runs.
        hub: the clients that follow logs.
    """

    access = BY_KEY.needing(get=Scope.READ)

    def __init__(self, runs: Runs, hub: NewsHub) -> None:
        self._runs = runs
        self._hub = hub

    async def on_get(self, req: Request, resp: Response, job_id: str, run_id: str) -> None:
        """Return the run's log lines, oldest first.

        A long log keeps its first and its last 32 KiB, with a line between them that counts the lines left out.
        `trimmed` is true once the log is no longer kept. `last_line` is the number of the last line.

        With `Accept: text/event-stream` the answer follows the log live. Each line is an event whose id is the line's
        number. `progress` reports how far the run is, and `trimmed` that the log is no longer kept. `end`, the last
        event, carries the run. `restart` ends the stream when the service restarts; the run goes on. `Last-Event-ID`
        continues after that line. The answer is 503 when too many follow.
        """
        resp.set_header("Vary", "Accept")
        if preferred(req, (falcon.MEDIA_JSON, EVENT_STREAM)) != EVENT_STREAM:
            resp.media = await interleaved(self._runs.run_log, job_id, run_id)
            return
        after = last_event(req)
        await interleaved(self._runs.require_log, job_id, run_id)
        follow(req, resp, self._hub, job_id, run_id, after)

    async def on_head(self, req: Request, resp: Response, job_id: str, run_id: str) -> None:
        """Answer as GET does, without a body and without a stream."""
        resp.media = await interleaved(self._runs.run_log, job_id, run_id)


class Cancel:
    """`/scheduler/jobs/{job_id}/runs/{run_id}/cancel`."""

    access = BY_KEY.needing(post=Scope.RUN)

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def on_post(self, req: Request, resp: Response, job_id: str, run_id: str) -> None:
        """Cancel a run: end one that waits (200), or ask one under way to stop (202)."""
        ended, run = await interleaved(self._runs.cancel, job_id, run_id)
        send(resp, run.json)
        resp.status = falcon.HTTP_200 if ended else falcon.HTTP_202


class RunAlone:
    """`/scheduler/runs/{run_id}`."""

    access = BY_KEY.needing(get=Scope.READ)

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def on_get(self, req: Request, resp: Response, run_id: str) -> None:
        """Return the run, whatever its job."""
        send(resp, (await interleaved(self._runs.run_alone, run_id)).json)

    on_head = on_get


class AllRuns:
    """`/scheduler/runs`."""

    access = BY_KEY.needing(get=Scope.READ)

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of all jobs' runs, newest first."""
        limit = PAGE_LIMIT.read(req)
        filters: dict[str, Any] = {name: query.text(req, name) for name in ("status", "trigger", "since", "until")}
        job_id, labels = query.text(req, "job_id"), query.texts(req, "label")
        filters |= {"labels": labels, "job_ids": None if job_id is None else frozenset({job_id})}
        page = await interleaved(self._runs.all_runs, limit=limit, cursor=paging.cursor(req), **filters)
        paging.send_page(req, resp, page)

    on_head = on_get
