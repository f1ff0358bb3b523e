"""Runs as a file for spreadsheet programs: those that the list of runs shows, page after page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from falcon.asgi import Request, Response

from service.contacts.writing.formulas import disarmed
from service.domain.access.scopes import Scope
from service.usecases.jobs import Jobs
from service.usecases.paging import MAX_PAGE
from service.usecases.runs import Runs
from service.web.console.finding.named_jobs import names_of
from service.web.console.finding.run_query import RunQuery
from service.web.console.formatting import summary
from service.web.console.page import Page
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool, PooledResource
from service.web.http.rendering import send_download

CSV = "text/csv; charset=utf-8"
COLUMNS = (
    "job", "status", "trigger", "scheduled_for", "queued_at", "started_at", "finished_at", "duration_ms", "lateness_ms",
    "attempt", "messages_sent", "profiles_visited", "summary", "job_id", "id",
)  # fmt: skip
"""The file's columns; times are in UTC."""


class RunFile(PooledResource[Runs], Page):
    """`/runs.csv`.

    Args:
        runs: The use cases of runs.
        jobs: Those of jobs, for their names.
        pool: The threads that make the file.
    """

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, runs: Runs, jobs: Jobs, pool: Pool) -> None:
        super().__init__(runs, pool)
        self._jobs = jobs

    async def on_get(self, req: Request, resp: Response) -> None:
        """Send the runs that the list with the same address shows, newest first."""
        filters = await self._pool.run(RunQuery(req).filters, self._jobs)
        await send_download(req, resp, self._pieces(filters), CSV, self._pool)
        resp.downloadable_as = "runs.csv"

    on_head = on_get

    def _pieces(self, filters: Mapping[str, Any]) -> Iterator[bytes]:
        yield _written([COLUMNS])
        cursor: str | None = None
        while True:
            page = self._source.all_runs(limit=MAX_PAGE, cursor=cursor, **filters)
            runs = page.data
            names = names_of(self._jobs, runs)
            yield _written(row(run, names.get(run["job_id"], "")) for run in runs)
            cursor = page.next_cursor
            if cursor is None:
                return


def row(run: Mapping[str, Any], job: str) -> list[str]:
    """Return a run's line, no cell of which a spreadsheet program computes."""
    values = {**run, "job": job, "summary": summary(run)}
    return [disarmed(str(value)) if (value := values.get(name)) is not None else "" for name in COLUMNS]


def _written(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
