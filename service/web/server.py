"""gunicorn's threaded worker, made patient within limits, with its own error answers in the API's shape."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import selectors
import socket
import threading
import time
from functools import partial
from itertools import takewhile
from typing import Any, ClassVar

from gunicorn import util
from gunicorn.http import errors
from gunicorn.http.body import LengthReader
from gunicorn.workers import base
from gunicorn.workers.gthread import ThreadWorker
from gunicorn.workers.workertmp import WorkerTmp

from service.seldom import Seldom, tell_all
from service.web.answer_clock import LOOK_SECONDS, AnswerLate, PatientSocket
from service.web.body_clock import BODY_SECONDS, TimedSocket
from service.web.http.sse import STOPPING

UNSENT_BYTES = 64 * 1024
"""How much of an answer the kernel buffers for a slow client. More would hide for long whether the client reads."""
LEAVE_SECONDS = 2.0
LEAVE_BYTES = 64 * 1024
"""How long, and for how many more bytes, the server still reads from a client after the last answer of a connection. If
the connection ended at once, the answer might get lost on its way (RFC 9112, section 9.6)."""

LINGER_MS = 2
"""How long a thread stays with a connection that it has answered."""
FREE_THREADS = 2
"""Threads that never stay with a connection, so that a new connection finds one free."""


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

log = logging.getLogger(__name__)


class HostMissing(errors.ParseException):  # type: ignore[misc]
    """A request of HTTP/1.1 without a Host header."""


BAD = (400, "Bad Request")
REFUSALS: tuple[tuple[type[Exception], tuple[int, str], str], ...] = (
    (errors.LimitRequestLine, (414, "URI Too Long"), "The first line of the request is too long"),
    (
        errors.LimitRequestHeaders,
        (431, "Request Header Fields Too Large"),
        "The request has too many headers, or one that is too long",
    ),
    (errors.ExpectationFailed, (417, "Expectation Failed"), "The Expect header may only be 100-continue"),
    (errors.UnsupportedTransferCoding, (501, "Not Implemented"), "The Transfer-Encoding header may only be chunked"),
    (errors.InvalidRequestLine, BAD, "The first line of the request is malformed"),
    (errors.InvalidRequestMethod, BAD, "The method in the first line of the request is malformed"),
    (errors.InvalidHTTPVersion, BAD, "The HTTP version in the first line of the request is not supported"),
    (errors.ObsoleteFolding, BAD, "A header of the request continues on another line; it must be on one line"),
    (errors.InvalidHeaderName, BAD, "The name of a header of the request is malformed"),
    (errors.InvalidHeader, BAD, "A header of the request is malformed"),
    (HostMissing, BAD, "The request has no Host header"),
    (errors.ParseException, BAD, "The request is malformed"),
)
"""The answers to malformed requests: status and sentence. They quote nothing of the request: a header, or what looks
like one, may contain a key, and may be as long as all headers together."""
NAMED = ("CONTENT-LENGTH", "CONTENT-TYPE", "HOST", "TRANSFER-ENCODING")
"""The headers that the answer names when they are malformed or were sent twice."""


def refusal(error: Exception) -> tuple[int, str, str] | None:
    """Choose the answer to a request that could not be read.

    Returns:
        Status, its phrase, a sentence; None if the error is not the client's fault.
    """
    if isinstance(error, errors.InvalidResponseHeader | errors.InvalidResponseHeaderName | errors.ConfigurationProblem):
        return None
    for kind, (status, reason), sentence in REFUSALS:
        if isinstance(error, kind):
            name = getattr(error, "hdr", None)
            if kind is errors.InvalidHeader and name in NAMED:
                sentence = f"The {name.title()} header is malformed, or was sent twice"
            return status, reason, sentence
    return None


def write_error(sock: Any, status: int, reason: str, message: str) -> None:
    """Answer a request that could not be parsed. Replaces `gunicorn.util.write_error`.

    Args:
        sock: the connection.
        status: the HTTP status.
        reason: the status' phrase.
        message: what is wrong; may be empty.
    """
    body = json.dumps({"detail": message or reason}).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1") + body)


class Heartbeat(WorkerTmp):  # type: ignore[misc]
    """The file whose time shows the arbiter that a worker is alive; in memory, so that it needs no folder."""

    def __init__(self, cfg: Any) -> None:
        self._tmp = os.fdopen(os.memfd_create("gunicorn-heartbeat"), "w+b", 0)


def has_more_to_come(req: Any) -> bool:
    """Tell whether some of a request's body has neither been read nor arrived."""
    reader = req.body.reader
    if isinstance(reader, LengthReader):
        return bool(reader.length > len(reader.unreader.buf.getvalue()))
    return reader.parser is not None


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker that answers malformed requests in JSON and gives up clients that stop in the middle or never end.

    It does not read a body that was refused: the connection ends with the answer. Only the poller waits until the
    client closes its side.
    """

    body_seconds: ClassVar[float] = BODY_SECONDS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if hasattr(os, "memfd_create"):  # Linux; elsewhere it is a temporary file
            base.WorkerTmp = Heartbeat
        super().__init__(*arguments, **options)

    def init_process(self) -> None:
        """Begin; gunicorn calls this once in each worker process."""
        util.write_error = write_error
        self._malformed, self._given_up = Seldom(log, logging.WARNING), Seldom(log, logging.INFO)
        self._leaving: dict[Any, int] = {}  # connection -> bytes that it may still send; the oldest first
        self._lingering = threading.BoundedSemaphore(max(1, self.cfg.threads - FREE_THREADS))
        super().init_process()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End streams; gunicorn calls this in a worker process that ends when its requests are done."""
        STOPPING.set()
        super().handle_exit(sig, frame)

    def handle(self, conn: Any) -> Any:
        """Serve a connection that has something to read; gunicorn calls this in a thread.

        After an answer the thread stays with the connection for a moment. That saves a client that asks again at once
        two changes of threads, which cost more than most requests do.

        Returns:
            Whether the connection may be used again.
        """
        while True:
            again = super().handle(conn)
            # gunicorn itself handles bytes beyond one request.
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
        """Answer a request whose head has been read.

        Raises:
            HostMissing: a request of HTTP/1.1 has no Host header.
        """
        if req.version >= (1, 1) and not any(name == "HOST" for name, _ in req.headers):
            raise HostMissing
        sock = conn.sock
        sock.settimeout(LOOK_SECONDS)
        with contextlib.suppress(OSError, AttributeError):  # only some systems have it, and only for TCP
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        # The server asks for a body when it reads it, so that a client that is refused before need not send it.
        welcome, req._expected_100_continue = CONTINUE if req._expected_100_continue else b"", False
        conn.parser.unreader.sock = TimedSocket(sock, self.body_seconds, LOOK_SECONDS, welcome=welcome)
        conn.sock = PatientSocket(sock, lambda: self.tpool._work_queue.qsize() > 0)
        should_close = req.should_close

        def should_close_now() -> bool:
            # gunicorn asks this when the answer begins. The server does not wait for the rest of the body then.
            if has_more_to_come(req):
                req.force_close()
            return bool(should_close())

        req.should_close = should_close_now
        try:
            return super().handle_request(req, conn)
        except AnswerLate:
            self._given_up.note(f"{_address(conn.client)} did not read its answer in time; its connection was closed")
            return False
        finally:
            conn.sock = conn.parser.unreader.sock = sock

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer a request that could not be read; gunicorn also calls this for one that could not be answered."""
        refused = refusal(exc)
        if refused is None:
            super().handle_error(req, client, addr, exc)
            return
        status, _, sentence = refused
        self._malformed.note(f"A malformed request from {_address(addr)} was answered {status}: {sentence}")
        with contextlib.suppress(OSError):
            write_error(client, *refused)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Take a connection back from its thread; gunicorn calls this in the main thread."""
        if fs.cancelled() or fs.exception() is not None or fs.result() is not False:
            super().finish_request(conn, fs)
            return
        # gunicorn would wait for the client here and serve nobody meanwhile.
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._hear_out, conn))
        except (OSError, ValueError, KeyError):
            self._let_go(conn)
            return
        conn.timeout = time.monotonic() + LEAVE_SECONDS
        self._leaving[conn] = LEAVE_BYTES

    def _hear_out(self, conn: Any, sock: socket.socket) -> None:
        try:
            said = sock.recv(LEAVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        self._leaving[conn] -= len(said)
        if not said or self._leaving[conn] <= 0:
            self._end(conn)

    def murder_pending(self) -> None:
        """End what is overdue; gunicorn calls this in every turn of the main loop."""
        super().murder_pending()
        tell_all()
        now = time.monotonic()
        for conn in list(takewhile(lambda conn: conn.timeout <= now, self._leaving)):
            self._end(conn)

    def _end(self, conn: Any) -> None:
        del self._leaving[conn]
        self.poller.unregister(conn.sock)
        self._let_go(conn)

    def _let_go(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()


def _address(client: Any) -> str:
    return str(client[0]) if isinstance(client, tuple) else "this machine"
