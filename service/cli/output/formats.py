"""How one command shows its result: as a table, or as data for programs (`-o`, `--json`, `-q`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from service.cli.output.escaping import clean_json, line


class Format(StrEnum):
    """The formats of `--output`."""

    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Manner:
    """What the person asked for.

    Args:
        format: None is the table or the fields that fit the terminal.
        quiet: Whether ids alone are wanted, without notes.
    """

    format: Format | None = None
    quiet: bool = False

    @property
    def is_data(self) -> bool:
        """Whether the answer itself is wanted, not a table of it."""
        return self.quiet or self.format not in (None, Format.WIDE)


_USUAL = Manner()
_MANNER: ContextVar[Manner] = ContextVar("manner", default=_USUAL)
_NAMES = ("name", "id", "run_id", "backfill_id", "job_id", "check", "date", "at", "revision", "status", "sentence")
_IDS = ("id", "run_id", "backfill_id", "job_id", *_NAMES)
_LISTS = ("items", "changes", "findings", "results", "days")
"""Fields of an answer that is a list and something about it."""


def manner() -> Manner:
    """Return what the person asked for in this command."""
    return _MANNER.get()


@contextmanager
def shown_as(wanted: Manner) -> Iterator[None]:
    """Show all results in this manner."""
    token = _MANNER.set(wanted)
    try:
        yield
    finally:
        _MANNER.reset(token)


def show_data(value: Any) -> None:
    """Print an answer of the API as one document, or line by line the names or ids that are in it."""
    wanted = manner()
    if wanted.format is Format.YAML:
        from service.usecases.documents.document import written_yaml  # here, because the domain takes a while to load

        sys.stdout.write(written_yaml(value).decode())
    elif wanted.format is Format.NAME or (wanted.quiet and wanted.format is None):
        fields = _NAMES if wanted.format is Format.NAME else _IDS
        for item in _items(value):
            sys.stdout.write(f"{line(_first(item, fields))}\n")
    else:
        sys.stdout.write(_json(value, indent=2) + "\n")


def show_json_line(value: Any) -> None:
    """Print one JSON document on one line, without delay: for streams."""
    sys.stdout.write(_json(value) + "\n")
    sys.stdout.flush()


def _json(value: Any, indent: int | None = None) -> str:
    """Write JSON; on a terminal so that no text in it controls the terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return clean_json(text) if sys.stdout.isatty() else text


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    listed = next((value[name] for name in _LISTS if isinstance(value.get(name), list)), None)
    return [value] if listed is None else listed


def _first(item: Any, fields: tuple[str, ...]) -> object:
    if not isinstance(item, Mapping):
        return item
    found = next((item[name] for name in fields if item.get(name) is not None), None)
    if found is None:  # a group of things, such as contacts that may be one person
        inner = next((value for value in item.values() if isinstance(value, list) and value), [])
        return " ".join(str(_first(one, fields)) for one in inner)
    return found
