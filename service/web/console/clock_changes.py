"""List of the jobs that meet a coming change of clocks, with what becomes of each."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.foresight.clock_changes import DAYS, ClockChanges
from service.web.api.limits import CLOCK_CHANGE_DAYS
from service.web.console.page import RenderedPage, show
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

SHOWN = 500
"""The most jobs on the page."""
SPANS = (7, DAYS, 182, 366)
"""Days ahead that the page offers."""


class ClockChangePage(RenderedPage):
    """`/clock-changes`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, changes: ClockChanges) -> None:
        super().__init__(pool)
        self._changes = changes

    def render(self, req: Request, resp: Response) -> None:
        """Show the changes of the next `days` (`DAYS`), soonest first."""
        days = CLOCK_CHANGE_DAYS.read(req)
        found = self._changes.report(days)
        changes = found["changes"][:SHOWN]
        more = found["count"] - len(changes)
        show(resp, "clock_changes.html", "/jobs", days=days, spans=SPANS, changes=changes, more=more)
