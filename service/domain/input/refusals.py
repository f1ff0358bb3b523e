"""Refusals of input: one readable sentence for each field.

A message is the predicate of a sentence whose subject is the field: `must be a whole number from 0 to 23, not "8"`.
Values are echoed as JSON, cut, and made safe to print.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import orjson

from service.errors import FieldError, ValidationFailed
from service.secrecy.redaction import redacted

ECHO_LIMIT = 60
"""Characters of a refused value that are shown."""
DEPTH_LIMIT = 32
"""Levels of objects and lists within each other that are accepted."""
ERRORS_LIMIT = 20
"""Refused fields that are listed; a count stands for the others."""
COUNT_LIMIT = 1000
"""Refused fields that are counted. Checks end there: a sentence for each field takes time and memory."""

_LONG_NUMBER = re.compile(rb"[0-9]{18}")

Value = TypeVar("Value")


class Refusals:
    """Collects the errors of one input, to report all of them at once."""

    def __init__(self) -> None:
        self._errors: list[FieldError] = []

    def add(self, field: str, message: str) -> None:
        """Refuse one field."""
        if not self.full:
            self._errors.append(FieldError(field, message))

    @property
    def full(self) -> bool:
        """Whether it is full; ask before each further check."""
        return len(self._errors) > COUNT_LIMIT

    def unknown(self, given: Mapping[str, Any], known: Iterable[str], field: str, of_what: str) -> None:
        """Refuse each unknown key, and name the known ones."""
        names = list(known)
        for key in given:
            if self.full:
                return
            if key not in names:
                self.add(joined(field, key_name(key)), f"is not known: {of_what} has {listed(names, 'and')}")

    def attempt(self, parse: Callable[[], Value]) -> Value | None:
        """Return the parsed value; note its refusals and return None if there are any."""
        try:
            return parse()
        except ValidationFailed as refusal:
            self._errors.extend(refusal.errors)
            return None

    def raise_any(self) -> None:
        """Raise all refusals at once, if there are any.

        Raises:
            ValidationFailed: something was refused.
        """
        if not self._errors:
            return
        shown = self._errors[:ERRORS_LIMIT]
        if len(self._errors) > ERRORS_LIMIT:
            more = f"{'at least ' if self.full else ''}{len(self._errors) - ERRORS_LIMIT}"
            shown.append(FieldError("", f"and {more} more fields are invalid"))
        raise ValidationFailed(shown)


def echo(value: object) -> str:
    """Show a refused value so that a person recognises it: JSON, cut at about 60 characters, always printable."""
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
    """Write a key as part of a field's path: as it is where it is short and printable, else its echo."""
    return key if isinstance(key, str) and key.isprintable() and 0 < len(key) <= ECHO_LIMIT else echo(key)


def listed(words: Iterable[str], last: str = "or") -> str:
    """List words as `a, b or c`."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else "nothing"


def require_object(value: object, field: str) -> dict[str, Any]:
    """Return the value itself, if it is a JSON object that can be stored.

    Without a `field`, refusals name the `body`.

    Raises:
        ValidationFailed: it is no object, or holds values beyond JSON (NaN, lone surrogates, keys that are no
            text), whole numbers beyond 64 bits, or more than 32 levels.
    """
    if not isinstance(value, dict):
        raise ValidationFailed.of(field or "body", f"must be a JSON object, not {echo(value)}")
    if not _is_plain(value):
        _require_plain(value, field, 0)
    return value


def _is_plain(value: dict[str, Any]) -> bool:
    """Return whether a fast check finds nothing odd; False asks for a close check.

    A value that comes unchanged through JSON and back holds nothing that JSON cannot carry. Brackets bound the depth.
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
    """Refuse a field, its path cut where deep nesting makes it endless."""
    return ValidationFailed.of(field if len(field) <= 200 else field[:200] + "…", message)


def _is_text(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else True


def joined(field: str, key: str) -> str:
    """Return the path of a key below a field."""
    return f"{field}.{key}" if field else key
