"""Answers in JSON and other types: whole, or streamed piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import falcon

from service.domain.plain_json import dumps

CHUNK_BYTES = 64 * 1024
"""A streamed list goes out in pieces of about this many bytes."""


def send(resp: falcon.Response, value: Any) -> None:
    """Answer with a value as JSON. Bytes are JSON already."""
    resp.data = dumps(value)
    resp.content_type = falcon.MEDIA_JSON


def preferred(req: falcon.Request, types: Sequence[str]) -> str:
    """Return the media type that the request's `Accept` prefers; the first one if it prefers none or is malformed."""
    try:
        return req.client_prefers(types) or types[0]
    except (ValueError, falcon.HTTPError):
        return types[0]


def send_array(resp: falcon.Response, chunks: Iterator[Sequence[bytes]]) -> None:
    """Answer with a JSON array of any length, in bounded memory. Its items are JSON and come some at a time."""
    send_pieces(resp, _pieces(chunks), falcon.MEDIA_JSON)


def send_pieces(resp: falcon.Response, pieces: Iterator[bytes], content_type: str) -> None:
    """Answer with a body of any length, piece by piece.

    The first pieces are made before anything is sent, so that the answer can still become an error when Redis is away.
    A short body is sent whole, with its length. A later failure breaks the connection off, so that half a list never
    looks whole.

    Args:
        resp: the answer.
        pieces: the body.
        content_type: the body's media type.
    """
    first = b"".join(islice(pieces, 2))
    third = next(pieces, None)
    if third is None:
        resp.data = first
    else:
        resp.stream = _chain(first, third, pieces)
    resp.content_type = content_type


def _pieces(chunks: Iterator[Sequence[bytes]]) -> Iterator[bytes]:
    start = b"["
    for chunk in chunks:
        if chunk:
            yield start + b",".join(chunk)
            start = b","
    yield b"[]" if start == b"[" else b"]"


def _chain(first: bytes, second: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield second
    yield from rest
