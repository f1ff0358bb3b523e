"""Base class of the console's pages, and the templates that they render."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import jinja2
from falcon.asgi import Request, Response

from service.domain.access.callers import caller
from service.web.console.assets import ASSETS
from service.web.console.formatting import FILTERS
from service.web.console.history.repairs import WORDS as REPAIRED
from service.web.console.pauses.banner import Banner
from service.web.http.page_headers import PAGE_HEADERS
from service.web.http.pools import Pool
from service.web.http.representation.live_parts import send_changed_parts
from service.web.http.representation.validators import revalidate

SIGN_IN = "/sign-in"
HTML = "text/html; charset=utf-8"
NAVIGATION = (
    ("/", "Overview", "o"), ("/jobs", "Jobs", "j"), ("/coming", "Coming", "n"), ("/runs", "Runs", "r"),
    ("/contacts", "Contacts", "c"), ("/alerts", "Alerts", "a"), ("/access", "Access", "k"),
)  # fmt: skip
"""The entries of the navigation: path, name, the letter that leads there after g."""
FOUND = (
    ("/contacts/new", "New contact"), ("/contacts/duplicates", "Duplicates of contacts"), ("/pauses", "Pauses"),
    ("/calendars", "Calendars"), ("/clock-changes", "Clock changes"), ("/jobs/deleted", "Deleted jobs"),
    ("/access/keys/new", "New key"), ("/access/sessions", "Sessions"), ("/access/audit", "Audit log"),
)  # fmt: skip
"""Further pages that the palette offers everywhere: path, name."""
FAR = 10**6
"""The highest number of a page in an address."""
NEAR = 2
"""How many pages before and after the current one a list links to, besides its first and its last."""


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("service.web.console"),
        auto_reload=False,  # it would look at the files for each page
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals["asset"] = ASSETS.address
    environment.globals["repaired"] = REPAIRED
    environment.globals["owner"] = lambda: caller().actor
    return environment


TEMPLATES = _environment()


_make_banner: Callable[[], Banner] = Banner
_banner: ContextVar[Banner | None] = ContextVar("banner", default=None)


def load_templates(may: Callable[[str], bool], banner: Callable[[], Banner]) -> None:
    """Compile all templates at the start: some pages are made on the event loop, which must not wait for files.

    Args:
        may: tells whether the reader of a page may use a method of a route (`service.web.console.offers`).
        banner: makes the banner of troubles and pauses for the reader of a page; it asks Redis.
    """
    global _make_banner
    _make_banner = banner
    TEMPLATES.globals["may"] = may
    for name in TEMPLATES.list_templates():
        TEMPLATES.get_template(name)


class Page:
    """Base of the resources whose errors people see as pages. A subclass declares in `access` who may request it."""

    is_for_strangers = False
    """Whether its visitors need not know the console: its errors lead nowhere."""


class RenderedPage(Page):
    """Base of the pages, which are made in a thread: they read much, and templates take long.

    A subclass reads and calls `show` in `render`.

    Args:
        pool: the threads.
    """

    render: Callable[..., None]
    """Makes the page: takes the request, its answer, and the parameters in the path."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def on_get(self, req: Request, resp: Response, **params: str) -> None:
        """Show the page; to its own script, the live parts that have changed."""
        await self._pool.run(self._render_with_banner, req, resp, **params)
        if not send_changed_parts(req, resp):
            revalidate(req, resp)

    on_head = on_get

    def _render_with_banner(self, req: Request, resp: Response, **params: str) -> None:
        token = _banner.set(_make_banner())
        try:
            self.render(req, resp, **params)
        finally:
            _banner.reset(token)


def show(resp: Response, template: str, section: str | None = None, **values: Any) -> None:
    """Answer with a page.

    Args:
        resp: The response.
        template: The template's file in `templates/`.
        section: The path of the current entry of `NAVIGATION`. None hides the navigation.
        values: The template's variables.
    """
    text = TEMPLATES.get_template(template).render(
        section=section, navigation=NAVIGATION, findable=FOUND, banner=_banner.get() or Banner(), **values
    )
    resp.data = text.encode("utf-8", "replace")
    resp.text = resp.stream = resp.media = None
    resp.content_type = HTML
    resp.set_headers(PAGE_HEADERS)


def pages_near(current: int, last: int, address: Callable[[int], str]) -> list[tuple[int, str]]:
    """Return the pages to which a list links, each with its address: the first, the last, and those near the current.

    Args:
        current: the number of the current page, from 1 on.
        last: the number of the last page.
        address: makes the address of a page.

    Returns:
        In order; `(0, "")` where some are left out.
    """
    near = range(current - NEAR, current + NEAR + 1)
    numbers = [number for number in range(1, last + 1) if number in (1, last) or number in near]
    found: list[tuple[int, str]] = []
    for before, number in zip([0, *numbers], numbers, strict=False):
        if number > before + 1:
            found.append((0, "") if number > before + 2 else (number - 1, address(number - 1)))
        found.append((number, address(number)))
    return found
