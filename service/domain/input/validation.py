"""Strict checks of input by pydantic models, with the refusals of `service.domain.input.refusals`.

The model's JSON schema gives the words for what a field may be: `must be a whole number from 0 to 23, not "8"`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from service.domain.input.refusals import COUNT_LIMIT, Refusals, echo, joined, key_name, listed, require_object
from service.errors import ValidationFailed

VALUES_LIMIT = 50_000
"""Most keys and values of one object that a model checks: each can be a mistake, which takes a kilobyte to note."""
_FORMATS = {"date": "a date (YYYY-MM-DD)", "date-time": "a timestamp", "uri": "a URL", "email": "an e-mail address"}

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], value: object, field: str) -> Model:
    """Make an instance of a pydantic model, strictly: no coercion, no unknown keys, whatever the model itself allows.

    Args:
        model: the form that the value must have.
        value: any object, best fresh from a JSON parser.
        field: its path, the start of every refused field's path.

    Raises:
        ValidationFailed: with one readable sentence for each refused field.
    """
    if _holds_more(value, VALUES_LIMIT):
        raise ValidationFailed.of(field, f"must not hold more than {VALUES_LIMIT:,} values")
    given = require_object(value, field)
    try:
        return model.model_validate_json(orjson.dumps(given), strict=True, extra="forbid")
    except ValidationError as error:
        raise _translated(error, model, given, field) from None
    except ValidationFailed:
        raise
    except Exception as error:  # a plug-in's own validator may raise anything; bad input must never be a crash
        raise ValidationFailed.of(field, f"cannot be checked: {type(error).__name__}") from error


def _holds_more(value: object, limit: int) -> bool:
    remaining: list[Any] = [value]
    while remaining and limit >= 0:
        one = remaining.pop()
        if isinstance(one, dict):
            limit -= 2 * len(one)
            remaining.extend(one.values())
        elif isinstance(one, list):
            limit -= len(one)
            remaining.extend(one)
    return limit < 0


def _translated(error: ValidationError, model: type[BaseModel], given: dict[str, Any], field: str) -> ValidationFailed:
    if error.error_count() > COUNT_LIMIT:
        return ValidationFailed.of(field, f"has {error.error_count():,} errors, too many to list")
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        path, message = _sentence(dict(detail), _schema(model), given, field)
        found.setdefault(path, message)
    refusals = Refusals()
    for path, message in found.items():
        refusals.add(path, message)
    try:
        refusals.raise_any()
    except ValidationFailed as refusal:
        return refusal
    return ValidationFailed.of(field, "is not valid")


def _sentence(detail: dict[str, Any], root: dict[str, Any], given: Any, field: str) -> tuple[str, str]:
    kind, path, schema, value = detail["type"], field, root, given
    for part in detail["loc"]:
        if isinstance(part, int) and isinstance(value, list) and part < len(value):
            path, value = f"{path}[{part}]", value[part]
            schema = _resolved(schema.get("items", {}), root)
        elif isinstance(part, str) and isinstance(value, dict) and (part in value or kind == "missing"):
            if kind == "extra_forbidden" and not _below(schema, part):
                known = listed(schema.get("properties", {}), "and")
                return joined(path, key_name(part)), f"is not known: {path or 'it'} has {known}"
            path, value = joined(path, key_name(part)), value.get(part)
            schema = _resolved(_below(schema, part), root)
    return path, _predicate(kind, detail, schema, root, value)


def _below(schema: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the schema of the value under a key of an object, or of an object or null."""
    for objects in (schema, *schema.get("anyOf", [])):
        found = objects.get("properties", {}).get(key, objects.get("additionalProperties"))
        if isinstance(found, dict):
            return found
    return {}


def _predicate(kind: str, detail: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], value: Any) -> str:
    expected = expectation(schema, root)
    if kind == "missing":
        return f"is required: {expected}" if expected else "is required"
    if kind in ("value_error", "assertion_error"):
        text = str(detail.get("ctx", {}).get("error", detail["msg"]))
        return text if text.startswith(("must ", "is ", "cannot ", "has ", "may ")) else f"is refused: {text}"
    if expected is None:
        return f"is refused: {detail['msg']}"
    wrong_length = kind in ("too_short", "too_long") and isinstance(value, list)
    return f"must be {expected}, not {_measured(len(value)) if wrong_length else echo(value)}"


def _measured(length: int) -> str:
    return f"a list of {length} item{'s' if length > 1 else ''}" if length else "an empty list"


@lru_cache(maxsize=256)
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    for _ in range(8):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if not name:
            break
        schema = root.get("$defs", {}).get(name, {})
    if "anyOf" in schema:
        solid = [item for item in schema["anyOf"] if item.get("type") != "null"]
        if len(solid) == 1 and "$ref" in solid[0]:
            return _resolved(solid[0], root)
    return schema


def expectation(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str | None:
    """Put into words what a JSON schema asks for (`a whole number from 1 to 365`); None where it does not say."""
    if "$ref" in schema:
        return expectation(_resolved(dict(schema), dict(root)), root)
    if "anyOf" in schema:
        parts = [expectation(item, root) for item in schema["anyOf"]]
        return listed(dict.fromkeys(part for part in parts if part)) if all(parts) else None
    if "enum" in schema or "const" in schema:
        return listed(echo(item) for item in schema.get("enum", [schema.get("const")]))
    match schema.get("type"):
        case "boolean":
            return "true or false"
        case "integer":
            return "a whole number" + _span(schema)
        case "number":
            return "a number" + _span(schema)
        case "string":
            return _text(schema)
        case "array":
            return "a list" + _length(schema)
        case "object":
            return "an object"
        case "null":
            return "null"
    return None


def _span(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']}"
    return f" of at most {high}" if high is not None else ""


def _length(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minItems", 0), schema.get("maxItems")
    if high is not None:
        return f" of {low} to {high} items" if low else f" of at most {high} items"
    return f" of at least {low} item{'s' if low > 1 else ''}" if low else ""


def _text(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if "pattern" in schema:
        return f"text of the form {schema['pattern']}"
    if high is not None:
        return f"text of {low} to {high} characters" if low else f"text of at most {high} characters"
    return f"text of at least {low} character{'s' if low > 1 else ''}" if low else "text"
