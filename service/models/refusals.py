"""How input is refused: one readable sentence a field.

A message is the predicate of a sentence whose subject is the field: `must be a whole number from 0 to 23, not "8"`.
Values are echoed as JSON, cut, and made safe to print.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from service.errors import FieldError, ValidationFailed
from service.redaction import redacted

ECHO_LIMIT = 60
"""Characters of a refused value that are shown."""
DEPTH_LIMIT = 32
"""Levels of objects and lists within each other."""
ERRORS_LIMIT = 20
"""Refused fields that are listed; the rest is counted."""

_FORMATS = {"date": "a date (YYYY-MM-DD)", "date-time": "a timestamp", "uri": "a URL", "email": "an e-mail address"}

_LONG_NUMBER = re.compile(rb"[0-9]{18}")

Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")


class Refusals:
    """Collects what is wrong with one input, so that all of it is said at once."""

    def __init__(self) -> None:
        self._errors: list[FieldError] = []

    def add(self, field: str, message: str) -> None:
        """Refuse one field."""
        self._errors.append(FieldError(field, message))

    def unknown(self, given: Mapping[str, Any], known: Iterable[str], field: str, of_what: str) -> None:
        """Refuse each key that is not known, naming those that are."""
        names = list(known)
        for key in given:
            if key not in names:
                self.add(joined(field, key_name(key)), f"is not known: {of_what} has {listed(names, 'and')}")

    def attempt(self, parse: Callable[[], Value]) -> Value | None:
        """The parsed value, or None once its refusals are noted."""
        try:
            return parse()
        except ValidationFailed as refusal:
            self._errors.extend(refusal.errors)
            return None

    def raise_any(self) -> None:
        """Raises:
        ValidationFailed: if anything was refused.
        """
        if not self._errors:
            return
        shown = self._errors[:ERRORS_LIMIT]
        if len(self._errors) > ERRORS_LIMIT:
            shown.append(FieldError("", f"and {len(self._errors) - ERRORS_LIMIT} more fields are refused"))
        raise ValidationFailed(shown)


def echo(value: object) -> str:
    """A refused value as a person would recognise it: JSON, cut at about 60 characters, always printable."""
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() < 190 else "a number of more than 57 digits"
    if isinstance(value, float):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return f"a value of type {type(value).__name__}"


def _quoted(text: str) -> str:
    text = redacted(text)  # before it is cut, so that no half of a secret is left
    shown = text[:ECHO_LIMIT]
    quoted = json.dumps(shown, ensure_ascii=not shown.isprintable())
    return quoted if len(text) <= ECHO_LIMIT else quoted[:-1] + '…"'


def key_name(key: object) -> str:
    """A key as part of a field's path: itself where it is short and printable, else its echo."""
    return key if isinstance(key, str) and key.isprintable() and 0 < len(key) <= ECHO_LIMIT else echo(key)


def listed(words: Iterable[str], last: str = "or") -> str:
    """`a, b or c`."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else "nothing"


def require_object(value: object, field: str) -> dict[str, Any]:
    """The value itself, if it is a JSON object that can be stored as it is. Without a `field` it is the `body`.

    Raises:
        ValidationFailed: it is no object, or holds what JSON cannot carry (NaN, lone surrogates, keys that are no
            text), whole numbers beyond 64 bits, or more than 32 levels.
    """
    if not isinstance(value, dict):
        raise ValidationFailed.of(field or "body", f"must be a JSON object, not {echo(value)}")
    if not _is_plain(value):
        _require_plain(value, field, 0)
    return value


def _is_plain(value: dict[str, Any]) -> bool:
    """Whether a fast look shows nothing odd; False to look closely.

    What came unchanged through JSON and back holds nothing that JSON cannot carry. Brackets bound the depth.
    """
    try:
        text = orjson.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    if text.count(b"{") + text.count(b"[") > DEPTH_LIMIT or _LONG_NUMBER.search(text):
        return False
    return bool(orjson.loads(text) == value)


def _require_plain(value: object, field: str, depth: int) -> None:
    if depth > DEPTH_LIMIT:
        raise _refused(field, f"must not hold more than {DEPTH_LIMIT} levels of objects and lists")
    if isinstance(value, dict):
        for key, item in value.items():
            path = joined(field, key_name(key))
            if not isinstance(key, str) or not _is_text(key):
                raise _refused(path, "must have a key that is plain text")
            _require_plain(item, path, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _require_plain(item, f"{field}[{index}]", depth + 1)
    else:
        _require_scalar(value, field)


def _require_scalar(value: object, field: str) -> None:
    if isinstance(value, str):
        if not _is_text(value):
            raise _refused(field, f"must be valid Unicode text, not {echo(value)}")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _refused(field, f"must be a number that JSON knows, not {echo(value)}")
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise _refused(field, f"must be a number that fits in 64 bits, not {echo(value)}")
    elif value is not None:
        raise _refused(field, f"must be plain JSON, not {echo(value)}")


def _refused(field: str, message: str) -> ValidationFailed:
    """A refusal whose path is cut where deep nesting makes it endless."""
    return ValidationFailed.of(field if len(field) <= 200 else field[:200] + "…", message)


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else True


def joined(field: str, key: str) -> str:
    """The path of a key below a field."""
    return f"{field}.{key}" if field else key


def validated(model: type[Model], value: object, field: str) -> Model:
    """An instance of a pydantic model, strictly: no coercion, no unknown keys, whatever the model itself allows.

    Args:
        model: what the value must be.
        value: any object, best fresh from a JSON parser.
        field: its path, the start of every refused field's path.

    Raises:
        ValidationFailed: with one readable sentence for each refused field.
    """
    given = require_object(value, field)
    try:
        return model.model_validate_json(orjson.dumps(given), strict=True, extra="forbid")
    except ValidationError as error:
        raise _translated(error, model, given, field) from None
    except ValidationFailed:
        raise
    except Exception as error:  # a plug-in's own validator may raise anything; bad input must never be a crash
        raise ValidationFailed.of(field, f"cannot be checked: {type(error).__name__}") from error


def _translated(error: ValidationError, model: type[BaseModel], given: dict[str, Any], field: str) -> ValidationFailed:
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
    """The schema of what stands under a key of an object, or of an object or null."""
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
    return f"must be {expected}, not {echo(value)}"


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
    """What a JSON schema asks for, in words (`a whole number from 1 to 365`); None where it does not say."""
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
            return "a list" + (f" of at most {schema['maxItems']}" if "maxItems" in schema else "")
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


def _text(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if "pattern" in schema:
        return f"text of the form {schema['pattern']}"
    if high is not None:
        return f"text of {low} to {high} characters" if low else f"text of at most {high} characters"
    return f"text of at least {low} character{'s' if low > 1 else ''}" if low else "text"
