"""List of the runs of all jobs, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.run_records import STATUSES, TRIGGERS
from service.errors import Conflict, NotFound
from service.usecases.jobs import Jobs
from service.usecases.runs import Runs
from service.web.console.finding.run_query import RunQuery
from service.web.console.history.repairs import repairs
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

PAGE = 50


class RunList(RenderedPage):
    """`/runs`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, jobs: Jobs, runs: Runs) -> None:
        super().__init__(pool)
        self._jobs = jobs
        self._runs = runs

    def render(self, req: Request, resp: Response) -> None:
        """Show a page of the runs that the address asks for."""
        asked, cursor = RunQuery(req), query.text(req, "cursor")
        page = self._runs.all_runs(limit=PAGE, cursor=cursor, **asked.filters(self._jobs))
        runs = page.data
        show(
            resp,
            "runs.html",
            "/runs",
            runs=runs,
            mended=repairs(runs),
            names=self._names(runs),
            asked=asked.asked,
            labels_asked=asked.labels,
            is_narrowed=asked.is_narrowed,
            cursor=cursor,
            file=asked.address("/runs.csv"),
            newest=asked.address("/runs"),
            following=asked.address("/runs", page.next_cursor) if page.next_cursor else None,
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
