"""Page of a job's backfills: how far they are, and the form that starts one."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.backfilling.request import MOST_PARALLEL, ONLY
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import ValidationFailed
from service.store.runs.backfills import FATES
from service.usecases.backfilling.backfills import Backfills
from service.usecases.jobs import Jobs
from service.usecases.pauses import Pauses
from service.web.console.history.job_zone import JobZone
from service.web.console.page import RenderedPage, show
from service.web.console.pauses.paused_job import paused_job
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

_WORDS = {
    "missing": "nothing ran", "failed": "whose last run failed", "all": "all that the schedule names",
}  # fmt: skip


class BackfillPage(RenderedPage):
    """`/jobs/{job_id}/backfills`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, jobs: Jobs, backfills: Backfills, pauses: Pauses) -> None:
        super().__init__(pool)
        self._jobs = jobs
        self._backfills = backfills
        self._pauses = pauses

    def render(self, req: Request, resp: Response, job_id: str) -> None:
        """Show the job's backfills, newest first; `?only=`, `?since=` and `?until=` fill in the form."""
        job = self._jobs.get(job_id).data
        only = query.text(req, "only")
        found = self._backfills.list(job_id)
        show(
            resp,
            "backfills.html",
            "/jobs",
            job=job,
            zone=JobZone(job),
            paused=paused_job(self._pauses.over([job]).get(job_id, ())),
            backfills=found,
            under_way=any(one["left"] or one["open"] for one in found),
            fates=FATES,
            choices=[(name, _WORDS[name]) for name in ONLY],
            only=only if only in ONLY else "missing",
            most_parallel=MOST_PARALLEL,
            since=_instant(req, "since"),
            until=_instant(req, "until"),
        )


def _instant(req: Request, name: str) -> str | None:
    """Read an instant with which the form begins; nothing where the address is mistyped."""
    try:
        return format_timestamp(parse_timestamp(query.text(req, name), name))
    except ValidationFailed:
        return None
