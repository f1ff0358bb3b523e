"""Falcon middleware of the console: what an error looks like to a person."""

from __future__ import annotations

import falcon

from service.web.console.page import Page, show
from service.web.http.sessions import Sessions

_TITLES = {
    400: "This address is not understood",
    403: "That was refused",
    404: "There is nothing here",
    409: "That does not go together",
    503: "Redis is away",
}


class ErrorPages:
    """Shows errors as pages.

    Args:
        known: the sessions.
    """

    def __init__(self, known: Sessions) -> None:
        self._sessions = known

    def process_response(self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool) -> None:
        """Show an error as a page where a person sees it."""
        if resp.status_code >= 400 and isinstance(resp.media, dict) and _is_for_people(req, resource):
            self._show_error(req, resp)

    def _show_error(self, req: falcon.Request, resp: falcon.Response) -> None:
        status = resp.status_code
        detail = str(resp.media.get("detail", ""))
        title = _TITLES.get(status, "That did not work")
        # Without a session the page tells nothing and leads nowhere.
        section = "" if self._sessions.signed_in(req) else None
        show(resp, "error.html", section, status=status, title=title, detail=detail)


def _is_for_people(req: falcon.Request, resource: object) -> bool:
    """Whether a page was asked for, or no route at all and by a browser; all other resources are programs'."""
    if isinstance(resource, Page):
        return req.client_prefers(("text/html", falcon.MEDIA_JSON)) != falcon.MEDIA_JSON
    return resource is None and "text/html" in (req.get_header("Accept") or "")
