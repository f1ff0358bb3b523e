"""Lists by pages: `limit`, `cursor`, and the `Link` header that leads on."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import falcon

from service.web.api.protocols import Page
from service.web.http import query
from service.web.http.rendering import send


def cursor(req: falcon.Request) -> str | None:
    """Where the page begins; None: at the beginning."""
    return query.text(req, "cursor")


def send_page(req: falcon.Request, resp: falcon.Response, page: Page) -> None:
    """Answer a page as an array, with `Link: <…>; rel="next"` when more follow.

    The link is relative, so that it holds behind any proxy.
    """
    items = page.items
    if items and isinstance(items[0], bytes):
        send(resp, b"[%b]" % b",".join(items))
    else:
        send(resp, list(items))
    if page.next_cursor is not None:
        kept = [(name, value) for name, value in req.params.items() if name != "cursor"]
        parameters = urlencode([*kept, ("cursor", page.next_cursor)], doseq=True, errors="replace")
        resp.set_header("Link", f'<{quote(req.path)}?{parameters}>; rel="next"')
