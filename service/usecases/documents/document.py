"""Documents of definitions in YAML or JSON, read strictly, and written so that they compare well.

The YAML is a subset that means the same to every reader: one document of mappings, lists and scalars. Anchors, aliases,
tags, directives and duplicate keys are refused. Scalars that look like a JSON number, true, false or null are such
values; all others, dates, `yes` and `08:30` included, are text.

libyaml parses it event by event, so that the nesting and the number of values are checked before any value is made.
Where PyYAML was built without libyaml, its own parser reads short documents alone: it is a hundred times slower.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import yaml

from service.domain.input.refusals import echo
from service.domain.input.strict_json import MAX_DEPTH, MAX_VALUES, integer, number, refused, too_many
from service.domain.plain_json import dumps

VERSION = 1
"""The version of a document's format."""
NO_SECTIONS: Mapping[str, Sequence[dict[str, Any]]] = MappingProxyType({})
CHUNK_BYTES = 64 * 1024
"""A document goes out in pieces of about this many bytes."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SLOW_LIMIT = 128 * 1024
"""The longest document, in bytes, that PyYAML's own parser may read."""
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
"""Directives. libyaml compares each with all earlier ones, which is slow. No line within a mapping begins like this."""
_NULL = re.compile(r"|~|null")
_BOOLEAN = re.compile(r"true|false")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def parse_yaml(raw: bytes) -> dict[str, Any]:
    """Parse one strict YAML document, a mapping, at most `MAX_DEPTH` deep and of at most `MAX_VALUES` values.

    Raises:
        ValidationFailed: the document is anything else; the message says what is wrong, and where.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refused(f"is not UTF-8 at byte {error.start}") from None
    if not _is_fast() and len(raw) > SLOW_LIMIT:
        raise refused(f"is longer than {SLOW_LIMIT:,} bytes, the limit without libyaml; send JSON")
    directive = _DIRECTIVE.search(text)
    if directive is not None:
        line = text.count("\n", 0, directive.start()) + 1
        raise refused(f"has a directive, which is not allowed here (line {line}, column 1)")
    try:
        value = _Builder(yaml.parse(text, Loader=_Loader)).document()
    except yaml.MarkedYAMLError as error:
        problem = " ".join(str(error.problem or error.context or "it cannot be read").split())
        raise refused(f"is not YAML: {problem}{_at(error.problem_mark or error.context_mark)}") from None
    except yaml.YAMLError as error:
        raise refused(f"is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(value, dict):
        raise refused("must be a YAML mapping")
    return value


def _is_fast() -> bool:
    return _Loader is not yaml.SafeLoader


class _Builder:
    """Builds a value from a parser's events as they come, so that it refuses a document before it reads more."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._values = 0

    def document(self) -> Any:
        """Build the document.

        Raises:
            ValidationFailed: the document is empty or invalid.
        """
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                break
        else:
            raise refused("is empty; a document is required")
        value = self._value(next(self._events), 1)
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise refused(f"has more than one document{_at(event.start_mark)}")
        return value

    def _value(self, event: Any, depth: int) -> Any:
        self._count()
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise refused(f"has an anchor or alias, which is not allowed here{_at(event.start_mark)}")
        if event.tag is not None:
            raise refused(f"has a tag, which is not allowed here{_at(event.start_mark)}")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event.value) if event.implicit[0] else event.value
        if depth > MAX_DEPTH:
            raise refused(f"is nested more than {MAX_DEPTH} levels deep")
        return self._mapping(depth) if isinstance(event, yaml.MappingStartEvent) else self._list(depth)

    def _count(self) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise too_many()

    def _list(self, depth: int) -> list[Any]:
        found = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, depth + 1))
        return found

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.tag is not None or event.anchor is not None:
                raise refused(f"has a key that is not plain text{_at(event.start_mark)}")
            self._count()
            if event.value in found:
                raise refused(f"has the key {echo(event.value)} twice{_at(event.start_mark)}")
            found[event.value] = self._value(next(self._events), depth + 1)
        return found


def _scalar(text: str) -> Any:
    """Return the value of an unquoted scalar."""
    if _NULL.fullmatch(text):
        return None
    if _BOOLEAN.fullmatch(text):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return integer(text)
    return number(text) if _FLOAT.fullmatch(text) else text


def _at(mark: Any) -> str:
    return "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Dumper that quotes every text that a reader could take for another type."""


for _pattern in (_NULL, _BOOLEAN, _INTEGER, _FLOAT):
    _Dumper.add_implicit_resolver("ambiguous", re.compile(f"(?:{_pattern.pattern})$"), None)


def yaml_pieces(
    version: int, jobs: Iterable[dict[str, Any]], sections: Mapping[str, Sequence[dict[str, Any]]] = NO_SECTIONS
) -> Iterator[bytes]:
    """Write a document of jobs as YAML, piece by piece; other lists come first, unless they are empty."""
    piece = bytearray(f"version: {version}\n".encode())
    for name, entries in sections.items():
        piece += written_yaml({name: list(entries)}) if entries else b""
    piece += b"jobs:"
    empty = True
    for job in jobs:
        piece += b"\n" if empty else b""
        empty = False
        piece += written_yaml([job])
        if len(piece) >= CHUNK_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece) + (b" []\n" if empty else b"")


def written_yaml(value: object) -> bytes:
    """Write a value as YAML that `parse_yaml` reads the same."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)
    return text.encode("utf-8", "backslashreplace")


def json_pieces(
    version: int, jobs: Iterable[dict[str, Any]], sections: Mapping[str, Sequence[dict[str, Any]]] = NO_SECTIONS
) -> Iterator[bytes]:
    """Write a document of jobs as JSON, one job a line, piece by piece; other lists come first, unless empty."""
    piece = bytearray(f'{{"version": {version}, '.encode())
    for name, entries in sections.items():
        piece += b'"%b": %b,\n' % (name.encode(), dumps(list(entries))) if entries else b""
    piece += b'"jobs": ['
    separator = b"\n"
    for job in jobs:
        piece += separator + dumps(job)
        separator = b",\n"
        if len(piece) >= CHUNK_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece) + b"]}\n"
