"""One connection of a client: which requests it brings, in which order they are answered, and when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import struct
from typing import Any, ClassVar

from service.seldom import Seldom
from service.web.server.cycle import Cycle
from service.web.server.parsing import Parsing
from service.web.server.patience import Patience
from service.web.server.refusals import FULL, LATE_HEAD, Refused, answer
from service.web.stopping import STOPPING

HEAD_SECONDS = 10.0
"""A head must have come this long after its first byte, or the first one of a connection after it was accepted."""
PIECE_BYTES = 64 * 1024
"""How much is read from a client at once."""
PARSED_BYTES = 4 * 1024
"""How much of it is parsed at once. What follows a request waits unparsed, which takes less memory."""
UNSENT_BYTES = 64 * 1024
"""How much of an answer waits for a client before the application has to wait too."""
LEAVE_SECONDS = 2.0
LEAVE_BYTES = 64 * 1024
"""How long, and for how many more bytes, the server still reads from a client after the last answer of a connection. If
the connection ended at once, the answer might get lost on its way (RFC 9112, section 9.6)."""
REFUSED_CONNECTIONS = 256
"""How many connections beyond the limit are told so; those beyond are ended without a word."""

IS_GONE = "bot_scheduler.is_gone"
"""The name in a request's scope of a function that tells whether the client has hung up."""

log = logging.getLogger(__name__)
_NO_LINGER = struct.pack("ii", 1, 0)
_malformed = Seldom(log, logging.WARNING)
_given_up = Seldom(log, logging.INFO)
_full = Seldom(log, logging.WARNING)


class Connection(Parsing):
    """A connection that holds a client to its deadlines and answers malformed requests in JSON.

    The parser and the interface to the server are uvicorn's.
    """

    limit: ClassVar[int] = 4096
    """The most connections of a process; the worker sets it."""
    head_seconds: ClassVar[float] = HEAD_SECONDS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._running: Cycle | None = None
        self._unparsed = b""
        self._last_words = b""  # the answer to a malformed request that follows others
        self._is_idle = False
        self._has_ended = False
        self._leaving_bytes: int | None = None
        self._due = math.inf
        self._written = 0
        self._patience = Patience()

    # What asyncio calls

    def connection_made(self, transport: Any) -> None:
        """Begin, or refuse the connection because there are too many."""
        super().connection_made(transport)
        transport.max_size = PIECE_BYTES
        transport.set_write_buffer_limits(high=UNSENT_BYTES)
        self._due = self.loop.time() + self.head_seconds
        beyond = len(self.connections) - self.limit
        if beyond > 0:
            _full.note(f"{self.limit:,} clients are connected (LIMIT_CONNECTIONS); one more was refused")
            if beyond > REFUSED_CONNECTIONS:
                self._drop()
            else:
                self._say_last(answer(FULL))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all requests of this connection that nobody reads their answers."""
        for cycle in self._cycles():
            cycle.cut()
        self._unparsed = b""
        self.pipeline.clear()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Note that the client has ended its side. Return whether answers are still due."""
        if self._leaving_bytes is not None or self._running is None:
            return False
        self._has_ended = True
        for cycle in self._cycles():
            cycle.end()
        return True

    def data_received(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._leaving_bytes is not None:
            self._leaving_bytes -= len(data)
            if self._leaving_bytes <= 0:
                self.transport.close()
            return
        self._unparsed += data
        self._parse()

    def begin(self, method: bytes, version: str, asks_for_continue: bool) -> None:
        """Start the application, or queue the request behind earlier ones."""
        self.scope[IS_GONE] = self.is_gone  # type: ignore[literal-required]
        self.cycle = cycle = Cycle(
            self,
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=asks_for_continue,
            keep_alive=version == "1.1" and method != b"CONNECT" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        cycle.has_ended = self._has_ended
        if self._running is None:
            self._run(cycle)
        else:
            self.pipeline.appendleft((cycle, self.app))

    # What the cycle calls

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._written += len(data)
        self.transport.write(data)

    def read_on(self, cycle: Cycle) -> None:
        """Read more, for a request that waits for its body or for the client's end."""
        if cycle is self.cycle and not self._unparsed:
            self.flow.resume_reading()

    def ends_with(self, cycle: Cycle) -> bool:
        """Tell whether the answer to a request is the last one, whatever the request says."""
        is_latest = cycle is self.cycle and not (self._unparsed or self.head_bytes or self._last_words)
        return is_latest and (self._has_ended or STOPPING.is_set())

    def is_gone(self) -> bool:
        """Tell whether the connection has closed; the application calls this.

        A client that has only ended its side still reads: it must get its answer whole.
        """
        return bool(self.transport.is_closing())

    def leave(self) -> None:
        """End this side once everything is sent, and hear the client out."""
        self._leaving_bytes, self._due = LEAVE_BYTES, self.loop.time() + LEAVE_SECONDS
        self._unparsed = b""
        self.pipeline.clear()
        if self._has_ended or self.transport.is_closing():
            self.transport.close()
            return
        with contextlib.suppress(OSError):  # the client has gone
            self.transport.write_eof()
        self.flow.resume_reading()

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        self._running = None
        if self._leaving_bytes is not None or self.transport.is_closing():
            return
        if self.pipeline:
            cycle, _ = self.pipeline.pop()
            self._run(cycle)
        else:
            self._rest()
        self._parse()

    # What the worker calls

    def shutdown(self) -> None:
        """Begin to stop: end the connection if it is idle. Otherwise its next answer is the last one."""
        if self._running is None and not self.head_bytes and self._leaving_bytes is None:
            self.leave()

    def look(self, now: float) -> None:
        """End what is overdue.

        Args:
            now: the loop's time.
        """
        waiting = self.transport.get_write_buffer_size()
        if self._patience.is_over(now, self._written, waiting):
            _given_up.note(f"{self._address()} did not read its answer in time; its connection was closed")
            self._drop()
        elif waiting and self._leaving_bytes is not None:
            self._due = now + LEAVE_SECONDS
        elif now >= self._due:
            self._end_overdue()

    def _end_overdue(self) -> None:
        if self.head_bytes and self._leaving_bytes is None:
            self._refuse(LATE_HEAD)
        else:
            self.transport.close()

    def _drop(self) -> None:
        """End both sides at once. The kernel would keep what the client has not read for minutes otherwise."""
        with contextlib.suppress(OSError):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def _cycles(self) -> list[Cycle]:
        queued = [cycle for cycle, _ in self.pipeline]
        return [cycle for cycle in (self._running, *queued) if isinstance(cycle, Cycle)]

    def _run(self, cycle: Any) -> None:
        self._running, self._due, self._is_idle = cycle, math.inf, False
        self._start_asgi_task(cycle, self.app)

    def _rest(self) -> None:
        """Wait for the next request, if there may be one."""
        if self._last_words:
            self._say_last(self._last_words)
        elif self._has_ended or (STOPPING.is_set() and not self.head_bytes):
            self.leave()
        elif self.head_bytes:
            self._due = self.loop.time() + self.head_seconds
        else:
            self._due, self._is_idle = self.loop.time() + self.timeout_keep_alive, True
            self.flow.resume_reading()

    def _parse(self) -> None:
        while self._unparsed and not self.pipeline and not self._last_words and self._leaving_bytes is None:
            piece, self._unparsed = self._unparsed[:PARSED_BYTES], self._unparsed[PARSED_BYTES:]
            if self._is_idle:
                self._due, self._is_idle = self.loop.time() + self.head_seconds, False
            try:
                self._unparsed = self.feed(piece) + self._unparsed
            except Refused as refused:
                self._refuse(refused)
        if self._unparsed:
            self.flow.pause_reading()

    def _refuse(self, refused: Refused) -> None:
        """Answer a malformed request, after all earlier ones. Nothing behind it is read."""
        _malformed.note(f"A request from {self._address()} was answered {refused.status}: {refused.sentence}")
        self._unparsed = b""
        if not self.is_in_body:
            self._say_in_turn(answer(refused))
        elif self.cycle is not self._running:
            self.pipeline.popleft()
            self._say_in_turn(answer(refused))
        elif self.cycle.response_started:
            self._running.end()
        else:
            self._running.cut()
            self._say_last(answer(refused))

    def _say_in_turn(self, words: bytes) -> None:
        if self._running is None:
            self._say_last(words)
        else:
            self._last_words = words

    def _say_last(self, words: bytes) -> None:
        self._last_words = b""
        self.write(words)
        self.leave()

    def _address(self) -> str:
        return self.client[0] if self.client else "this machine"
