"""gunicorn's threaded worker, with the answers that it gives without asking the application made like ours."""

from __future__ import annotations

import json
import select
import threading
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker

from service.api.streams import STOPPING

BODY_SECONDS = 30.0
"""A client that sends nothing of its body, or takes nothing of its answer, for this long is given up."""

LINGER_MS = 2
"""For how long a thread stays with a connection that it has answered."""
FREE_THREADS = 2
"""Threads that never stay with one, so that a new connection finds one free."""


def write_error(sock: Any, status: int, reason: str, message: str) -> None:
    """Answer a request that could not even be parsed; takes the place of `gunicorn.util.write_error`.

    Args:
        reason: the status' phrase.
        message: what was wrong; may be empty, and may quote what came in.
    """
    body = json.dumps({"detail": message or reason}).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1") + body)


class Worker(ThreadWorker):  # type: ignore[misc]
    """Answers malformed requests in JSON, and gives up on clients that stop in the middle."""

    def init_process(self) -> None:
        """Called once in each worker process."""
        util.write_error = write_error
        self._lingering = threading.BoundedSemaphore(max(1, self.cfg.threads - FREE_THREADS))
        super().init_process()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Called in each worker process that is to end when its requests are done: those that would not end do."""
        STOPPING.set()
        super().handle_exit(sig, frame)

    def handle(self, conn: Any) -> Any:
        """Called in a thread for each connection with something to read; answers whether it may be used again.

        A connection that was answered is looked at for a moment longer by the same thread: a client that asks again
        at once is spared two changes of threads, which cost more than most requests do.
        """
        while True:
            again = super().handle(conn)
            # More bytes than one request's are gunicorn's own affair.
            if again is not True or conn.is_http2 or conn.parser.unreader.buf.getvalue() or not self._asks_again(conn):
                return again

    def _asks_again(self, conn: Any) -> bool:
        if not self.alive or self.tpool._work_queue.qsize() or not self._lingering.acquire(blocking=False):
            return False
        try:
            ready = select.poll()
            ready.register(conn.sock, select.POLLIN)
            return bool(ready.poll(LINGER_MS))
        except (OSError, ValueError):
            return False
        finally:
            self._lingering.release()

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Called for each request whose head has been read."""
        conn.sock.settimeout(BODY_SECONDS)
        return super().handle_request(req, conn)
