"""Answers of lists by pages: `cursor`, and the `Link` header that leads to the next page. One rule for every list."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from falcon.asgi import Request, Response

from service.usecases.views import Page
from service.web.http import query
from service.web.http.rendering import send
from service.web.http.representation.validators import revalidate


def cursor(req: Request) -> str | None:
    """Read where the page begins; None for the first page."""
    return query.text(req, "cursor")


def send_page(req: Request, resp: Response, page: Page) -> None:
    """Answer with a page as an array, with `Link: <…>; rel="next"` when more items follow.

    The link is relative, so that it works behind any proxy.
    """
    send(resp, page.json)
    link_to(req, resp, page.next_cursor)
    revalidate(req, resp)


def link_to(req: Request, resp: Response, next_cursor: str | None) -> None:
    """Set the header that leads to the next page, if there is one."""
    if next_cursor is not None:
        kept = [(name, value) for name, value in req.params.items() if name != "cursor"]
        parameters = urlencode([*kept, ("cursor", next_cursor)], doseq=True, errors="replace")
        resp.set_header("Link", f'<{quote(req.path)}?{parameters}>; rel="next"')
