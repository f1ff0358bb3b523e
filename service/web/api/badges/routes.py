"""Routes of badges and status pages; in the address of each stands a key with the scope `feed` alone."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.badges.standing import WORDS, Standing
from service.domain.plain_json import dumps
from service.errors import ValidationFailed
from service.usecases.badges.standings import Standings
from service.web.api.badges import badge_svg, status_page
from service.web.http import query
from service.web.http.access import BY_TOKEN
from service.web.http.pools import PooledResource
from service.web.http.representation.validators import revalidate

SVG_ADDRESS, JSON_ADDRESS, PAGE_ADDRESS = "/badge/{token}.svg", "/badge/{token}.json", "/status/{token}"
SVG, HTML = "image/svg+xml", "text/html"
REFRESH_SECONDS = 60
_DRAWN: dict[int, Standing] = {404: "empty", 503: "unknown"}
_NO_CACHE = "no-cache"
"""Proxies of pictures, such as GitHub's, ask again each time, with the entity tag."""


class BadgePicture(PooledResource[Standings]):
    """`/badge/{token}.svg`."""

    access = BY_TOKEN.needing(get=Scope.FEED)

    async def on_get(self, req: Request, resp: Response, token: str) -> None:
        """Return a picture that says how the jobs stand that the key covers: the worst of them, or only `job_id`.

        While Redis is away, and for a job that does not exist, the answer is a picture, too, with its status.
        """
        label = _label(req)
        standing, _ = await self._pool.run(self._source.badge, query.text(req, "job_id"))
        _show(resp, label, standing)
        revalidate(req, resp)

    on_head = on_get


class BadgeData(PooledResource[Standings]):
    """`/badge/{token}.json`."""

    access = BY_TOKEN.needing(get=Scope.FEED)

    async def on_get(self, req: Request, resp: Response, token: str) -> None:
        """Return the badge in the form that shields.io reads, and our words beside it."""
        label = _label(req)
        standing, jobs = await self._pool.run(self._source.badge, query.text(req, "job_id"))
        found = {
            "schemaVersion": 1, "label": label, "message": WORDS[standing],
            "color": badge_svg.COLORS[standing], "isError": standing in ("down", "unknown"),
            "standing": standing, "jobs": jobs,
        }  # fmt: skip
        resp.data, resp.content_type = dumps(found), falcon.MEDIA_JSON
        resp.set_header("Cache-Control", _NO_CACHE)
        revalidate(req, resp)

    on_head = on_get


class StatusPage(PooledResource[Standings]):
    """`/status/{token}`."""

    access = BY_TOKEN.needing(get=Scope.FEED)

    async def on_get(self, req: Request, resp: Response, token: str) -> None:
        """Return a page for people: how the jobs stand that the key covers, without names, ids and errors.

        It refreshes itself each minute. `job_id` leaves out other jobs.
        """
        page = await self._pool.run(self._source.page, query.text(req, "job_id"))
        resp.data, resp.content_type = status_page.write(page), f"{HTML}; charset=utf-8"
        resp.set_header("Content-Security-Policy", status_page.POLICY)
        resp.set_header("X-Robots-Tag", "noindex, nofollow")
        resp.set_header("X-Frame-Options", "DENY")
        resp.set_header("Refresh", str(REFRESH_SECONDS))
        resp.set_header("Cache-Control", _NO_CACHE)
        revalidate(req, resp)

    on_head = on_get


class DrawnFailures:
    """Falcon middleware that draws a badge's 404 and 503: where a picture is wanted, nobody sees a sentence.

    A key cannot be looked up while Redis is away, so the guard answers most of these.
    """

    async def process_response(self, req: Request, resp: Response, resource: object, succeeded: bool) -> None:
        """Draw the failure of a badge, with its status."""
        if isinstance(resource, BadgePicture) and resp.status_code in _DRAWN:
            resp.media = None
            _show(resp, "jobs", _DRAWN[resp.status_code])


def _show(resp: Response, label: str, standing: Standing) -> None:
    resp.data, resp.content_type = badge_svg.draw(label, standing), SVG
    resp.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
    resp.set_header("Cache-Control", _NO_CACHE)
    resp.set_header("Cross-Origin-Resource-Policy", "cross-origin")


def _label(req: Request) -> str:
    """Read the text at the left."""
    label = query.text(req, "label")
    if label is None:
        return "jobs"
    if not 1 <= len(label) <= badge_svg.LABEL_LENGTH or not label.isprintable():
        raise ValidationFailed.of("label", f"must be 1 to {badge_svg.LABEL_LENGTH} printable characters")
    return label
