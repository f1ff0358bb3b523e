"""What hostile web servers say, byte by byte, and how much of it was taken in."""

from __future__ import annotations

import functools
import gzip
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

MOST = 64 * 2**20
"""Bytes after which an endless answer ends, so that a client without bounds ends too."""


class Endless:
    """Says `head`, then `piece` again and again until nobody listens. `said` counts the bytes."""

    def __init__(self, head: bytes, piece: bytes) -> None:
        self._head = head
        self._piece = piece * max(1, 2**14 // len(piece))
        self.said = 0

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        self.said = 0
        try:
            handler.wfile.write(self._head)
            while self.said < MOST:
                handler.wfile.write(self._piece)
                self.said += len(self._piece)
        except OSError:
            pass


def saying(raw: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer in just these bytes, after which the server hangs up."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(raw)
        except OSError:
            pass

    return answer


@functools.cache
def bomb(layers: int, size: int = 256 * 2**20) -> bytes:
    """So many bytes, made small by so many layers of gzip."""
    packed = gzip.compress(bytes(size), compresslevel=1 if layers == 1 else 9)
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


@contextmanager
def taking_at_most(size: int) -> Iterator[None]:
    """Fails if more memory than that is allocated at any moment."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size, f"{peak / 2**20:.0f} MiB"
