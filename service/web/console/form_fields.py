"""Form fields, made from the JSON schema of a bot's `Config` or of a job's options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.bots.protocol import Bot
from service.web.console.wording.durations import SUFFIX, is_duration, written

LONG_TEXT = 500
"""Texts that may be more than twice this many characters long get several lines."""
_INSTANTS = ("starts_at", "ends_at")
_LEFT_OUT = ("json", "lines", "numbers", "headers", "texts", "text", "long")
"""Kinds of fields that a job leaves out while they are empty, unless it needs them."""
_ABBREVIATIONS = {"url": "URL", "urls": "URLs"}


@dataclass(frozen=True, slots=True)
class Part:
    """One of the texts that each language of a `texts` field has: its name, its name for people, and what it means."""

    name: str
    label: str
    hint: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Args:
        id: The unique id of its input.
        path: Its path in the job, such as `bot_config.limit`, which errors name.
        kind: `check`, `whole`, `number`, `span` (a duration), `text`, `long`, `choice`, `lines` (a list, a line each),
            `numbers` (a list of numbers), `headers` (names and values, a line each), `texts` (texts by their
            language), `instant` or `json`.
        label: Its name for people.
        hint: What it means.
        value: Its text; a bool for `check`; for `texts`, pairs of a language and its texts by name.
        optional: Whether the job leaves the field out while it is empty.
        choices: The values of a `choice`. An optional one may stay empty.
        words: Value of a choice -> its words.
        standard: The text of its default; None without one.
        low: The least number.
        high: The greatest number.
        longest: The most characters.
        parts: The texts that each language of a `texts` has.
        word: A word that may stand in place of a `span`.
    """

    id: str
    path: str
    kind: str
    label: str
    hint: str
    value: Any
    optional: bool
    choices: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    standard: str | None = None
    low: float | None = None
    high: float | None = None
    longest: int | None = None
    parts: tuple[Part, ...] = ()
    word: str | None = None

    @property
    def is_rare(self) -> bool:
        """Whether most people leave it as it is, so that the form folds it away."""
        return self.optional and not self.value and self.kind not in ("headers", "long")


def fields_of(schema: Mapping[str, Any], path: str, values: Mapping[str, Any], form: str) -> list[Field]:
    """Return the fields of an object.

    Args:
        schema: The object's JSON schema.
        path: The object's path in the job.
        values: The object's values. Fields without a value show the schema's default.
        form: The prefix of the fields' ids.
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
    parts = _parts(shape, root, value)
    kind = "texts" if parts else _kind(name, shape)
    return Field(
        id=id,
        path=path,
        kind=kind,
        label=_own_title(name, part) or label_of(name.removesuffix(SUFFIX) if kind == "span" else name),
        hint=str(part.get("description", "")),
        value=_shown(kind, value),
        optional=nullable or (not required and kind in _LEFT_OUT),
        choices=tuple(str(choice) for choice in shape.get("enum", ())),
        standard=None if required else str(_shown(kind, part.get("default"))),
        low=shape.get("minimum"),
        high=shape.get("maximum"),
        longest=shape.get("maxLength"),
        parts=parts,
        word=shape.get("word"),
    )


def _shape(part: Mapping[str, Any], root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return the schema of the values other than null, and whether null is allowed.

    A number that one word may replace is the number's schema with that `word`.
    """
    options = [option for option in part.get("anyOf", [part]) if option.get("type") != "null"]
    words = [option["const"] for option in options if isinstance(option.get("const"), str)]
    if len(options) == 2 and len(words) == 1:
        options = [{**option, "word": words[0]} for option in options if "const" not in option]
    shape = options[0] if len(options) == 1 else {}
    name = str(shape.get("$ref", "")).rpartition("/")[2]
    return (root.get("$defs", {}).get(name, {}) if name else shape), len(options) < len(part.get("anyOf", [part]))


def _parts(shape: Mapping[str, Any], root: Mapping[str, Any], value: Any) -> tuple[Part, ...]:
    """Return the texts of an object of texts by their language; none if it is no such object, or its value is not."""
    inner = shape.get("additionalProperties")
    texts, _ = _shape(inner, root) if isinstance(inner, dict) and "$ref" in inner else ({}, False)
    named = texts.get("properties", {})
    if not named or not all(_shape(one, root)[0].get("type") == "string" for one in named.values()):
        return ()
    if value is not None and not all(isinstance(one, dict) and one.keys() <= named.keys() for one in value.values()):
        return ()
    return tuple(Part(name, label_of(name), str(one.get("description", ""))) for name, one in named.items())


def _kind(name: str, shape: Mapping[str, Any]) -> str:
    if name in _INSTANTS:
        return "instant"
    if "enum" in shape and all(isinstance(choice, str) for choice in shape["enum"]):
        return "choice"
    match shape.get("type"):
        case "boolean":
            return "check"
        case "integer":
            return "span" if is_duration(name) else "whole"
        case "number":
            return "number"
        case "string":
            return "long" if shape.get("maxLength", 0) > 2 * LONG_TEXT and name != "url" else "text"
        case "array" if shape.get("items", {}).get("type") in ("string", "integer"):
            return "lines" if shape["items"]["type"] == "string" else "numbers"
        case "object" if name == "headers" and shape.get("additionalProperties") == {"type": "string"}:
            return "headers"
    return "json"


def _shown(kind: str, value: Any) -> Any:
    if kind == "check":
        return bool(value)
    if value is None:
        return [] if kind == "texts" else ""
    if kind == "json":
        return json.dumps(value, ensure_ascii=False, indent=2) if value else ""
    if kind == "lines":
        return "\n".join(str(item) for item in value)
    if kind == "numbers":
        return ", ".join(str(item) for item in value)
    if kind == "texts":
        return list(value.items())
    if kind == "headers":
        return "\n".join(f"{name}: {text}" for name, text in value.items())
    if kind == "span":
        return value if isinstance(value, str) else written(value)
    return str(value)


def _own_title(name: str, part: Mapping[str, Any]) -> str | None:
    """Return the title that a field was given. Pydantic makes one of the name for all others."""
    title = str(part.get("title", ""))
    return None if title.lower() == name.replace("_", " ").lower() else title


def titles_of(bot: type[Bot] | None) -> dict[str, str]:
    """Return the titles that a bot's `Config` gives its fields, by name. None is a bot that is gone."""
    fields = {} if bot is None else bot.Config.model_fields
    return {name: field.title for name, field in fields.items() if field.title}


def label_of(name: str) -> str:
    """Return the name of a field for people: `max_retries` is `Max retries`."""
    words = [_ABBREVIATIONS.get(word, word) for word in name.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]
