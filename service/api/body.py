"""Request bodies: strictly JSON objects, or a bounded stream of bytes."""

from __future__ import annotations

import io
import json
import math
from typing import IO, Any

import falcon

from service.errors import ValidationFailed

JSON_LIMIT = 1024 * 1024
"""The longest JSON body, in bytes; a longer one is 413."""

MAX_DEPTH = 32
"""How deeply objects and arrays may be nested."""

_PIECE = 64 * 1024
_INTEGER_LIMIT = 2**63


def read_object(req: falcon.Request) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        ValidationFailed: it is empty, malformed, or no object.
        falcon.HTTPContentTooLarge: it is longer than `JSON_LIMIT`.
    """
    body = read_optional_object(req)
    if body is None:
        raise _refused("is empty, but a JSON object is needed")
    return body


def read_optional_object(req: falcon.Request) -> dict[str, Any] | None:
    """The same, where an empty body means None."""
    buffer = io.BytesIO()
    copy(req, buffer, JSON_LIMIT)
    raw = buffer.getvalue()
    if not raw.strip():
        return None
    return parse_object(raw)


def parse_object(raw: bytes) -> dict[str, Any]:
    """Parse one strict JSON object: UTF-8, no NaN, no key twice, no lone surrogates, at most `MAX_DEPTH` deep.

    Raises:
        ValidationFailed: it is anything else; the sentence says what.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(f"is not UTF-8 at byte {error.start}") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_number, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        raise _refused(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(value, dict):
        raise _refused("must be a JSON object")
    _inspect(value)
    return value


def copy(req: falcon.Request, into: IO[bytes], limit: int) -> None:
    """Copy the body, with or without a Content-Length, piece by piece.

    Args:
        into: where to.
        limit: its greatest length, in bytes.

    Raises:
        falcon.HTTPContentTooLarge: it is longer.
        falcon.HTTPBadRequest: it broke off, or its framing is malformed.
    """
    stream = _open(req, limit)
    total = 0
    while piece := _read(stream, min(_PIECE, limit + 1 - total)):
        total += len(piece)
        if total > limit:
            raise _too_large(limit)
        into.write(piece)


def _open(req: falcon.Request, limit: int) -> Any:
    length = req.content_length
    if length is not None:
        if length > limit:
            raise _too_large(limit)
        return req.bounded_stream
    # Without a length the body is chunked, and its end is known only to a server that says so.
    return req.stream if req.env.get("wsgi.input_terminated") else io.BytesIO()


def _read(stream: Any, size: int) -> bytes:
    try:
        return bytes(stream.read(size))
    except Exception as error:  # what a broken-off or malformed body raises is the server's own affair
        raise falcon.HTTPBadRequest(description="The request's body could not be read to its end") from error


def _too_large(limit: int) -> falcon.HTTPError:
    size = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit} bytes"
    return falcon.HTTPContentTooLarge(description=f"The body is longer than {size}, the most that is taken here")


def _refused(message: str) -> ValidationFailed:
    return ValidationFailed.of("body", message)


def _too_deep() -> ValidationFailed:
    return _refused(f"is nested more than {MAX_DEPTH} levels deep")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _refused(f"has the key {json.dumps(key)} twice in one object")
        found[key] = value
    return found


def _constant(name: str) -> Any:
    raise _refused(f"has {name}, which is no JSON number")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _refused("has a number that is out of range")
    return value


def _integer(text: str) -> int:
    if len(text) > 20 or not -_INTEGER_LIMIT <= (value := int(text)) < _INTEGER_LIMIT:
        raise _refused("has a number that is out of range")
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
        raise _refused("has a text with half of a surrogate pair, which is no character") from None
