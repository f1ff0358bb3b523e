"""Examples of requests and answers: one for each schema, in `examples/*.json`, and one for each media type of texts.

A test holds each to its schema, and sends each request's to the service.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from service.web.api.openapi.building import Schema

_PREFIX = "#/components/schemas/"
Shown = Mapping[str, Any]
"""What a media type says of its examples: nothing, `example`, or `examples`."""


@cache
def examples(file: str) -> Mapping[str, Any]:
    """Return the examples of a file.

    Args:
        file: `requests` and `answers` have them by schema, `parameters` by name, `texts` by media type or, where that
            is not enough, by the operation's name.
    """
    folder = resources.files(__package__).joinpath("examples")
    found: dict[str, Any] = json.loads(folder.joinpath(f"{file}.json").read_text(encoding="utf-8"))
    return found


def of_request(name: str, media: str, schema: Schema) -> Shown:
    """Return what a media type of an operation's request says of its examples."""
    return _shown(name, media, schema, {**examples("answers"), **examples("requests")})


def of_answer(name: str, media: str, schema: Schema) -> Shown:
    """Return what a media type of an operation's answers says of its examples."""
    return _shown(name, media, schema, {**examples("requests"), **examples("answers")})


def _shown(name: str, media: str, schema: Schema, known: Mapping[str, Any]) -> Shown:
    texts = examples("texts")
    for key in (name, media):
        if key in texts:
            return {"example": texts[key]}
    found = dict(_of_schema(schema, known))
    if len(found) > 1:
        return {"examples": {name: {"value": value} for name, value in found.items()}}
    return {"example": next(iter(found.values()))} if found else {}


def _of_schema(schema: Schema, known: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the example of each schema that `schema` is, or is a choice of."""
    name = schema.get("$ref", "").removeprefix(_PREFIX)
    if name in known:
        yield name, known[name]
    elif "items" in schema:
        yield from ((f"ListOf{one}", [value]) for one, value in _of_schema(schema["items"], known))
    for choice in schema.get("anyOf", ()):
        yield from _of_schema(choice, known)
