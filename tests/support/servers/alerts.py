"""A real server that alerts are sent to; it can hang."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class AlertReceiver(ThreadingHTTPServer):
    """Keeps what is posted to it; answers while `open` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.open = threading.Event()
        self.open.set()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def told(self) -> list[tuple[str, str]]:
        """Each alert's path and subject, in order of path and subject."""
        return sorted((path, body["title"]) for path, body in self.received)


class _Handler(BaseHTTPRequestHandler):
    server: AlertReceiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, json.loads(body)))
        self.server.open.wait(60)
        try:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        except OSError:
            pass  # who asked was killed

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def receiving_alerts() -> Iterator[AlertReceiver]:
    """Start one on a free port of 127.0.0.1."""
    with AlertReceiver() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.open.set()
        server.shutdown()
