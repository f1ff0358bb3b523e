"""Page of contacts that may be the same person, with buttons to merge them."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.contacts.matching.duplicates import MOST_GROUPS
from service.domain.access.scopes import Scope
from service.usecases.contacts import ContactBook
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

PAGE = 20
"""Groups on a page."""


class DuplicateContacts(RenderedPage):
    """`/contacts/duplicates`."""

    access = BY_SESSION.needing(get=Scope.CONTACTS)

    def __init__(self, pool: Pool, contacts: ContactBook) -> None:
        super().__init__(pool)
        self._contacts = contacts

    def render(self, req: Request, resp: Response) -> None:
        """Show groups of contacts that may be the same person, side by side."""
        number = query.integer(req, "page", low=1, high=MOST_GROUPS // PAGE, default=1)
        found = self._contacts.all_duplicates()
        pages = max(1, -(-len(found.groups) // PAGE))
        number = min(number, pages)  # a merge may have emptied the last page
        groups = self._contacts.shown_groups(found.groups[(number - 1) * PAGE : number * PAGE])
        show(
            resp,
            "duplicates.html",
            "/contacts",
            groups=groups,
            total=len(found.groups),
            more=found.has_more,
            number=number,
            pages=[(page, f"/contacts/duplicates?page={page}") for page in range(1, pages + 1)],
        )
