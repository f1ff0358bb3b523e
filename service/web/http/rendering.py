"""Answers in JSON and other types: whole, or streamed piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import suppress
from typing import Any, ParamSpec, Protocol, TypeVar

import falcon
from falcon.asgi import Request, Response

from service.batches import batched
from service.domain.plain_json import dumps
from service.web.http.pools import Admission, Pool
from service.web.http.representation.validators import revalidate

P = ParamSpec("P")
T = TypeVar("T")

LISTS = Admission(32)
"""How many long lists a process makes or sends at once. Each holds some MB while its client reads."""
JOINED = 100
"""Items of a list in one piece."""
SENT_BYTES = 64 * 1024
"""Longer pieces are sent in parts, so that little waits for a slow client."""
WHOLE_BYTES = 2**20
"""Bodies up to this length are made before they are sent, so that they have a length and an entity tag."""


def as_answer(value: Any) -> bytes:
    """Write a value as JSON that ends with a newline, so that a terminal's prompt does not stand behind it."""
    return dumps(value) + b"\n"


def send(resp: Response, value: Any) -> None:
    """Answer with a value as JSON. Bytes are JSON already."""
    resp.data = as_answer(value)
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
    await send_pieces(req, resp, pieces, content_type, pool.go_on, pool)


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
    await send_pieces(req, resp, _pieces(chunks), falcon.MEDIA_JSON, run, LISTS)


async def send_pieces(
    req: Request, resp: Response, pieces: Iterator[bytes], content_type: str, run: Runner, limit: Admission
) -> None:
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
        limit: counts the request until all is sent; a HEAD request, only until it is made.

    Raises:
        Busy: the limit is reached.
    """
    with limit.admitted():
        first, following = await run(_first, pieces)
    resp.content_type = content_type
    if following is None:
        resp.data = first
        revalidate(req, resp)
    else:
        resp.stream = Streamed(_chain(req, first, following, pieces, run), pieces)
        if req.method != "HEAD":
            limit.enter()
            resp.stream.closed = limit.leave


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
        for items in batched(chunk, JOINED):
            yield start + b",".join(items)
            start = b","
    yield b"[]\n" if start == b"[" else b"]\n"


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
    req: Request, first: bytes, following: bytes | None, rest: Iterator[bytes], run: Runner
) -> AsyncIterator[bytes]:
    for piece in (first, following or b""):
        for start in range(0, len(piece), SENT_BYTES):
            if has_gone(req):
                return
            yield piece[start : start + SENT_BYTES]
    while not has_gone(req) and (made := await run(_next, rest)) is not None:
        yield made


def _next(pieces: Iterator[bytes]) -> bytes | None:
    return next(pieces, None)


def has_gone(req: Request) -> bool:
    """Tell whether the client has closed its connection, where the server says so (`service.web.server`)."""
    is_gone: Callable[[], bool] | None = req.scope.get("bot_scheduler.is_gone")
    return is_gone is not None and is_gone()
