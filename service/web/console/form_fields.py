"""A form's fields, made from a JSON schema: what a bot's `Config` or a job's options may be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONG_TEXT = 500
"""Characters from which on a text gets more than one line."""
_INSTANTS = ("starts_at", "ends_at")
_ABBREVIATIONS = {"url": "URL", "urls": "URLs"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Args:
        id: of its input, unlike any other's.
        path: where it stands in the job, such as `bot_config.limit`; an error names it by this.
        kind: `check`, `whole`, `number`, `text`, `long`, `choice`, `lines` (a list, a line each), `instant` or `json`.
        value: what it shows, as text; for `check` a truth.
        optional: left out of the job while it is empty.
        choices: for `choice`; without a choice the field is left out, if it is optional.
    """

    id: str
    path: str
    kind: str
    label: str
    hint: str
    value: Any
    optional: bool
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    longest: int | None = None


def fields_of(schema: Mapping[str, Any], path: str, values: Mapping[str, Any], form: str) -> list[Field]:
    """The fields of an object.

    Args:
        schema: the object's JSON schema.
        path: the object's own place in the job.
        values: what it holds; where it holds nothing, the schema's default is shown.
        form: the name of this part of the form.
    """
    required = schema.get("required", ())
    return [
        _field(
            f"{form}-{name}", f"{path}.{name}", part, schema, name in required, values.get(name, part.get("default"))
        )
        for name, part in schema.get("properties", {}).items()
    ]


def _field(id: str, path: str, part: Mapping[str, Any], root: Mapping[str, Any], required: bool, value: Any) -> Field:
    name = path.rpartition(".")[2]
    shape, nullable = _shape(part, root)
    kind = _kind(name, shape)
    return Field(
        id=id,
        path=path,
        kind=kind,
        label=_label(name),
        hint=str(part.get("description", "")),
        value=_shown(kind, value),
        optional=nullable or (not required and kind in ("json", "lines", "text", "long")),
        choices=tuple(str(choice) for choice in shape.get("enum", ())),
        low=shape.get("minimum"),
        high=shape.get("maximum"),
        longest=shape.get("maxLength"),
    )


def _shape(part: Mapping[str, Any], root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """What a value may be beside null, and whether it may be null."""
    options = [option for option in part.get("anyOf", [part]) if option.get("type") != "null"]
    shape = options[0] if len(options) == 1 else {}
    name = str(shape.get("$ref", "")).rpartition("/")[2]
    return (root.get("$defs", {}).get(name, {}) if name else shape), len(options) < len(part.get("anyOf", [part]))


def _kind(name: str, shape: Mapping[str, Any]) -> str:
    if name in _INSTANTS:
        return "instant"
    if "enum" in shape and all(isinstance(choice, str) for choice in shape["enum"]):
        return "choice"
    match shape.get("type"):
        case "boolean":
            return "check"
        case "integer":
            return "whole"
        case "number":
            return "number"
        case "string":
            return "long" if shape.get("maxLength", 0) > 2 * LONG_TEXT and name != "url" else "text"
        case "array" if shape.get("items", {}).get("type") == "string":
            return "lines"
    return "json"


def _shown(kind: str, value: Any) -> Any:
    if kind == "check":
        return bool(value)
    if value is None:
        return ""
    if kind == "json":
        return json.dumps(value, ensure_ascii=False, indent=2) if value else ""
    if kind == "lines":
        return "\n".join(str(item) for item in value)
    return str(value)


def _label(name: str) -> str:
    words = [_ABBREVIATIONS.get(word, word) for word in name.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]
