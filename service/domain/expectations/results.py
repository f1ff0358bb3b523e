"""Judges the result of a run that has succeeded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from service.domain.expectations.expect import Bounds, Expect

SAID_LIMIT = 300
"""Characters of a sentence about a result."""


def unmet(expect: Expect | None, result: Mapping[str, Any] | None) -> str | None:
    """Say which fields of a result are not as expected; None if all are.

    Texts of the result are not repeated: they may be about persons.

    Args:
        expect: the job's expectations.
        result: the result, without secrets.
    """
    if expect is None or not expect.result:
        return None
    said = [words for name, bounds in expect.result.items() for words in _unmet(name, bounds, result or {})]
    if not said:
        return None
    text = "; ".join(said)
    return text if len(text) <= SAID_LIMIT else f"{text[: SAID_LIMIT - 1]}…"


def _unmet(name: str, bounds: Bounds, result: Mapping[str, Any]) -> Iterator[str]:
    name_shown = name if name.isprintable() else ascii(name)
    if name not in result:
        near = get_close_matches(name, (one for one in result if isinstance(one, str) and one.isidentifier()), 1, 0.8)
        yield f"{name_shown} is missing{f' (the result has {near[0]})' if near else ''}"
        return
    value = result[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if bounds.min is not None and not (is_number and value >= bounds.min):
        yield f"{name_shown} is {_shown(value, is_number)}, at least {bounds.min} expected"
    if bounds.max is not None and not (is_number and value <= bounds.max):
        yield f"{name_shown} is {_shown(value, is_number)}, at most {bounds.max} expected"
    if bounds.equals is not None and not _equals(value, bounds.equals, is_number):
        yield f"{name_shown} is {_shown(value, is_number)}, {bounds.equals!r} expected"


def _equals(value: object, expected: object, is_number: bool) -> bool:
    return value == expected and is_number == isinstance(expected, int | float)


def _shown(value: object, is_number: bool) -> str:
    if is_number:
        return str(value)
    return "another text" if isinstance(value, str) else "no number"
