"""What the tests' web servers share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps connections, and writes no log."""

    protocol_version: ClassVar[str] = "HTTP/1.1"  # type: ignore[misc]

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@contextmanager
def serving(handler: type[QuietHandler]) -> Iterator[str]:
    """A real web server on a free port of 127.0.0.1, while it lasts. Gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
