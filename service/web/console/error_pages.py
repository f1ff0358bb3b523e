"""Falcon middleware that shows errors to people as pages."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from service.web.console.page import Page, show
from service.web.http.sessions import Sessions

_TITLES = {
    400: "Invalid address",
    403: "Not allowed",
    404: "Page not found",
    409: "Conflict",
    503: "Redis is unavailable",
}


class ErrorPages:
    """Shows errors as pages."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def process_response(self, req: Request, resp: Response, resource: object, succeeded: bool) -> None:
        """Replace an error's JSON by a page if a person sees it."""
        if resp.status_code >= 400 and isinstance(resp.media, dict) and _is_for_people(req, resource):
            self._show_error(req, resp)

    def _show_error(self, req: Request, resp: Response) -> None:
        status = resp.status_code
        detail = str(resp.media.get("detail", ""))
        title = _TITLES.get(status, "Something went wrong")
        # Without a session there is no navigation.
        section = "" if self._sessions.signed_in(req) else None
        show(resp, "error.html", section, status=status, title=title, detail=detail)


def _is_for_people(req: Request, resource: object) -> bool:
    """Tell whether a browser asked for a page or for an unknown address. Programs use all other resources."""
    if isinstance(resource, Page):
        return req.client_prefers(("text/html", falcon.MEDIA_JSON)) != falcon.MEDIA_JSON
    return resource is None and "text/html" in (req.get_header("Accept") or "")
