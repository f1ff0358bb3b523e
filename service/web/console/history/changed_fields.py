"""Differences between two definitions of a job, as people read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from service.secrecy.redaction import redacted_json
from service.web.console.form_fields import label_of

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


def changed_fields(fields: Mapping[str, Mapping[str, Any]]) -> list[ChangedField]:
    """Return the fields of a difference.

    Args:
        fields: path -> `{"from", "to"}`, as `service.usecases.revisions` compares.
    """
    return [
        ChangedField(path, named(path), readable(values["from"]), readable(values["to"]))
        for path, values in fields.items()
    ]


def named(path: str) -> str:
    """Return a field's name for people: `options.max_retries` is `Max retries`."""
    return label_of(path.rpartition(".")[2])


def names(paths: Iterable[str]) -> str:
    """List the names of fields: `Name, Max retries`."""
    return ", ".join(dict.fromkeys(map(named, paths)))


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
