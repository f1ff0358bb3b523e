"""List of jobs, with search, filters, sorting and pages."""

from __future__ import annotations

import re
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.job import FILTER_STATES
from service.domain.timestamps import format_ms
from service.usecases.access.sight import seen_bots
from service.usecases.jobs import Jobs
from service.usecases.lists.sorted_jobs import ORDERS, Order
from service.usecases.pauses import Pauses
from service.web.console.job_schedule import describe
from service.web.console.page import FAR, RenderedPage, pages_near, show
from service.web.console.pauses.paused_job import paused_job
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool
from service.web.services import Bots

PAGE = 50
_AROUND_COLON = re.compile(r"\s*:\s*")
SORTS = {
    "created": "Created", "name": "Name", "bot": "Bot", "state": "State", "last_run": "Last run",
    "last_failure": "Last failure", "next_run": "Next run",
}  # fmt: skip
"""Name in the address -> label."""


class JobList(RenderedPage):
    """`/jobs`."""

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, pool: Pool, jobs: Jobs, bots: Bots, pauses: Pauses) -> None:
        super().__init__(pool)
        self._jobs = jobs
        self._bots = bots
        self._pauses = pauses

    def render(self, req: Request, resp: Response) -> None:
        """Show the page of jobs that the address asks for."""
        asked = _JobQuery(req)
        found = self._jobs.sorted.page(
            asked.sort, asked.order, limit=PAGE, skip=(asked.page - 1) * PAGE, bot_type=asked.bot, q=asked.q,
            labels=asked.labels, state=asked.state or None,
        )  # fmt: skip
        shown, start = found.data, (asked.page - 1) * PAGE
        for job in shown:
            job["when"] = describe(job)
        show(
            resp,
            "jobs.html",
            "/jobs",
            asked=asked,
            jobs=shown,
            paused={job_id: paused_job(pauses) for job_id, pauses in self._pauses.over(shown).items()},
            first=start + 1,
            last=start + len(shown),
            total=found.total,
            failed={row.id: format_ms(row.last_failure) for row in found.rows if row.last_failure is not None},
            bots=sorted(seen_bots(self._bots)),
            rehearsable={name for name, bot in self._bots.items() if "dry_run" in bot.Config.model_fields},
            states=FILTER_STATES,
            sorts=SORTS,
            pages=pages_near(asked.page, -(-found.total // PAGE), lambda number: asked.address(page=number)),
        )


def labels_of(req: Request) -> list[str]:
    """Read the labels that the address asks for; a form has them in one field, separated by blanks.

    Pages show a label with a blank, as in `team: crm`, so one may stand beside the colon.
    """
    return [label for text in query.texts(req, "label") for label in _AROUND_COLON.sub(":", text).split()]


class _JobQuery:
    """The address' parameters. An unknown value is refused: what the page then shows would not be what it asks for."""

    def __init__(self, req: Request) -> None:
        self._req = req
        self.q = (self.text("q") or "").strip() or None
        self.bot = self.text("bot") or None
        self.labels = labels_of(req)
        self.state = query.one_of(req, "state", FILTER_STATES)
        self.sort = query.one_of(req, "sort", SORTS, "created")
        self.order = query.one_of(req, "order", ORDERS) or None
        self.page = query.integer(req, "page", low=1, high=FAR, default=1)

    def text(self, name: str) -> str | None:
        """Return a parameter."""
        return query.text(self._req, name)

    @property
    def is_narrowed(self) -> bool:
        """Whether the address filters the jobs."""
        return bool(self.q or self.bot or self.state or self.labels)

    @property
    def is_sifted(self) -> bool:
        """Whether the address filters or sorts the jobs by more than their search."""
        return bool(self.bot or self.state or self.labels or self.order or self.sort != "created")

    @property
    def batch_filter(self) -> Any:
        """The same filter as a batch takes it. Labels that contradict each other take no job, and no list shows any."""
        labels = dict(label.partition(":")[::2] for label in self.labels)
        asked = {"q": self.q, "bot_type": self.bot, "state": self.state, "label": labels}
        return {name: value for name, value in asked.items() if value} or "all"

    @property
    def down(self) -> bool:
        """Whether the highest stands first."""
        return Order.asked(self.sort, self.order).down

    def address(self, **changes: object) -> str:
        """Return this page's address with some parameters changed, without empty ones."""
        now = {"q": self.q, "bot": self.bot, "state": self.state, "label": self.labels, "sort": self.sort,
               "order": self.order, "page": self.page}  # fmt: skip
        defaults = {"sort": "created", "page": 1}
        asked = {name: value for name, value in (now | changes).items() if value != defaults.get(name)}
        return query.address("/jobs", asked)

    def labelled(self, label: str, value: str) -> str:
        """Return the address that also asks for a label."""
        return self.address(label=list(dict.fromkeys([*self.labels, f"{label}:{value}"])), page=1)

    def sorted_by(self, name: str) -> str:
        """Return the address that sorts by a column, or reverses the order if the list is sorted by it."""
        reverse = "asc" if self.down else "desc"
        return self.address(sort=name, order=reverse if self.sort == name else None, page=1)
