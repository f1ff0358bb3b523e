"""Compress answers for clients that ask for it.

An answer that mixes secrets with text of an attacker's choice can give the secrets away by its compressed length
(BREACH). For that, the attacker's page must make the victim's browser ask. The session's cookie is `SameSite=Strict`,
so requests from other sites never carry it. Requests from another host of the same site may: browsers mark them in
`Sec-Fetch-Site`, and their answers are not compressed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

import falcon
from falcon.asgi import Request, Response

from service.web.http.pools import Busy, Pool
from service.web.http.representation.codings import IDENTITY, Compressor, acceptable, choose, compressed, compressor

ACCEPT_ENCODING = "Accept-Encoding"
INLINE_BYTES = 64 * 1024
"""Longer bodies are compressed in a thread. This much takes the event loop less than 2 ms, whatever the text."""
FLUSHED_BYTES = 64 * 1024
"""How much of a streamed body the compressor may hold back."""
THREADS, WAITING = 2, 20
"""Threads that compress long bodies, and bodies that may wait for one. Others are sent as they are."""

_TYPES = ("application/json", "application/yaml", "application/openmetrics-text", "image/svg+xml", "text/")
_EVENTS = "text/event-stream"
_ELSEWHERE = ("cross-site", "same-site")
_BODY_UNCHANGED = 304


class Compression:
    """Falcon middleware that compresses. Its place is before all others, so that it sees their answers last."""

    def __init__(self) -> None:
        self._pool = Pool("compress", THREADS, WAITING)

    async def process_response(self, req: Request, resp: Response, resource: object, succeeded: bool) -> None:
        """Compress the answer if that is possible and asked for. Tell caches that it depends on the request."""
        kind = resp.content_type or (falcon.MEDIA_JSON if resp.media is not None else None)
        if kind is None:
            if resp.status_code == _BODY_UNCHANGED and resp.get_header("Vary") is None:
                resp.set_header("Vary", ACCEPT_ENCODING)
            return
        if not is_compressible(kind) or resp.get_header("Content-Encoding") is not None:
            return
        vary = resp.get_header("Vary")
        resp.set_header("Vary", ACCEPT_ENCODING if vary is None else f"{vary}, {ACCEPT_ENCODING}")
        asked = req.get_header(ACCEPT_ENCODING)
        if asked is not None and req.get_header("Sec-Fetch-Site") not in _ELSEWHERE:
            await self._compress(resp, asked)

    async def _compress(self, resp: Response, asked: str) -> None:
        if resp.stream is not None:
            coding = acceptable(asked)[0]
            if coding != IDENTITY:
                resp.stream = Compressed(resp.stream, compressor(coding), self._pool)
                resp.set_header("Content-Encoding", coding)
            return
        body = await resp.render_body()
        coding = IDENTITY if body is None else choose(asked, len(body))
        if body is None or coding == IDENTITY:
            return
        try:
            resp.data = await self._compressed(body, coding)
        except Busy:
            return
        resp.text = None
        resp.set_header("Content-Encoding", coding)

    async def _compressed(self, body: bytes, coding: str) -> bytes:
        if len(body) <= INLINE_BYTES:
            return compressed(body, coding)
        return await self._pool.run(compressed, body, coding)


@lru_cache(maxsize=64)
def is_compressible(content_type: str) -> bool:
    """Tell whether content of this type is text that waits for nobody."""
    return content_type.startswith(_TYPES) and not content_type.startswith(_EVENTS)


class Compressed:
    """A streamed body that is compressed piece by piece. Falcon closes it when its answer is over.

    Args:
        stream: the body.
        compressor: compresses it.
        pool: the threads for long pieces.
    """

    def __init__(self, stream: Any, compressor: Compressor, pool: Pool) -> None:
        self._stream = stream
        self._compressor = compressor
        self._pool = pool
        self._held = 0
        self._parts = self._compress()

    def __aiter__(self) -> Compressed:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._parts)

    async def _compress(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            inline = len(piece) <= INLINE_BYTES
            ready = self._take(piece) if inline else await self._pool.go_on(self._take, piece)
            if ready:
                yield ready
        yield self._compressor.finish()

    def _take(self, piece: bytes) -> bytes:
        ready = self._compressor.process(piece)
        self._held += len(piece)
        if self._held < FLUSHED_BYTES:
            return ready
        self._held = 0
        return ready + self._compressor.flush()

    async def close(self) -> None:
        """End the body, whether or not all of it was sent; Falcon calls this."""
        if hasattr(self._stream, "close"):
            await self._stream.close()
