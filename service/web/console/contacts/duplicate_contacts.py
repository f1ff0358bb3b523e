"""Page of contacts that may be the same person, with buttons to merge them."""

from __future__ import annotations

import falcon

from service.contacts.matching.duplicates import MOST_GROUPS
from service.usecases.contacts import ContactBook
from service.web.console.page import Page, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.request_slots import SlowResource

PAGE = 20
"""Groups on a page."""


class DuplicateContacts(SlowResource[ContactBook], Page):
    """`/contacts/duplicates`."""

    access = BY_SESSION

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show groups of contacts that may be the same person, side by side."""
        number = query.integer(req, "page", low=1, high=MOST_GROUPS // PAGE, default=1)
        with self._slots.held():
            found = self._source.all_duplicates()
            pages = max(1, -(-len(found.groups) // PAGE))
            number = min(number, pages)  # a merge may have emptied the last page
            groups = self._source.shown_groups(found.groups[(number - 1) * PAGE : number * PAGE])
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

    on_head = on_get
