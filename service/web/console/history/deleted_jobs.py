"""Page of the deleted jobs that can be restored."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.deleted_jobs import Deleted
from service.web.console.job_schedule import describe
from service.web.console.page import RenderedPage, show
from service.web.http.access import BY_SESSION
from service.web.http.paging import cursor
from service.web.http.pools import Pool

PAGE = 50


class DeletedJobs(RenderedPage):
    """`/jobs/deleted`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, deleted: Deleted) -> None:
        super().__init__(pool)
        self._deleted = deleted

    def render(self, req: Request, resp: Response) -> None:
        """Show a page of deleted jobs, last deleted first."""
        start = cursor(req)
        page = self._deleted.page(PAGE, start)
        show(
            resp,
            "deleted.html",
            "/jobs",
            deleted=page.data,
            describe=describe,
            start=start,
            following=page.next_cursor,
        )
