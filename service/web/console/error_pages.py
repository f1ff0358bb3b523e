"""Falcon middleware that shows errors to people as pages."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from service.domain.access.callers import act_for
from service.errors import StoreUnavailable
from service.web.callers.recognition import Callers
from service.web.console.page import Page, show

_TITLES = {
    400: "Invalid address",
    403: "Not allowed",
    404: "Page not found",
    409: "Conflict",
    429: "Too many requests",
    503: "Redis is unavailable",
}


class ErrorPages:
    """Shows errors as pages."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def process_response(self, req: Request, resp: Response, resource: object, succeeded: bool) -> None:
        """Replace an error's JSON by a page if a person sees it."""
        if resp.status_code >= 400 and isinstance(resp.media, dict) and _is_for_people(req, resource):
            is_link = isinstance(resource, Page) and resource.is_for_strangers
            await self._show_error(req, resp, is_link=is_link)

    async def _show_error(self, req: Request, resp: Response, *, is_link: bool) -> None:
        status = resp.status_code
        detail = str(resp.media.get("detail", ""))
        title = "This link does nothing" if is_link and status == 404 else _TITLES.get(status, "Something went wrong")
        # Without a session there is no navigation.
        section = "" if not is_link and await self._is_signed_in(req) else None
        show(resp, "error.html", section, status=status, title=title, detail=detail, is_link=is_link)

    async def _is_signed_in(self, req: Request) -> bool:
        """Tell whether somebody is signed in, or may be while Redis is away. The page then offers what they may do.

        The guard has not seen a request for an unknown address.
        """
        try:
            who = await self._callers.by_session(req)
        except StoreUnavailable:
            return True
        if who is not None:
            act_for(who)
        return who is not None


def _is_for_people(req: Request, resource: object) -> bool:
    """Tell whether a browser asked for a page or for an unknown address. Programs use all other resources."""
    if isinstance(resource, Page):
        return req.client_prefers(("text/html", falcon.MEDIA_JSON)) != falcon.MEDIA_JSON
    return resource is None and "text/html" in (req.get_header("Accept") or "")
