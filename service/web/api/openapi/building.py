"""Building blocks of JSON schemas: the types that occur again and again, and the ways to combine them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]
_VALUES = ("enum", "const", "default", "example", "examples")
"""Keywords whose values are no schemas."""

UUID: Schema = {"type": "string", "format": "uuid"}
TIMESTAMP: Schema = {
    "type": "string",
    "format": "date-time-local",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$",
    "description": "UTC, YYYY-MM-DDTHH:MM:SS.",
}
"""`date-time-local` is a date and a time without an offset (OpenAPI's Format Registry): `date-time` demands one."""
DAY: Schema = {"type": "string", "format": "date"}
TIME_SENT: Schema = {
    "type": "string",
    "description": 'A timestamp such as "2025-01-15T08:00:00", "…Z" or "…+01:00"; without an offset it is UTC.',
}
COUNT: Schema = {"type": "integer", "format": "int64", "minimum": 0}
"""Of 64 bits: clients in languages that have shorter ones would overflow at durations in milliseconds."""
TEXT: Schema = {"type": "string"}
BYTES: Schema = {"type": "string", "format": "binary"}
BOOLEAN: Schema = {"type": "boolean"}
JSON_OBJECT: Schema = {"type": "object"}


def ref(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def or_null(schema: Schema) -> Schema:
    """Return the schema that also takes null."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def record(properties: Mapping[str, Schema], required: Iterable[str] | None = None, **more: Any) -> Schema:
    """Return the schema of an object.

    Args:
        properties: the schemas of its properties, by name.
        required: the properties that are always there; all of them by default.
        more: other keywords of the schema.
    """
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
        **more,
    }


_TYPES: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", type(None): "null"}


def explicit(schema: Any) -> Any:
    """Say what JSON Schema may leave out and generators of clients need, here and in all that is within.

    The values of `enum` and `const` get their type. An object without named properties says that it takes any, since
    TypeScript would have one that is always empty.
    """
    if isinstance(schema, list):
        return [explicit(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _within(key, value) for key, value in schema.items()}
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if values and "type" not in schema:
        kinds = list(dict.fromkeys(_TYPES[type(value)] for value in values))
        found = {"type": kinds[0] if len(kinds) == 1 else kinds, **found}
    if "object" in schema.get("type", ()) and not {"properties", "additionalProperties"} & schema.keys():
        found["additionalProperties"] = True
    return found


def _within(keyword: str, value: Any) -> Any:
    if keyword == "properties":
        return {name: explicit(one) for name, one in value.items()}
    return value if keyword in _VALUES else explicit(value)
