"""Page of a link in an alert: what it would do, and a button that does it.

To open the page changes nothing, and does not use the link up: mail scanners follow links. Whoever has the link may
press the button, without a key and without JavaScript.
"""

from __future__ import annotations

from collections.abc import Mapping

import falcon
from falcon.asgi import Request, Response

from service.errors import NotFound
from service.usecases.alerting.links import AlertLinks, Shown, State
from service.web.console.page import Page, show
from service.web.console.sign_in import read_form
from service.web.http.access import OPEN_PAGE
from service.web.http.pools import Pool
from service.web.http.throttling.guesses import Guesses

ADDRESS = "/link/{token}"
OFF = "Links in alerts are switched off here (RUN_LINKS)"
_STATUSES: Mapping[State, int] = {"no_job": 404, "used": 409, "refused": 409, "expired": 410}


class LinkPage(Page):
    """`/link/{token}`.

    Args:
        links: what links do; None if they are switched off.
        pool: the threads.
        guesses: counts links that are not valid, as it does wrong keys.
    """

    access = OPEN_PAGE
    is_for_strangers = True

    def __init__(self, links: AlertLinks | None, pool: Pool, guesses: Guesses) -> None:
        self._links = links
        self._pool = pool
        self._guesses = guesses

    async def on_get(self, req: Request, resp: Response, token: str) -> None:
        """Show what the link would do, or did."""
        links = self._require_links()
        try:
            shown = await self._pool.run(links.look, token)
        except NotFound:
            await self._guesses.refuse(req)
            raise
        _answer(resp, shown, 200 if shown.state == "used" else _STATUSES.get(shown.state, 200))

    on_head = on_get

    async def on_post(self, req: Request, resp: Response, token: str) -> None:
        """Do what the link says, once."""
        links = self._require_links()
        choice = (await read_form(req)).get("for")
        try:
            shown = await self._pool.run(links.follow, token, choice, self._guesses.address(req))
        except NotFound:
            await self._guesses.refuse(req)
            raise
        _answer(resp, shown, _STATUSES.get(shown.state, 200))

    def _require_links(self) -> AlertLinks:
        if self._links is None:
            raise falcon.HTTPNotFound(description=OFF)
        return self._links


def _answer(resp: Response, shown: Shown, status: int) -> None:
    show(resp, "link.html", one=shown, link=shown.link)
    resp.status = falcon.code_to_http_status(status)
