"""Request bodies: strict JSON objects, or bounded streams of bytes."""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

import falcon

from service.domain.input.strict_json import parse_object, refused
from service.web.body_clock import BODY_SECONDS, BYTES_PER_SECOND, BodyLate

JSON_LIMIT = 1024 * 1024
"""The longest JSON body, in bytes; a longer one is 413."""
OPEN_LIMIT = 1024
"""The longest body of open routes, and of requests that need no body, in bytes."""

logger = logging.getLogger(__name__)

_PIECE = 64 * 1024


class NeedlessBodies:
    """Falcon middleware: a request such as GET needs no body, so a long one is refused unread."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Refuse a long body.

        Raises:
            falcon.HTTPContentTooLarge: the body is longer than `OPEN_LIMIT`.
        """
        if req.method not in ("POST", "PUT", "PATCH"):
            refuse_longer(req, OPEN_LIMIT)


def read_object(req: falcon.Request) -> dict[str, Any]:
    """Read the body as a JSON object.

    Raises:
        ValidationFailed: the body is empty, malformed, or not an object.
        falcon.HTTPContentTooLarge: the body is longer than `JSON_LIMIT`.
    """
    body = read_optional_object(req)
    if body is None:
        raise refused("is empty; a JSON object is required")
    return body


def read_optional_object(req: falcon.Request) -> dict[str, Any] | None:
    """Read the body as a JSON object; None for an empty body. Raises as `read_object` does."""
    buffer = io.BytesIO()
    copy(req, buffer, JSON_LIMIT)
    raw = buffer.getvalue()
    if not raw.strip():
        return None
    return parse_object(raw)


@contextmanager
def put_aside(req: falcon.Request, limit: int) -> Iterator[IO[bytes]]:
    """Read the body to its end into a file. A body that breaks off, is late or is too long has no effect.

    A body of up to 1 MiB stays in memory, a longer one goes to a temporary file.

    Args:
        req: the request.
        limit: the longest body, in bytes.

    Raises:
        falcon.HTTPError: as `copy`.
    """
    with tempfile.SpooledTemporaryFile(max_size=JSON_LIMIT) as spooled:
        file = cast(IO[bytes], spooled)
        copy(req, file, limit)
        file.seek(0)
        yield file


def copy(req: falcon.Request, into: IO[bytes], limit: int) -> None:
    """Copy the body, with or without a Content-Length, piece by piece.

    Args:
        req: the request.
        into: the file to write to.
        limit: the longest body, in bytes.

    Raises:
        falcon.HTTPContentTooLarge: the body is longer.
        falcon.HTTPBadRequest: the body broke off before its declared length, or its framing is malformed.
        falcon.HTTPError: 408 if the body did not come in time; 507 if there is no room for it.
    """
    stream = _open(req, limit)
    total = 0
    while piece := _read(stream, min(_PIECE, limit + 1 - total)):
        total += len(piece)
        if total > limit:
            raise _too_large(limit)
        _write(into, piece)
    if total < (req.content_length or 0):  # the server takes the end of the connection for the end of the body
        raise falcon.HTTPBadRequest(
            description=f"The request's body broke off after {total} of the {req.content_length} bytes that its "
            "Content-Length declares; nothing was done"
        )


def _write(into: IO[bytes], piece: bytes) -> None:
    try:
        into.write(piece)
    except OSError as error:
        logger.error("A request's body cannot be stored: %s", error)
        raise falcon.HTTPError(
            falcon.HTTP_507,
            description="A body of this length cannot be stored: no writable temporary folder has enough space; "
            "set TMPDIR of the web process to one that has",
        ) from error


def refuse_longer(req: falcon.Request, limit: int) -> None:
    """Refuse a body with a declared length above `limit` bytes, before any of it is read.

    Raises:
        falcon.HTTPContentTooLarge: the declared length is above `limit`.
    """
    if (req.content_length or 0) > limit:
        raise _too_large(limit)


def _open(req: falcon.Request, limit: int) -> Any:
    refuse_longer(req, limit)
    if req.content_length is not None:
        return req.bounded_stream
    # Without a length the body is chunked. Only a server that says so knows where it ends.
    return req.stream if req.env.get("wsgi.input_terminated") else io.BytesIO()


def _read(stream: Any, size: int) -> bytes:
    try:
        return bytes(stream.read(size))
    except BodyLate:
        raise falcon.HTTPError(
            falcon.HTTP_408,
            description="The request's body came too slowly; the limit is "
            f"{BODY_SECONDS:.0f} s, plus one second for each {BYTES_PER_SECOND // 1024} KiB received",
        ) from None
    except Exception as error:  # each server has its own errors for a broken-off or malformed body
        raise falcon.HTTPBadRequest(description="The request's body could not be read completely") from error


def _too_large(limit: int) -> falcon.HTTPError:
    size = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit} bytes"
    return falcon.HTTPContentTooLarge(description=f"The body is longer than {size}, the limit here")
