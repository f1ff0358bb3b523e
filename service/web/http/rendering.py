"""Answers in JSON and other types: whole, or streamed piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import suppress
from typing import Any, ParamSpec, Protocol, TypeVar

import falcon
from falcon.asgi import Request, Response

from service.domain.plain_json import dumps
from service.web.http.pools import Pool
from service.web.http.representation.validators import revalidate

P = ParamSpec("P")
T = TypeVar("T")

WHOLE_BYTES = 2**20
"""Bodies up to this length are made before they are sent, so that they have a length and an entity tag."""


def send(resp: Response, value: Any) -> None:
    """Answer with a value as JSON. Bytes are JSON already."""
    resp.data = dumps(value)
    resp.content_type = falcon.MEDIA_JSON


def preferred(req: Request, types: Sequence[str]) -> str:
    """Return the media type that the request's `Accept` prefers; the first one if it prefers none or is malformed."""
    try:
        return req.client_prefers(types) or types[0]
    except (ValueError, falcon.HTTPError):
        return types[0]


async def send_download(req: Request, resp: Response, pieces: Iterator[bytes], content_type: str, pool: Pool) -> None:
    """Answer with a file of any length, made in a pool's threads. Count the request in the pool until it is sent.

    Args:
        req: the request. A HEAD request is not counted, since nothing is sent.
        resp: its answer.
        pieces: the file.
        content_type: its media type.
        pool: the threads.

    Raises:
        Busy: the pool's queue is full.
    """
    with pool.admitted():
        await send_pieces(req, resp, pieces, content_type, pool.go_on)
    if isinstance(resp.stream, Streamed) and req.method != "HEAD":
        pool.enter()
        resp.stream.closed = pool.leave


class Runner(Protocol):
    """Makes a call: on the event loop (`service.interleaving.interleaved`), or in a pool's threads."""

    def __call__(self, call: Callable[P, T], *args: P.args, **options: P.kwargs) -> Awaitable[T]:
        """Make a call. Return an awaitable of its result."""


async def send_array(req: Request, resp: Response, chunks: Iterator[Sequence[bytes]], run: Runner) -> None:
    """Answer with a JSON array of any length, in bounded memory.

    Args:
        req: the request.
        resp: its answer.
        chunks: the items, JSON, some at a time.
        run: makes the next chunk.
    """
    await send_pieces(req, resp, _pieces(chunks), falcon.MEDIA_JSON, run)


async def send_pieces(req: Request, resp: Response, pieces: Iterator[bytes], content_type: str, run: Runner) -> None:
    """Answer with a body of any length, piece by piece.

    The first pieces are made before anything is sent, so that the answer can still become an error when Redis is away.
    A body of up to `WHOLE_BYTES` is sent whole, with its length and an entity tag, or as 304. A later failure breaks
    the connection off, so that half a list never looks whole.

    Args:
        req: the request.
        resp: its answer.
        pieces: the body.
        content_type: the body's media type.
        run: makes the next piece.
    """
    first, following = await run(_first, pieces)
    resp.content_type = content_type
    if following is None:
        resp.data = first
        revalidate(req, resp)
    else:
        resp.stream = Streamed(_chain(req, first, following, pieces, run), pieces)


def _first(pieces: Iterator[bytes]) -> tuple[bytes, bytes | None]:
    """Join the first pieces. Return them and the next piece, which is None if there are no more."""
    first = bytearray()
    for piece in pieces:
        if first and len(first) + len(piece) > WHOLE_BYTES:
            return bytes(first), piece
        first += piece
    return bytes(first), None


def _pieces(chunks: Iterator[Sequence[bytes]]) -> Iterator[bytes]:
    start = b"["
    for chunk in chunks:
        if chunk:
            yield start + b",".join(chunk)
            start = b","
    yield b"[]" if start == b"[" else b"]"


class Streamed:
    """A streamed body, which Falcon closes when its answer is over, for whatever reason.

    Args:
        body: the body.
        pieces: where it comes from.
    """

    def __init__(self, body: AsyncIterator[bytes], pieces: Iterator[bytes]) -> None:
        self._body = body
        self._pieces = pieces
        self.closed: Callable[[], None] | None = None
        """Called once, when the answer is over."""

    def __aiter__(self) -> Streamed:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._body)

    async def close(self) -> None:
        """End the body; Falcon calls this."""
        if isinstance(self._pieces, Generator):
            with suppress(ValueError):  # a thread still makes a piece that nobody waits for
                self._pieces.close()
        closed, self.closed = self.closed, None
        if closed is not None:
            closed()


async def _chain(
    req: Request, first: bytes, second: bytes | None, rest: Iterator[bytes], run: Runner
) -> AsyncIterator[bytes]:
    yield first
    while second is not None and not has_gone(req):
        yield second
        second = await run(next, rest, None)


def has_gone(req: Request) -> bool:
    """Tell whether the client has closed its connection, where the server says so (`service.web.server`)."""
    is_gone: Callable[[], bool] | None = req.scope.get("bot_scheduler.is_gone")
    return is_gone is not None and is_gone()
