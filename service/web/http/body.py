"""Request bodies: strict JSON objects, or a bounded stream of bytes."""

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
"""The longest body where no key is asked for, and of requests that need none, in bytes."""

logger = logging.getLogger(__name__)

_PIECE = 64 * 1024


class NeedlessBodies:
    """Falcon middleware: nobody looks at the body of a request such as GET, so a long one is refused unread."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Refuse it.

        Raises:
            falcon.HTTPContentTooLarge: it is longer than `OPEN_LIMIT`.
        """
        if req.method not in ("POST", "PUT", "PATCH"):
            refuse_longer(req, OPEN_LIMIT)


def read_object(req: falcon.Request) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        ValidationFailed: it is empty, malformed, or no object.
        falcon.HTTPContentTooLarge: it is longer than `JSON_LIMIT`.
    """
    body = read_optional_object(req)
    if body is None:
        raise refused("is empty, but a JSON object is needed")
    return body


def read_optional_object(req: falcon.Request) -> dict[str, Any] | None:
    """The same, where an empty body means None."""
    buffer = io.BytesIO()
    copy(req, buffer, JSON_LIMIT)
    raw = buffer.getvalue()
    if not raw.strip():
        return None
    return parse_object(raw)


@contextmanager
def put_aside(req: falcon.Request, limit: int) -> Iterator[IO[bytes]]:
    """The body as a file, read to its end: one that breaks off, is late or too long does nothing.

    Up to a MiB stays in memory; the rest of longer ones is in a temporary file.

    Args:
        limit: its greatest length, in bytes.

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
        into: where to.
        limit: its greatest length, in bytes.

    Raises:
        falcon.HTTPContentTooLarge: it is longer.
        falcon.HTTPBadRequest: it broke off before its declared length, or its framing is malformed.
        falcon.HTTPError: 408, it did not come in time; 507, there is no room for it.
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
        logger.error("A request's body cannot be put aside: %s", error)
        raise falcon.HTTPError(
            falcon.HTTP_507,
            description="A body of this length cannot be put aside: there is no folder for temporary files that can be "
            "written and has room; set TMPDIR to one where the web process runs",
        ) from error


def refuse_longer(req: falcon.Request, limit: int) -> None:
    """Refuse a body that says that it is longer than `limit` bytes, before any of it is read.

    Raises:
        falcon.HTTPContentTooLarge
    """
    if (req.content_length or 0) > limit:
        raise _too_large(limit)


def _open(req: falcon.Request, limit: int) -> Any:
    refuse_longer(req, limit)
    if req.content_length is not None:
        return req.bounded_stream
    # Without a length the body is chunked, and its end is known only to a server that says so.
    return req.stream if req.env.get("wsgi.input_terminated") else io.BytesIO()


def _read(stream: Any, size: int) -> bytes:
    try:
        return bytes(stream.read(size))
    except BodyLate:
        raise falcon.HTTPError(
            falcon.HTTP_408,
            description="The request's body came too slowly and was given up: all of it has "
            f"{BODY_SECONDS:.0f} s, and a second more for each {BYTES_PER_SECOND // 1024} KiB that have come",
        ) from None
    except Exception as error:  # what a broken-off or malformed body raises is the server's own affair
        raise falcon.HTTPBadRequest(description="The request's body could not be read to its end") from error


def _too_large(limit: int) -> falcon.HTTPError:
    size = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit} bytes"
    return falcon.HTTPContentTooLarge(description=f"The body is longer than {size}, the most that is taken here")
