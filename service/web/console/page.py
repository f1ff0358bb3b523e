"""What every page is made with: its templates and its headers."""

from __future__ import annotations

from typing import Any

import falcon
import jinja2

from service.web.console import words
from service.web.http.page_headers import PAGE_HEADERS

SIGN_IN = "/sign-in"
HTML = "text/html; charset=utf-8"
NAVIGATION = (("/", "Overview"), ("/jobs", "Jobs"), ("/runs", "Runs"), ("/contacts", "Contacts"))
"""The pages that every page leads to."""


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("service.web.console"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(words.FILTERS)
    return environment


TEMPLATES = _environment()


class Page:
    """A resource that answers a page.

    A subclass declares who may ask it, `access`, and has `on_get` or `on_post`; there it calls `show`.
    """


def show(resp: falcon.Response, template: str, section: str | None = None, **values: Any) -> None:
    """Answer a page.

    Args:
        template: its file in `templates/`.
        section: the path of the entry of `NAVIGATION` that it belongs to; None shows no navigation.
        values: what the template names.
    """
    text = TEMPLATES.get_template(template).render(section=section, navigation=NAVIGATION, **values)
    resp.data = text.encode("utf-8", "replace")
    resp.text = resp.stream = resp.media = None
    resp.content_type = HTML
    resp.set_headers(PAGE_HEADERS)
