"""List of the runs of all jobs, newest first."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.run_records import STATUSES, TRIGGERS
from service.domain.runs.past_runs import LISTED_RUNS
from service.usecases.jobs import Jobs
from service.usecases.runs import Runs
from service.web.console.finding.named_jobs import names_of
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
        filters = asked.filters(self._jobs)
        page = self._runs.all_runs(limit=PAGE, cursor=cursor, **filters)
        runs, reach = page.data, self._runs.reach(filters.get("job_ids"))
        show(
            resp,
            "runs.html",
            "/runs",
            runs=runs,
            total=self._runs.count(**filters),
            most=LISTED_RUNS,
            reach=reach,
            is_before=reach is not None and filters["until"] is not None and filters["until"] < reach,
            mended=repairs(runs),
            names=names_of(self._jobs, runs),
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
