"""Falcon middleware of the console: who may see a page, who may post to one, and what an error looks like there."""

from __future__ import annotations

from urllib.parse import quote

import falcon

from service.api import sessions
from service.api.auth import METRICS
from service.api.sessions import Sessions
from service.console.pages import Page, show

SIGN_IN = "/sign-in"
STATIC = "/static"
_SAFE = ("GET", "HEAD", "OPTIONS")
_MACHINES = ("/scheduler", METRICS, "/openapi.json", STATIC)
"""Where programs ask: errors there are JSON, whatever they accept."""

_TITLES = {
    400: "This address is not understood",
    403: "That was refused",
    404: "There is nothing here",
    409: "That does not go together",
    503: "Redis is away",
}


class Gate:
    """Guards the pages.

    Args:
        known: the sessions.
    """

    def __init__(self, known: Sessions) -> None:
        self._sessions = known

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, str]
    ) -> None:
        """Send whoever is not signed in to where one does, and refuse what another site's page posts.

        Raises:
            falcon.HTTPSeeOther, falcon.HTTPForbidden
        """
        if not isinstance(resource, Page):
            return
        if req.method not in _SAFE and not sessions.is_same_origin(req):
            raise falcon.HTTPForbidden(description="This was sent by another site's page, or by no page at all")
        if not resource.open:
            self._require_session(req, resp)

    def _require_session(self, req: falcon.Request, resp: falcon.Response) -> None:
        token = self._sessions.token(req)
        if token is None:
            here = req.relative_uri if req.method in _SAFE else "/"
            raise falcon.HTTPSeeOther(f"{SIGN_IN}?next={quote(here, safe='/')}")
        renewed = self._sessions.renewed(token)
        if renewed is not None:
            sessions.set_cookie(req, resp, renewed)

    def process_response(self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool) -> None:
        """Show an error as a page where a person sees it, and let files be asked for again only when they changed."""
        if req.path.startswith(f"{STATIC}/") and resp.status_code < 400:
            resp.set_header("Cache-Control", "no-cache")
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
    if isinstance(resource, Page):
        return req.client_prefers(("text/html", falcon.MEDIA_JSON)) != falcon.MEDIA_JSON
    if any(req.path == place or req.path.startswith(f"{place}/") for place in _MACHINES):
        return False
    return "text/html" in (req.get_header("Accept") or "")
