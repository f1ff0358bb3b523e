"""One request and its answer, as the application reads and writes them (ASGI)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from service.web.server.refusals import JSON, detail

if TYPE_CHECKING:
    from service.web.server.connection import Connection

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
JOINED_BYTES = 64 * 1024
"""The longest first part of a body that is sent together with the head; joining copies it."""
_GONE = {"type": "http.disconnect"}


class Cycle(RequestResponseCycle):
    """A request and its answer.

    uvicorn's own cycle writes head and body one after the other, cuts off what the client is still sending, does not
    know that a client may end its side and wait for the answer, and reads on whatever is queued.

    Args:
        connection: where they belong.
        arguments: as uvicorn has them.
    """

    def __init__(self, connection: Connection, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._connection = connection
        self._head = b""
        self._has_told_all = False
        self._is_bodiless = False
        self._left: int | None = None  # bytes of the body by its Content-Length, if it has one
        self.has_ended = False
        """The client has ended its side: nothing more comes, but it may still read."""

    async def receive(self) -> Any:
        """Return the next part of the request's body, or that nothing more will come."""
        if self.waiting_for_100_continue and not self.disconnected:
            self.waiting_for_100_continue = False
            self._connection.write(CONTINUE)
        while not (self.disconnected or self.response_complete):
            if self.body or not (self.more_body or self._has_told_all):
                body, self.body = bytes(self.body), bytearray()
                self._has_told_all = not self.more_body
                return {"type": "http.request", "body": body, "more_body": self.more_body}
            if self.has_ended:
                break
            self._connection.read_on(self)
            await self.message_event.wait()
            self.message_event.clear()
        return _GONE

    def end(self) -> None:
        """Note that nothing more will come."""
        self.has_ended = True
        self.message_event.set()

    def cut(self) -> None:
        """Note that nothing more will come, and that nobody reads the answer."""
        if not self.response_complete:
            self.disconnected = True
        self.message_event.set()

    async def send(self, message: Any) -> None:
        """Send the next part of the answer."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        expected = "http.response.body" if self.response_started else "http.response.start"
        if self.response_complete or message["type"] != expected:
            raise RuntimeError(f"ASGI message {message['type']!r} was sent where {expected!r} was expected")
        if not self.response_started:
            # It is sent together with the first part of the body.
            self._head = self._begin(message["status"], message.get("headers", ()))
            self.response_started = True
            self.waiting_for_100_continue = False
        else:
            self._send_body(message.get("body", b""), message.get("more_body", False))

    def _begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        if self.more_body or self._connection.ends_with(self):
            self.keep_alive = False  # the rest of the body is not waited for
        self._left, self.chunked_encoding = None, False
        lines = [STATUS_LINE[status]]
        for name, value in (*self.default_headers, *headers):
            name = name.lower()
            if name == b"content-length":
                self._left = int(value)
            elif name == b"connection":
                self.keep_alive = self.keep_alive and value.lower() != b"close"
                continue
            lines.append(b"%b: %b\r\n" % (name, value))
        self._is_bodiless = self.scope["method"] == "HEAD" or status in (204, 304)
        if self._left is None and not self._is_bodiless:
            # In HTTP/1.0 the end of the connection ends the body.
            self.chunked_encoding = self.scope["http_version"] != "1.0"
        if self.chunked_encoding:
            lines.append(b"transfer-encoding: chunked\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
            raise RuntimeError("A header of an answer has a line break or a NUL")
        return head

    def _send_body(self, body: bytes, more_body: bool) -> None:
        framed = self._framed(body, more_body)
        head, self._head = self._head, b""
        if head and len(framed) > JOINED_BYTES:
            self._connection.write(head)
            head = b""
        if head or framed:
            self._connection.write(head + framed)
        if not more_body:
            self._complete()

    def _framed(self, body: bytes, more_body: bool) -> bytes:
        if self._is_bodiless:
            return b""
        if self.chunked_encoding:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk if more_body else chunk + b"0\r\n\r\n"
        if self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more_body):
                raise RuntimeError("The answer's body has another length than Content-Length declares")
        return body

    def _complete(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self._connection.leave()
        self.on_response()

    async def send_500_response(self) -> None:
        """Answer for an application that has failed without an answer of its own."""
        body = detail("Internal server error")
        headers = [
            (b"content-type", JSON),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
