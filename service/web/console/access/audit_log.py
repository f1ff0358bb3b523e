"""Page of the audit log: who changed what, newest first, with filters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.errors import ValidationFailed
from service.usecases.access.audit import Audit
from service.usecases.access.keys import StoredKeys
from service.usecases.jobs import Jobs
from service.web.console.access.audit_rows import AuditRows
from service.web.console.access.audit_words import action_choices
from service.web.console.access.offers import AUDIT, KEYS, tabs
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

PAGE = 50
SUGGESTED = 200
"""Keys that the filter suggests by name. It takes the id of any other, too."""
FILTERS = ("actor", "action", "job_id", "since", "until")


class AuditLog(RenderedPage):
    """`/access/audit`.

    Args:
        audit: reads the log.
        jobs: the use cases of jobs, for their names.
        keys: the stored keys, for their names.
    """

    access = BY_SESSION.needing(get=Scope.ADMIN).without_limits()

    def __init__(self, pool: Pool, audit: Audit, jobs: Jobs, keys: StoredKeys) -> None:
        super().__init__(pool)
        self._audit = audit
        self._jobs = jobs
        self._keys = keys

    def render(self, req: Request, resp: Response) -> None:
        """Show a page of the entries that the address asks for."""
        asked = {name: (query.text(req, name) or "").strip() for name in FILTERS}
        cursor = query.text(req, "cursor")
        page = self._audit.page(limit=PAGE, cursor=cursor, **_filters(asked))
        rows, choices = AuditRows(self._jobs, self._keys), action_choices()
        show(
            resp,
            "access_audit.html",
            KEYS,
            tabs=tabs(),
            here=AUDIT,
            rows=[rows.of(entry) for entry in page.data],
            asked=asked,
            is_narrowed=any(asked.values()),
            choices=choices,
            is_known=any(asked["action"] == action for _, group in choices for action, _ in group),
            suggested=[(key["id"], key["name"]) for key in self._keys.list(SUGGESTED, None).data],
            address=_address,
            cursor=cursor,
            newest=_address(**asked),
            following=_address(**asked, cursor=page.next_cursor) if page.next_cursor else None,
        )


def _address(**asked: str) -> str:
    """Return the address of a page of the log, without empty parameters."""
    given = {name: value for name, value in asked.items() if value}
    return AUDIT + (f"?{urlencode(given)}" if given else "")


def _filters(asked: Mapping[str, str]) -> dict[str, Any]:
    """Return the filters as the use case takes them. A form has days: both are included, in UTC."""
    days = {"since": _day(asked, "since"), "until": _day(asked, "until", timedelta(days=1))}
    return {name: value or None for name, value in asked.items()} | days


def _day(asked: Mapping[str, str], name: str, later: timedelta = timedelta(0)) -> str | None:
    if not asked[name]:
        return None
    try:
        return f"{date.fromisoformat(asked[name]) + later}T00:00:00"
    except (ValueError, OverflowError):
        raise ValidationFailed.of(name, "must be a day, such as 2026-11-30") from None
