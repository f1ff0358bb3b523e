"""Routes of badges and status pages, and their addresses: a key for badges, or for feeds, stands in each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import falcon
from falcon.asgi import Request, Response

from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.domain.badges.standing import WORDS, Standing
from service.errors import ValidationFailed
from service.interleaving import interleaved
from service.usecases.badges.standings import Standings
from service.web.api.badges import badge_svg, status_page
from service.web.api.badges.shared_looks import SharedLooks
from service.web.http import query
from service.web.http.access import BY_TOKEN
from service.web.http.rendering import as_answer
from service.web.http.representation.validators import revalidate

SVG_ADDRESS, JSON_ADDRESS, PAGE_ADDRESS = "/badge/{token}.svg", "/badge/{token}.json", "/status/{token}"
SVG, HTML = "image/svg+xml", "text/html"
FRESH_SECONDS, REFRESH_SECONDS = 30, 60
"""How long caches may show an answer without asking again, and after how long a page loads itself again."""
BY_TOKEN_OF_A_BADGE = BY_TOKEN.needing(get=(Scope.FEED, Scope.BADGE)).with_known_parameters()
"""A mistyped `job_id` would show other jobs, so no parameter is passed over."""
T = TypeVar("T")
_DRAWN: dict[int, Standing] = {404: "empty", 503: "unknown"}
_TITLE = "jobs"


class Looking:
    """Base of the routes: how the jobs stand that the key covers. A subclass declares its own `access`.

    Args:
        standings: the use case.
        looks: those of this process.
    """

    def __init__(self, standings: Standings, looks: SharedLooks) -> None:
        self._standings = standings
        self._looks = looks

    async def _look(self, call: Callable[..., T], req: Request, **more: Any) -> T:
        """Look at the jobs that the request names, on the event loop, which serves others meanwhile."""
        job_id, labels = query.text(req, "job_id"), query.texts(req, "label")
        who = caller()
        owner = (who.actor, who.scopes, who.job_id, frozenset(who.limits.labels.items()), who.limits.bot_types)
        about = (call.__name__, job_id, tuple(labels), *more.items())
        found: T = await self._looks.look(owner, about, lambda: interleaved(call, job_id, labels, **more))
        return found


class BadgePicture(Looking):
    """`/badge/{token}.svg`."""

    access = BY_TOKEN_OF_A_BADGE

    async def on_get(self, req: Request, resp: Response, token: str) -> None:
        """Return a picture that says how the jobs stand that the key covers: the worst of them.

        `?job_id=` leaves out all jobs but one, `?label=team:crm` those without the label. While Redis is away, and for
        a job that does not exist, the answer is a picture, too, with its status.
        """
        text = _text(req)
        standing, _ = await self._look(self._standings.badge, req)
        _show(resp, text, standing)
        resp.set_header("Cache-Control", f"max-age={FRESH_SECONDS}")
        revalidate(req, resp)

    on_head = on_get


class BadgeData(Looking):
    """`/badge/{token}.json`."""

    access = BY_TOKEN_OF_A_BADGE

    async def on_get(self, req: Request, resp: Response, token: str) -> None:
        """Return the badge in the form that shields.io reads, and our words beside it."""
        text = _text(req)
        standing, jobs = await self._look(self._standings.badge, req)
        found = {
            "schemaVersion": 1, "label": text, "message": WORDS[standing],
            "color": badge_svg.COLORS[standing], "isError": standing in ("down", "unknown"),
            "standing": standing, "jobs": jobs,
        }  # fmt: skip
        resp.data, resp.content_type = as_answer(found), falcon.MEDIA_JSON
        resp.set_header("Cache-Control", f"max-age={FRESH_SECONDS}")
        revalidate(req, resp)

    on_head = on_get


class StatusPage(Looking):
    """`/status/{token}`."""

    access = BY_TOKEN_OF_A_BADGE

    async def on_get(self, req: Request, resp: Response, token: str) -> None:
        """Return a page for people: how the jobs stand that the key covers, without names, ids and errors.

        It loads itself again each minute. `job_id` and `label` leave out other jobs. `?names=true` shows names, with a
        key of the scope `feed`.
        """
        page = await self._look(self._standings.page, req, has_names=query.boolean(req, "names"))
        resp.data, resp.content_type = status_page.write(page), f"{HTML}; charset=utf-8"
        resp.set_header("Content-Security-Policy", status_page.POLICY)
        resp.set_header("X-Robots-Tag", "noindex, nofollow")
        resp.set_header("X-Frame-Options", "DENY")
        resp.set_header("Refresh", str(REFRESH_SECONDS))
        resp.set_header("Cache-Control", f"private, max-age={FRESH_SECONDS}")
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
            _show(resp, _TITLE, _DRAWN[resp.status_code])
            resp.set_header("Cache-Control", "no-cache")


def _show(resp: Response, text: str, standing: Standing) -> None:
    resp.data, resp.content_type = badge_svg.draw(text, standing), SVG
    resp.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
    resp.set_header("Cross-Origin-Resource-Policy", "cross-origin")


def _text(req: Request) -> str:
    """Read the text at the left."""
    text = query.text(req, "text")
    if text is None:
        return _TITLE
    if not 1 <= len(text) <= badge_svg.TEXT_LENGTH or not text.isprintable():
        raise ValidationFailed.of("text", f"must be 1 to {badge_svg.TEXT_LENGTH} printable characters")
    return text
