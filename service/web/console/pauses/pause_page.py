"""Page of pauses: those in force, a form to make one, and those that are over."""

from __future__ import annotations

from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.errors import Conflict, NotFound
from service.usecases.access.sight import needed_labels, seen_bots
from service.usecases.job_filters import JobFilters
from service.usecases.jobs import Jobs
from service.usecases.pauses import Pauses
from service.web.console.history.job_zone import JobZone
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool
from service.web.services import Bots

ACTIVE, ENDED = 200, 50
"""Pauses shown of each kind: all that can be in force, and the last that ended."""
COUNTED = 20
"""Pauses of which the page counts the jobs: each count looks at all jobs."""


class PausePage(RenderedPage):
    """`/pauses`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, pauses: Pauses, jobs: Jobs, bots: Bots) -> None:
        super().__init__(pool)
        self._pauses = pauses
        self._jobs = jobs
        self._bots = bots

    def render(self, req: Request, resp: Response) -> None:
        """Show the pauses; the form begins with the job, label or bot that the address names."""
        active, ended = (
            self._pauses.page(most, state=state).data for most, state in ((ACTIVE, "active"), (ENDED, "ended"))
        )
        job, limits = self._job(query.text(req, "job")), caller().limits
        # Only what this caller's key could pause is offered; without limits, that is everything.
        kinds = {
            "all": limits.are_none, "label": limits.bot_types is None, "job_id": job is not None,
            "bot_type": not limits.labels,
        }  # fmt: skip
        label, bot = (query.text(req, name) or "" for name in ("label", "bot"))
        chosen = "job_id" if job else "label" if label else "bot_type" if bot else "all"
        show(
            resp, "pauses.html", "/jobs", active=active, ended=ended, names=self._names([*active, *ended]), job=job,
            kinds=[kind for kind, is_offered in kinds.items() if is_offered], chosen=chosen,
            label=label or " ".join(f"{name}:{value}" for name, value in needed_labels().items()), bot=bot,
            bots=sorted(seen_bots(self._bots)), counted=self._counted(active),
            zone=JobZone(job).name if job else None,
        )  # fmt: skip

    def _job(self, job_id: str | None) -> dict[str, Any] | None:
        if not job_id:
            return None
        try:
            return dict(self._jobs.get(job_id).data)
        except (NotFound, Conflict):
            return None

    def _counted(self, pauses: list[dict[str, Any]]) -> dict[str, int]:
        """Count the jobs that the newest pauses are for, of those that are for several: id of the pause -> number."""
        several = [one for one in pauses if one["scope"] == "all" or "job_id" not in one["scope"]][:COUNTED]
        return {one["id"]: self._jobs.sorted.number(**_filters(one["scope"])) for one in several}

    def _names(self, pauses: list[dict[str, Any]]) -> dict[str, str]:
        """Return the names of the jobs that pauses are for."""
        ids = dict.fromkeys(one["scope"]["job_id"] for one in pauses if "job_id" in one["scope"])
        return {job_id: job["name"] for job_id in ids if (job := self._job(job_id)) is not None}


def _filters(scope: str | dict[str, Any]) -> JobFilters:
    """Return the filters that take the jobs of a scope."""
    if isinstance(scope, str):
        return {}
    if "bot_type" in scope:
        return {"bot_type": scope["bot_type"]}
    return {"labels": [f"{name}:{value}" for name, value in scope["label"].items()]}
