"""Page of the audit log: who changed what, newest first, with filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.access.audit import Audit
from service.usecases.access.keys import StoredKeys
from service.usecases.deleted_jobs import Deleted
from service.usecases.jobs import Jobs
from service.usecases.views import Page
from service.web.console.access.audit_rows import AuditRows
from service.web.console.access.audit_words import action_choices
from service.web.console.access.offers import AUDIT, KEYS, tabs
from service.web.console.finding.days import period_of
from service.web.console.finding.named_jobs import jobs_called
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

FILTERS = ("actor", "action", "job_id", "since", "until", "zone")
MOST_NAMESAKES = 20
"""Jobs that are offered where a name means several."""
PAGE = 50
SUGGESTED = 200
"""Keys that the filter suggests by name. It takes the id of any other, too."""


def asked_for(req: Request) -> dict[str, str]:
    """Read the filters as they were typed; empty for those that were not."""
    return {name: (query.text(req, name) or "").strip() for name in FILTERS}


def filters_of(asked: Mapping[str, str]) -> dict[str, Any]:
    """Return all filters but the job as the use case takes them.

    Raises:
        ValidationFailed: a day or the zone is not valid.
    """
    return {name: asked[name] or None for name in ("actor", "action")} | period_of(asked)


class AuditLog(RenderedPage):
    """`/access/audit`.

    Args:
        audit: reads the log.
        jobs: the use cases of jobs, for their names.
        deleted: the deleted jobs, for their names.
        keys: the stored keys, for their names.
    """

    access = BY_SESSION.needing(get=Scope.ADMIN).without_limits()

    def __init__(self, pool: Pool, audit: Audit, jobs: Jobs, deleted: Deleted, keys: StoredKeys) -> None:
        super().__init__(pool)
        self._audit = audit
        self._jobs = jobs
        self._deleted = deleted
        self._keys = keys

    def render(self, req: Request, resp: Response) -> None:
        """Show a page of the entries that the address asks for."""
        asked = asked_for(req)
        cursor = query.text(req, "cursor")
        filters = filters_of(asked)
        meant = jobs_called(asked["job_id"], self._jobs, self._deleted) if asked["job_id"] else None
        is_clear = meant is None or len(meant) == 1
        if meant and is_clear:
            filters["job_id"] = next(iter(meant))
        page = self._audit.page(limit=PAGE, cursor=cursor, **filters) if is_clear else Page([])
        older, is_there = self._older(page.next_cursor, filters)
        rows, choices = AuditRows(self._jobs, self._keys), action_choices()
        show(
            resp,
            "access_audit.html",
            KEYS,
            tabs=tabs(),
            here=AUDIT,
            rows=[rows.of(entry) for entry in page.data],
            asked=asked,
            meant=None if is_clear else list((meant or {}).items())[:MOST_NAMESAKES],
            is_narrowed=any(value for name, value in asked.items() if name != "zone"),
            choices=choices,
            is_known=any(asked["action"] == action for _, group in choices for action, _ in group),
            suggested=[(key["id"], key["name"]) for key in self._keys.list(SUGGESTED, None).data],
            address=_address,
            cursor=cursor,
            newest=_address(**asked),
            following=_address(**asked, cursor=older) if older else None,
            is_there=is_there,
        )

    def _older(self, cursor: str | None, filters: dict[str, Any]) -> tuple[str | None, bool]:
        """Look ahead, so that no link leads to an empty page.

        Returns:
            Where the next page begins, and whether an entry is known to be there. If not, the search has looked at many
            entries in vain, and goes on from there. None: there are no more.
        """
        if cursor is None:
            return None, False
        ahead = self._audit.page(limit=1, cursor=cursor, **filters)
        return (cursor, True) if ahead.data else (ahead.next_cursor, False)


def _address(**asked: str) -> str:
    """Return the address of a page of the log, without empty parameters."""
    return query.address(AUDIT, asked)
