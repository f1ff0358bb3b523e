"""Route of the audit log."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.interleaving import interleaved
from service.usecases.access.audit import Audit
from service.web.api.limits import PAGE_LIMIT
from service.web.http import paging, query
from service.web.http.access import BY_KEY

FILTERS = ("actor", "action", "job_id", "since", "until")


class AuditEntries:
    """`/scheduler/audit`."""

    access = BY_KEY.needing(get=Scope.ADMIN).without_limits()

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of the changes that people have made, newest first.

        Each entry is written in the same step as its change. `fields` has the changed fields; null stands for values
        that are not told. `action=refused` returns the requests that lacked a scope instead, and the
        addresses that began to send wrong keys.
        """
        filters = {name: query.text(req, name) for name in FILTERS}
        limit = PAGE_LIMIT.read(req)
        page = await interleaved(self._audit.page, limit=limit, cursor=paging.cursor(req), **filters)
        paging.send_page(req, resp, page)

    on_head = on_get
