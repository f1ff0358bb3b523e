"""The page at `/docs`: every operation by group, with its `curl` command, and a search.

It is whole without scripts. A script of its own searches, fills the reader's key into the commands and copies them; the
page's policy lets it send nothing anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from falcon.asgi import Request, Response

from service.domain.plain_json import dumps
from service.web.api.openapi.presentation.curl import curl, written
from service.web.api.openapi.presentation.groups import GROUPS
from service.web.http.access import OPEN
from service.web.http.representation.validators import revalidate


class Docs:
    """`/docs`, open to all.

    Args:
        home: where the reader goes back to; None for no such link.
    """

    access = OPEN

    def __init__(self, home: str | None) -> None:
        self._home = home
        self._page = b""
        self._policy = ""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return this document as a page to read."""
        resp.data = self._page
        resp.content_type = "text/html; charset=utf-8"
        resp.set_header("Content-Security-Policy", self._policy)
        resp.set_header("Referrer-Policy", "no-referrer")
        revalidate(req, resp)

    on_head = on_get

    def show(self, found: Mapping[str, Any]) -> None:
        """Make the page from a document."""
        template, style, script = _template()
        self._page = template.render(
            document=found, groups=list(_grouped(found)), style=style, script=script, home=self._home
        ).encode()
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _grouped(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each group with its operations, in the order of `GROUPS`."""
    by_name = {
        operation["operationId"]: {
            "method": method.upper(), "path": path, "curl": curl(method.upper(), path, operation), **operation,
        }
        for path, methods in found["paths"].items()
        for method, operation in methods.items()
    }  # fmt: skip
    for group in GROUPS:
        operations = [by_name[name] for name in group.operations if name in by_name]
        yield {"id": group.name.lower(), "name": group.name, "about": group.description, "operations": operations}


@cache
def _template() -> tuple[jinja2.Template, str, str]:
    folder = resources.files(__package__).joinpath("templates")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["words"] = _words
    environment.filters["shown"] = _shown
    names = ("docs.html", "docs.css", "docs.js")
    page, style, script = (folder.joinpath(name).read_text(encoding="utf-8") for name in names)
    return environment.from_string(page), style, script


def _shown(content: Mapping[str, Any]) -> str:
    """Write the example of a media type, the first of several; nothing where there is none."""
    several = content.get("examples", {})
    example = next(iter(several.values()))["value"] if several else content.get("example")
    if example is None or isinstance(example, str):
        return example or ""
    return written(example)


def _words(schema: Mapping[str, Any]) -> str:
    """Say in a few words what a schema takes."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return dumps(schema["const"]).decode()
    if "enum" in schema:
        return ", ".join(dumps(value).decode() for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_words(item) for item in schema["anyOf"])
    kind = schema.get("type", "anything")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if "items" in schema:
        words += f" of {_words(schema['items'])}"
    low, high = schema.get("minimum", schema.get("minLength")), schema.get("maximum", schema.get("maxLength"))
    if low is not None or high is not None:
        words += f" ({'' if low is None else low}–{'' if high is None else high})"
    return words
