"""List of the runs of all jobs, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.errors import Conflict, NotFound
from service.usecases.jobs import Jobs
from service.usecases.runs import Runs
from service.web.console.history.repairs import repairs
from service.web.console.job_list import labels_of
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

PAGE = 50
STATUSES = ("queued", "running", "success", "failed", "cancelled", "skipped")
TRIGGERS = ("schedule", "manual", "retry", "backfill", "ping")


class RunList(RenderedPage):
    """`/runs`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, jobs: Jobs, runs: Runs) -> None:
        super().__init__(pool)
        self._jobs = jobs
        self._runs = runs

    def render(self, req: Request, resp: Response) -> None:
        """Show a page of runs, filtered by `status` and `trigger`."""
        status = _one_of(query.text(req, "status"), STATUSES)
        trigger = _one_of(query.text(req, "trigger"), TRIGGERS)
        cursor = query.text(req, "cursor")
        labels = labels_of(req)
        page = self._runs.all_runs(limit=PAGE, cursor=cursor, status=status, trigger=trigger, labels=labels)
        runs = page.data
        asked = {"status": status, "trigger": trigger, "label": labels, "cursor": page.next_cursor}
        show(
            resp,
            "runs.html",
            "/runs",
            runs=runs,
            mended=repairs(runs),
            names=self._names(runs),
            status_asked=status,
            trigger_asked=trigger,
            labels_asked=labels,
            cursor=cursor,
            file=_address("/runs.csv", asked | {"cursor": None}),
            following=_address("/runs", asked) if page.next_cursor else None,
            statuses=STATUSES,
            triggers=TRIGGERS,
        )

    def _names(self, runs: Any) -> Mapping[str, str]:
        """Return the jobs' names by id, without jobs that are deleted or unreadable."""
        names = {}
        for job_id in {run["job_id"] for run in runs}:
            try:
                names[job_id] = self._jobs.get(job_id).data["name"]
            except (NotFound, Conflict):
                continue
        return names


def _address(path: str, asked: Mapping[str, Any]) -> str:
    sent = urlencode({name: value for name, value in asked.items() if value}, doseq=True)
    return f"{path}?{sent}" if sent else path


def _one_of(value: str | None, known: tuple[str, ...]) -> str | None:
    return value if value in known else None
