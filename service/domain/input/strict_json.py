"""Strict reader of JSON objects: it refuses every text that two readers could read differently."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

from service.errors import ValidationFailed

MAX_DEPTH = 32
"""How deeply objects and arrays may be nested."""
MAX_VALUES = 500_000
"""Most values and keys of one body or document: each takes time and memory, many times its own length."""

_INTEGER_LIMIT = 2**63
_TOO_MANY = re.compile(
    rb'(?:(?:[^",:\[{]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]\s*+[\]}])*+[,:\[{]){%d}+' % MAX_VALUES, re.DOTALL
)
"""One of four marks stands before each value and key but the first; so many marks as there may be values mean one value
too many. Marks within texts do not count. The pattern never backtracks, so that it reads no input twice, and keeps
nothing."""
_LONG_NUMBER = re.compile(rb"[0-9]{18}")


def parse_object(raw: bytes) -> dict[str, Any]:
    """Parse one strict JSON object: UTF-8, no NaN, no key twice, no lone surrogates, at most `MAX_DEPTH` deep.

    Raises:
        ValidationFailed: it is anything else; the sentence says what.
    """
    if len(raw) > MAX_VALUES and _TOO_MANY.match(raw):
        raise too_many()
    value = _plain(raw)
    return _parsed(raw) if value is None else value


def _plain(raw: bytes) -> dict[str, Any] | None:
    """Parse the object fast, if that cannot miss anything; None to check it closely."""
    if b"\\" in raw or raw.count(b"{") + raw.count(b"[") > MAX_DEPTH or _LONG_NUMBER.search(raw):
        return None
    try:
        value = orjson.loads(raw)
    except ValueError:
        return None
    # Of two equal keys, the parser keeps the second. Without escapes each text has two quotes, so that a dropped key
    # shows in their number.
    if not isinstance(value, dict) or orjson.dumps(value).count(b'"') != raw.count(b'"'):
        return None
    return value


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refused(f"is not UTF-8 at byte {error.start}") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_pairs, parse_constant=_constant, parse_float=number, parse_int=integer
        )
    except json.JSONDecodeError as error:
        raise refused(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(value, dict):
        raise refused("must be a JSON object")
    _inspect(value)
    return value


def refused(message: str) -> ValidationFailed:
    """Refuse a body."""
    return ValidationFailed.of("body", message)


def too_many() -> ValidationFailed:
    """Refuse a body that would be too much work."""
    return refused(f"has more than {MAX_VALUES:,} values; send it in several parts")


def out_of_range() -> ValidationFailed:
    """Refuse a number that does not fit in 64 bits."""
    return refused("has a number that is out of range")


def _too_deep() -> ValidationFailed:
    return refused(f"is nested more than {MAX_DEPTH} levels deep")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise refused(f"has the key {json.dumps(key)} twice in one object")
        found[key] = value
    return found


def _constant(name: str) -> Any:
    raise refused(f"has {name}, which is no JSON number")


def number(text: str) -> float:
    """Parse a JSON number with a fraction or an exponent. Raises ValidationFailed if it is out of range."""
    value = float(text)
    if math.isinf(value):
        raise out_of_range()
    return value


def integer(text: str) -> int:
    """Parse a whole JSON number. Raises ValidationFailed if it does not fit in 64 bits."""
    if len(text) > 20 or not -_INTEGER_LIMIT <= (value := int(text)) < _INTEGER_LIMIT:
        raise out_of_range()
    return value


def _inspect(root: dict[str, Any]) -> None:
    """Refuse lone surrogates and too deep nesting anywhere in `root`."""
    remaining: list[tuple[Any, int]] = [(root, 1)]
    while remaining:
        value, depth = remaining.pop()
        if isinstance(value, str):
            if not value.isascii():
                _check_text(value)
        elif isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise _too_deep()
            children = [*value, *value.values()] if isinstance(value, dict) else value
            remaining.extend((child, depth + 1) for child in children)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise refused("has a text with half of a surrogate pair, which is no character") from None
