"""Routes of the guides."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import falcon
from falcon.asgi import Request, Response

from service.web.api.guides.library import guides, index
from service.web.http.access import OPEN
from service.web.http.representation.validators import revalidate

LLMS, GUIDE = "/llms.txt", "/docs/{page}.md"
MARKDOWN = "text/markdown"


@cache
def texts() -> Mapping[str, bytes]:
    """Return each guide by its name, and the index by the empty one. A process reads them once, before it serves."""
    found = guides()
    return {"": index(found).encode(), **{name: text.encode() for name, text in found.items()}}


class Llms:
    """`/llms.txt`, open to all."""

    access = OPEN

    async def on_get(self, req: Request, resp: Response) -> None:
        """List the guides for programs that read: each with the question that it answers."""
        resp.data = texts()[""]
        resp.content_type = "text/plain; charset=utf-8"
        revalidate(req, resp)

    on_head = on_get


class Guide:
    """`/docs/….md`, open to all."""

    access = OPEN

    async def on_get(self, req: Request, resp: Response, page: str) -> None:
        """Return a guide as Markdown; `/llms.txt` lists them."""
        found = texts().get(page) if page else None
        if found is None:
            raise falcon.HTTPNotFound(description="There is no guide of this name; /llms.txt lists them")
        resp.data = found
        resp.content_type = f"{MARKDOWN}; charset=utf-8"
        revalidate(req, resp)

    on_head = on_get


def add_guides(app: Any) -> None:
    """Add the routes to an application, and read the guides."""
    texts()
    app.add_route(LLMS, Llms())
    app.add_route(GUIDE, Guide())
