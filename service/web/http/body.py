"""Request bodies: strict JSON objects, or bounded files."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Any, cast

import falcon
from falcon.asgi import Request, Response

from service.domain.input.strict_json import parse_object, refused
from service.web.http.incoming import BODY_SECONDS, BYTES_PER_SECOND, BodyBrokenOff, BodyLate
from service.web.http.pools import Pool

JSON_LIMIT = 1024 * 1024
"""The longest JSON body, in bytes; a longer one is 413."""
OPEN_LIMIT = 1024
"""The longest body of open routes, and of requests that need no body, in bytes."""

INLINE_BYTES = 16 * 1024
"""A longer JSON body is parsed in a thread, one at a time: it takes the event loop too long, and much memory."""
_LONG = Pool("body", threads=1, waiting=50)

logger = logging.getLogger(__name__)

_PIECE = 64 * 1024


class NeedlessBodies:
    """Falcon middleware: a request such as GET needs no body, so a long one is refused unread."""

    async def process_request(self, req: Request, resp: Response) -> None:
        """Refuse a long body.

        Raises:
            falcon.HTTPContentTooLarge: the body is longer than `OPEN_LIMIT`.
        """
        if req.method not in ("POST", "PUT", "PATCH"):
            refuse_longer(req, OPEN_LIMIT)


async def read_object(req: Request) -> dict[str, Any]:
    """Read the body as a JSON object.

    Raises:
        ValidationFailed: the body is empty, malformed, or not an object.
        falcon.HTTPContentTooLarge: the body is longer than `JSON_LIMIT`.
    """
    body = await read_optional_object(req)
    if body is None:
        raise refused("is empty; a JSON object is required")
    return body


async def read_optional_object(req: Request) -> dict[str, Any] | None:
    """Read the body as a JSON object; None for an empty body. Raises as `read_object` does."""
    raw = await read(req, JSON_LIMIT)
    if not raw.strip():
        return None
    return parse_object(raw) if len(raw) <= INLINE_BYTES else await _LONG.run(parse_object, raw)


async def read(req: Request, limit: int) -> bytes:
    """Read the body into memory.

    Args:
        req: the request.
        limit: the longest body, in bytes.

    Raises:
        falcon.HTTPError: as `pieces`.
    """
    return b"".join([piece async for piece in pieces(req, limit)])


@asynccontextmanager
async def put_aside(req: Request, limit: int, pool: Pool) -> AsyncIterator[IO[bytes]]:
    """Read the body to its end into a file. A body that breaks off, is late or is too long has no effect.

    A body of up to 1 MiB stays in memory, a longer one goes to a temporary file.

    Args:
        req: the request.
        limit: the longest body, in bytes.
        pool: the threads that write the file.

    Raises:
        falcon.HTTPError: as `pieces`; 507 if there is no room for it.
    """
    with tempfile.SpooledTemporaryFile(max_size=JSON_LIMIT) as spooled:
        file, total = cast(IO[bytes], spooled), 0
        async for piece in pieces(req, limit):
            total += len(piece)
            if total <= JSON_LIMIT:
                file.write(piece)
            else:
                await pool.go_on(_write, file, piece)
        file.seek(0)
        yield file


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


async def pieces(req: Request, limit: int) -> AsyncIterator[bytes]:
    """Read the body, with or without a Content-Length, piece by piece.

    Args:
        req: the request.
        limit: the longest body, in bytes.

    Raises:
        falcon.HTTPContentTooLarge: the body is longer.
        falcon.HTTPBadRequest: the body broke off before its declared length.
        falcon.HTTPError: 408 if the body did not come in time.
    """
    refuse_longer(req, limit)
    total = 0
    while piece := await _next(req, min(_PIECE, limit + 1 - total)):
        total += len(piece)
        if total > limit:
            raise _too_large(limit)
        yield piece


async def _next(req: Request, size: int) -> bytes:
    try:
        return bytes(await req.stream.read(size))
    except BodyLate:
        raise falcon.HTTPError(
            falcon.HTTP_408,
            description="The request's body came too slowly; the limit is "
            f"{BODY_SECONDS:.0f} s, plus one second for each {BYTES_PER_SECOND // 1024} KiB received",
        ) from None
    except BodyBrokenOff as error:
        if req.content_length is None:
            raise falcon.HTTPBadRequest(description="The request's body could not be read completely") from None
        raise falcon.HTTPBadRequest(
            description=f"The request's body broke off after {error.received} of the {req.content_length} bytes that "
            "its Content-Length declares; nothing was done"
        ) from None


def refuse_longer(req: Request, limit: int) -> None:
    """Refuse a body with a declared length above `limit` bytes, before any of it is read.

    Raises:
        falcon.HTTPContentTooLarge: the declared length is above `limit`.
    """
    if (req.content_length or 0) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> falcon.HTTPError:
    size = f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit} bytes"
    return falcon.HTTPContentTooLarge(description=f"The body is longer than {size}, the limit here")
