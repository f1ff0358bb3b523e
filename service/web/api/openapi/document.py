"""OpenAPI document of the application's routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import falcon
from falcon.asgi import Request, Response
from pydantic import BaseModel

from service import VERSION
from service.domain.access.scopes import Scope
from service.domain.plain_json import dumps
from service.web.api.openapi.access_operations import IDS
from service.web.api.openapi.building import TEXT, UUID, Schema, explicit, ref
from service.web.api.openapi.operation import JSON, Content, Operation
from service.web.api.openapi.operations import ERRORS, HEADERS, OPERATIONS
from service.web.api.openapi.presentation import examples
from service.web.api.openapi.presentation.groups import GROUPS, PLACES
from service.web.api.openapi.presentation.page import Docs
from service.web.api.openapi.schemas import components
from service.web.http.access import OPEN, Access, Proof, access_of

METHODS = ("GET", "POST", "PUT", "DELETE")

_DESCRIPTION = (
    "Create jobs for bots. A scheduler queues each due run, workers execute it, and the history keeps the outcome. "
    "Timestamps are UTC. Every error is one readable sentence in `detail`."
)

Security = list[dict[str, list[str]]]
_SECURITY: Security = [{"ApiKey": []}, {"Bearer": []}]
"""The security of all operations but open ones. Cookies are for the console's pages alone."""


def document(routes: Mapping[str, object], configs: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """Make the OpenAPI 3.1 document.

    Args:
        routes: path -> resource of the application.
        configs: each bot's `Config`, by `bot_type`.

    Raises:
        KeyError: a route has a method that `OPERATIONS` does not describe, or that is in none of the `GROUPS`.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bot Scheduler", "version": VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": _SECURITY,
        "tags": [{"name": group.name, "description": group.description} for group in GROUPS],
        "paths": {path: _methods(path, resource) for path, resource in routes.items()},
        "components": {
            "securitySchemes": {
                "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "Bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {name: explicit(schema) for name, schema in components(configs).items()},
        },
    }


def _methods(path: str, resource: object) -> dict[str, Any]:
    found = {}
    for method in METHODS:
        responder = getattr(resource, f"on_{method.lower()}", None)
        if responder is not None:
            found[method.lower()] = _operation(method, path, responder.__doc__ or "", access_of(resource))
    return found


def _operation(method: str, path: str, words: str, access: Access) -> dict[str, Any]:
    told = OPERATIONS.get((method, path))
    if told is None:
        raise KeyError(
            f"{method} {path} is not described: add it to OPERATIONS in service/web/api/openapi/operations.py"
        )
    if (method, path) not in PLACES:
        raise KeyError(
            f"{method} {path} has no name: add it to GROUPS in service/web/api/openapi/presentation/groups.py"
        )
    group, name = PLACES[method, path]
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", words.strip())]
    found: dict[str, Any] = {
        "tags": [group],
        "operationId": name,
        "summary": paragraphs[0],
    }
    scopes = access.scopes_of(method)
    if scopes:
        found["x-scope"] = scopes[0].value if len(scopes) == 1 else [scope.value for scope in scopes]
    if needed := _needed(access, scopes):
        paragraphs.append(needed)
    if len(paragraphs) > 1:
        found["description"] = "\n\n".join(paragraphs[1:])
    if Proof.KEY not in access.proofs:
        found["security"] = []
    if parameters := _parameters(path, told):
        found["parameters"] = parameters
    if told.body is not None:
        found["requestBody"] = {
            "required": told.body_required,
            "content": _content(told.body, partial(examples.of_request, name)),
        }
    found["responses"] = _responses(name, told, access)
    return found


def _needed(access: Access, scopes: Sequence[Scope]) -> str:
    """Say what a key needs for an operation; nothing where it is open."""
    if access.is_open:
        return ""
    named = " or ".join(f"`{scope.value}`" for scope in scopes)
    needed = f"The key needs the scope {named}." if scopes else "Any key may ask."
    return f"{needed[:-1]} and must not be limited to some jobs." if access.unlimited else needed


def _parameters(path: str, told: Operation) -> list[dict[str, Any]]:
    return [
        *(_parameter(name, "path", IDS.get(name, UUID), True) for name in re.findall(r"{(\w+)}", path)),
        *(_parameter(name, "query", schema, name in told.required) for name, schema in told.query.items()),
        *(_header_parameter(name) for name in (*told.headers, *(("If-None-Match",) if told.tagged else ()))),
    ]


def _parameter(name: str, place: str, schema: Schema, required: bool) -> dict[str, Any]:
    bare = {key: value for key, value in schema.items() if key != "description"}
    described = {"description": schema["description"]} if "description" in schema else {}
    known, key = examples.examples("parameters"), "date" if schema.get("format") == "date" else name
    shown = {"example": known[key]} if key in known else {}
    return {"name": name, "in": place, "required": required, **described, "schema": explicit(bare), **shown}


def _header_parameter(name: str) -> dict[str, Any]:
    words, schema = HEADERS[name]
    return _parameter(name, "header", {**schema, "description": words}, False)


def _header(words: str, schema: Schema) -> dict[str, Any]:
    return {"description": words, "schema": schema}


_LIST_TAG = _header("A digest of all that the answer shows; missing where the answer is longer than 1 MiB.", TEXT)


def _responses(name: str, told: Operation, access: Access) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, content in told.answers.items():
        answer: dict[str, Any] = {"description": falcon.code_to_http_status(status)[4:]}
        if content is not None:
            answer["content"] = _content(content, partial(examples.of_answer, name))
        headers = {header: _header(*HEADERS[header]) for header in told.answer_headers if status < 300}
        if told.tagged:
            headers["ETag"] = _LIST_TAG
        if headers:
            answer["headers"] = headers
        found[str(status)] = answer
    if told.tagged:
        found["304"] = {"description": "The client has the current version.", "headers": {"ETag": _LIST_TAG}}
    own = {*told.errors, 500, *_refusals(access), *((503,) if told.store else ())}
    for status in sorted(own - set(told.answers)):
        found[str(status)] = {"description": ERRORS[status], "content": {JSON: {"schema": ref("Error")}}}
    return found


def _refusals(access: Access) -> tuple[int, ...]:
    """Return the statuses of the refusals of the guard and of the rate limit."""
    if access.is_open:
        return ()
    return (401, 403, 429) if access.unlimited or any(access.scopes.values()) else (401, 429)


def _content(content: Content, shown: Callable[[str, Schema], examples.Shown]) -> dict[str, Any]:
    return {media: {"schema": explicit(schema), **shown(media, schema)} for media, schema in content.items()}


class OpenApi:
    """`/openapi.json`, open to all. `install` fills in `text` once all routes are known."""

    access = OPEN

    def __init__(self) -> None:
        self.text = b"{}"

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return this document."""
        resp.data = self.text
        resp.content_type = falcon.MEDIA_JSON

    on_head = on_get


def install(app: Any, configs: Mapping[str, type[BaseModel]], home: str | None = None) -> None:
    """Add `/openapi.json` and `/docs` to `app`. They describe all of its routes, these two included.

    Args:
        app: the application.
        configs: each bot's `Config`, by `bot_type`.
        home: the page to which `/docs` leads back; None for none.
    """
    machine, people = OpenApi(), Docs(home)
    app.add_route("/openapi.json", machine)
    app.add_route("/docs", people)
    found = document(app.routes, configs)
    machine.text = dumps(found)
    people.show(found)
