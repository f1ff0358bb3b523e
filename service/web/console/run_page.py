"""Page of one run: its progress, its live log, its result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.errors import Conflict, Forbidden, NotFound
from service.interleaving import interleaved
from service.secrecy.redaction import redacted_json
from service.usecases.jobs import Jobs
from service.usecases.revisions import Revisions
from service.usecases.runs import Runs
from service.web.console.form_fields import titles_of
from service.web.console.history.job_zone import JobZone
from service.web.console.history.repairs import repairs
from service.web.console.page import Page, RenderedPage, show
from service.web.console.wording.setting_words import settings_of
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool
from service.web.http.sse import last_event
from service.web.live.hub import NewsHub
from service.web.live.log_stream import follow
from service.web.services import Bots

LOOKED_AT = 100
"""The newest runs of the job to search for those that do a failed run again."""


class RunPage(RenderedPage):
    """`/jobs/{job_id}/runs/{run_id}`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, jobs: Jobs, runs: Runs, revisions: Revisions, bots: Bots) -> None:
        super().__init__(pool)
        self._jobs = jobs
        self._runs = runs
        self._revisions = revisions
        self._bots = bots

    def render(self, req: Request, resp: Response, job_id: str, run_id: str) -> None:
        """Show the run with its log so far. The page's script follows the log from there."""
        # In this order, so that the log of an ended run is complete.
        run = self._runs.run(job_id, run_id).data
        newest, job = self._newest(run), self._job(job_id)
        log = self._runs.run_log(job_id, run_id)
        facts, tables = parts_of(run["result"])
        config, overlay = self._config(run), redacted_json(run.get("overlay") or {})
        bot = None if job is None else self._bots.get(job["bot_type"])
        show(
            resp,
            "run.html",
            "/jobs",
            run=run,
            open=run["finished_at"] is None,
            followed=self._may_follow(job_id, run_id),
            job_name="Its job" if job is None else job["name"],
            zone=JobZone(job or {"schedule_type": None, "schedule_config": None}),
            log=log,
            progress=run.get("progress"),
            awaits=self._runs.awaits(run_id) if run["status"] == "queued" else None,
            retried_as=next((other["id"] for other in newest if other["retry_of"] == run_id), None),
            again=repairs(newest).get(run_id),
            config=config,
            config_text=as_text(config),
            overlay=overlay,
            ran_with=settings_of(overlay if config is None else config, titles_of(bot)),
            facts=facts,
            tables=tables,
            result=as_text(run["result"]),
        )

    def _may_follow(self, job_id: str, run_id: str) -> bool:
        try:
            self._runs.require_log(job_id, run_id)
        except Forbidden:
            return False
        return True

    def _config(self, run: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what the run ran with: its revision's `bot_config` and its overlay; None if the former is not kept."""
        if run["revision"] is None:
            return None
        try:
            one = self._revisions.one(run["job_id"], run["revision"])
        except (Conflict, NotFound):
            return None
        config: dict[str, Any] = redacted_json({**one["definition"]["bot_config"], **(run.get("overlay") or {})})
        return config

    def _job(self, job_id: str) -> dict[str, Any] | None:
        try:
            return self._jobs.get(job_id).data
        except (Conflict, NotFound):
            return None

    def _newest(self, run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Read the job's newest runs, some of which may do a failed run again."""
        if run["status"] != "failed":
            return []
        return list(self._runs.history(run["job_id"], limit=LOOKED_AT, cursor=None).data)


class RunEvents(Page):
    """`/jobs/{job_id}/runs/{run_id}/events`.

    The API's own stream needs the key: it accepts the cookie only with `Origin`, which a browser's `EventSource` does
    not send.

    Args:
        runs: The use cases of runs.
        hub: The clients that follow logs.
    """

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, runs: Runs, hub: NewsHub) -> None:
        self._runs = runs
        self._hub = hub

    async def on_get(self, req: Request, resp: Response, job_id: str, run_id: str) -> None:
        """Stream the log's lines after `Last-Event-ID`, or after line `?after=`."""
        after = last_event(req, default=query.integer(req, "after", low=0, high=999_999_999, default=0))
        await interleaved(self._runs.require_log, job_id, run_id)
        follow(req, resp, self._hub, job_id, run_id, after)


def as_text(value: Any) -> str:
    """Write a value as JSON that people read and change."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def parts_of(result: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, list[Mapping[str, Any]]]]:
    """Return the parts of a result that read better than JSON: plain values and warnings, and lists of objects."""
    facts: dict[str, Any] = {}
    tables: dict[str, list[Mapping[str, Any]]] = {}
    for name, value in (result or {}).items():
        if isinstance(value, str | int | float | None):
            facts[name] = value
        elif isinstance(value, list) and value and all(isinstance(item, dict) and item for item in value):
            tables[name] = value
        elif name == "warnings" and isinstance(value, list) and value:
            facts[name] = "; ".join(map(str, value))
    return facts, tables
