"""Differences between two definitions of a job, as people read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from service.secrecy.redaction import redacted_json
from service.web.console.form_fields import label_of
from service.web.console.wording.durations import is_duration, written
from service.web.console.wording.option_words import LABELS

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class ChangedField:
    """One field that differs.

    Args:
        path: its path in the definition, such as `options.max_retries`.
        label: its name for people, as in the form.
        before: its former value as text, without secrets.
        after: its later value, likewise.
    """

    path: str
    label: str
    before: str
    after: str


def changed_fields(fields: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]) -> list[ChangedField]:
    """Return the fields of a difference.

    Args:
        fields: path -> `{"from", "to"}`, as `service.usecases.revisions` compares.
        titles: the bot's own words for its settings, by their names.
    """
    return [
        ChangedField(path, named(path, titles), *(_said(path, values[side]) for side in ("from", "to")))
        for path, values in fields.items()
    ]


def _said(path: str, value: Any) -> str:
    is_span = path.startswith("options.") and is_duration(path) and value is not None
    return written(value) if is_span else readable(value)


def named(path: str, titles: Mapping[str, str]) -> str:
    """Return a field's name for people: `options.max_retries` is `Try again after a failure`."""
    part, _, name = path.rpartition(".")
    words = {"options": LABELS, "bot_config": titles}.get(part, {})
    return words.get(name) or label_of(name)


def names(paths: Iterable[str], titles: Mapping[str, str]) -> str:
    """List the names of fields: `Name, Give up after`."""
    return ", ".join(dict.fromkeys(named(path, titles) for path in paths))


def readable(value: Any) -> str:
    """Return a value as text: nothing as a dash, lists of texts line by line, all else that is not text as JSON."""
    clean = redacted_json(value)
    if clean in (None, "", [], {}):
        return NOTHING
    match clean:
        case bool():
            return "yes" if clean else "no"
        case str():
            return clean
        case list() if all(isinstance(item, str) for item in clean):
            return "\n".join(clean)
    return json.dumps(clean, ensure_ascii=False, indent=2)
