"""Page of one job: its definition, its next occurrences, its runs; and its YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.domain.heartbeats.terms import is_watched
from service.domain.job import DEFINITION_FIELDS
from service.domain.job_fields import NAME_LIMIT
from service.domain.options import Options
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.interleaving import interleaved
from service.usecases.alerting.snoozes import Snoozes
from service.usecases.definitions import Definitions
from service.usecases.documents.document import VERSION, yaml_pieces
from service.usecases.jobs import Jobs
from service.usecases.pauses import Pauses
from service.usecases.revisions import Revisions
from service.usecases.runs import Runs
from service.web.api.definitions import YAML
from service.web.console.form_fields import titles_of
from service.web.console.history.changed_fields import names
from service.web.console.history.job_zone import JobZone
from service.web.console.history.repairs import repairs
from service.web.console.job_schedule import planned
from service.web.console.page import Page, RenderedPage, show
from service.web.console.pauses.paused_job import paused_job
from service.web.console.plots import plot
from service.web.console.wording.setting_words import options_of, settings_of
from service.web.http.access import BY_SESSION
from service.web.http.paging import cursor
from service.web.http.pools import Pool, PooledResource
from service.web.http.rendering import LISTS, send_download, send_pieces
from service.web.services import Bots

PLOTTED = 100
"""Runs in the plots."""
LISTED = 20
"""Runs on a page of the history."""
MEASURES = (("Duration", "duration_ms"), ("Lateness", "lateness_ms"))
"""What is plotted: titles and fields of a run."""
CHANGES = 5
"""The newest revisions in the history of changes; a link leads to all."""
ERRORS = 3
"""The most different errors to show above the history."""


class JobPage(RenderedPage):
    """`/jobs/{job_id}`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(
        self, pool: Pool, jobs: Jobs, runs: Runs, bots: Bots, revisions: Revisions, pauses: Pauses, snoozes: Snoozes
    ) -> None:  # fmt: skip
        super().__init__(pool)
        self._jobs = jobs
        self._runs = runs
        self._bots = bots
        self._revisions = revisions
        self._pauses = pauses
        self._snoozes = snoozes

    def render(self, req: Request, resp: Response, job_id: str) -> None:
        """Show the job and its newest runs; with `?cursor=`, older runs."""
        job = self._jobs.get(job_id).data
        paused, zone = paused_job(self._pauses.over([job]).get(job_id, ())), JobZone(job)
        start = cursor(req)
        recent = self._runs.history(job_id, limit=PLOTTED, cursor=None).data
        listed = self._runs.history(job_id, limit=LISTED, cursor=start)
        bot, preview = self._bots.get(job["bot_type"]), planned(self._jobs, job["id"])
        show(
            resp,
            "job.html",
            "/jobs",
            job=job,
            is_watched=is_watched(job["bot_type"]),
            ping_key=_key_of(job, Scope.PING, "Pings"),
            badge_key=_key_of(job, Scope.BADGE, "Badge") if Scope.BADGE in caller().scopes else None,
            labelled=labelled,
            paused=paused,
            zone=zone,
            breaches=self._runs.late_because(job_id) if job["health"] not in (None, "ok") else [],
            mended=repairs(_both(recent, listed.data)),
            snoozes=self._snoozes.of_job(job_id),
            preview=preview,
            coming=[{**one, "paused": paused is not None and paused.covers(one["at"])} for one in preview["details"]],
            revisions=self._revisions.page(job_id, CHANGES).data,
            names=partial(names, titles=titles_of(bot)),
            runs=listed.data,
            later=self._runs.later(job_id),
            start=start,
            following=listed.next_cursor,
            settings=settings_of(job["bot_config"], titles_of(bot)) + options_of(_chosen(job["options"])),
            plots=[drawn for one in MEASURES if (drawn := plot(*one, recent, zone)) is not None],
            failed=_failed_span(recent),
            failures=_errors(recent),
            yaml=b"".join(yaml_pieces(VERSION, [definition(job)])).decode("utf-8", "replace"),
            rehearsable={job["bot_type"]} if bot is not None and "dry_run" in bot.Config.model_fields else set(),
        )


def _key_of(job: Mapping[str, Any], scope: Scope, title: str) -> dict[str, Any]:
    """Return the key that its reader can make for the pings or the badge of a job: within the reader's own limits."""
    limits = caller().limits
    return {
        "name": f"{title} of {job['name']}"[:NAME_LIMIT], "scopes": [scope.value], "job_id": job["id"],
        "labels": {label: sorted(values) for label, values in limits.labels.items()} or None,
        "bot_types": None if limits.bot_types is None else sorted(limits.bot_types),
    }  # fmt: skip


def _both(newest: Sequence[Mapping[str, Any]], page: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Join the newest runs and a page of the history, each run once."""
    known = {run["id"] for run in newest}
    return [*newest, *(run for run in page if run["id"] not in known)]


def _errors(runs: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], int]]:
    """Find the last different errors, newest first: the newest run that failed by it, and how many did."""
    found: dict[str | None, list[Mapping[str, Any]]] = {}
    for run in runs:
        if run["status"] == "failed" and not run["rehearsal"]:
            found.setdefault(run["error"], []).append(run)
    return [(alike[0], len(alike)) for alike in found.values()][:ERRORS]


def _failed_span(runs: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Find the span of the occurrences whose runs failed, timestamps, the end exclusive; None without any."""
    found = [
        run["scheduled_for"] for run in runs
        if run["status"] == "failed" and run["scheduled_for"] is not None and not run["rehearsal"]
    ]  # fmt: skip
    return (min(found), format_timestamp(parse_timestamp(max(found), "until") + 1)) if found else None


def labelled(label: str, value: str) -> str:
    """Return the address of the jobs that have a label."""
    return f"/jobs?label={label}:{value}"


def _chosen(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that differ from their defaults."""
    defaults = Options().model_dump()
    return {name: value for name, value in options.items() if value != defaults.get(name)}


class JobYaml(Page):
    """`/jobs/{job_id}/yaml`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def on_get(self, req: Request, resp: Response, job_id: str) -> None:
        """Send the job as a document for `/scheduler/apply`."""
        job = (await interleaved(self._jobs.get, job_id)).data
        await send_pieces(req, resp, yaml_pieces(VERSION, [definition(job)]), YAML, interleaved, LISTS)
        resp.downloadable_as = f"job-{job_id}.yaml"

    on_head = on_get


class Export(PooledResource[Definitions], Page):
    """`/export.yaml`."""

    access = BY_SESSION.needing(get=Scope.READ)

    async def on_get(self, req: Request, resp: Response) -> None:
        """Send all jobs as a document that `/scheduler/apply` takes."""
        others = await self._pool.run(self._source.sections)
        await send_download(req, resp, yaml_pieces(VERSION, self._source.export(), others), YAML, self._pool)
        resp.downloadable_as = "jobs.yaml"

    on_head = on_get


def definition(job: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a job that its export has."""
    return {"id": job["id"], **{name: job[name] for name in DEFINITION_FIELDS}}
