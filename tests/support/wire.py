"""A client that sends requests over a raw socket, byte by byte as they are written."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BATCH = 40
"""Requests that are sent before the first answer is read."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LOCATION = re.compile(rb"\r\nlocation: *([^\r]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `location` is empty without a redirect."""

    status: int
    head: bytes
    body: bytes

    @property
    def location(self) -> str:
        """Where it leads."""
        found = _LOCATION.search(self.head)
        return "" if found is None else found[1].decode("latin-1")


class Wire:
    """A client that writes requests as they are and keeps its connection as long as the server does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._buffer = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def ask(self, method: str, target: str, headers: str = "", body: bytes = b"") -> Answer:
        """One request."""
        return self.ask_all([request(method, target, headers, body)])[0]

    def ask_all(self, requests: Sequence[bytes]) -> list[Answer]:
        """Each request's answer, in order. Where the server closes after one, the next goes on a new connection."""
        answers: list[Answer] = []
        while len(answers) < len(requests):
            start = len(answers)
            batch = requests[start : start + BATCH]
            self._send(b"".join(batch))
            for raw in batch:
                answer = self._read(raw.startswith(b"HEAD "))
                if answer is None:
                    break
                answers.append(answer)
            assert len(answers) > start, f"no answer to {batch[0]!r}"
        return answers

    def _send(self, raw: bytes) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), 30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket.sendall(raw)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered and closed; what it said can still be read

    def _read(self, bodiless: bool) -> Answer | None:
        head = self._until(b"\r\n\r\n")
        if head is None:
            self._close()
            return None
        status = int(head[9:12])
        length = _LENGTH.search(head)
        if bodiless or status in (204, 304):
            body = b""
        elif length is not None:
            body = self._take(int(length[1]))
        elif b"chunked" in head.lower():
            body = b"".join(self._chunks())
        else:
            body = self._rest()
        if b"connection: close" in head.lower():
            self._close()
        return Answer(status, head, body)

    def _until(self, mark: bytes) -> bytes | None:
        while mark not in self._buffer:
            if not self._more():
                return None
        found, _, self._buffer = self._buffer.partition(mark)
        return found + mark

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size and self._more():
            pass
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._until(b"\r\n") or b"0", 16):
            yield self._take(size)
            self._until(b"\r\n")
        self._until(b"\r\n")

    def _rest(self) -> bytes:
        while self._more():
            pass
        found, self._buffer = self._buffer, b""
        return found

    def _more(self) -> bool:
        try:
            piece = b"" if self._socket is None else self._socket.recv(262144)
        except ConnectionResetError:
            piece = b""
        self._buffer += piece
        return bool(piece)

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._buffer = None, b""


def request(method: str, target: str, headers: str = "", body: bytes = b"") -> bytes:
    """The bytes of a program's request; whatever stands in `target` is sent as it is."""
    length = f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n" if body else ""
    return (
        f"{method} {target} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n{headers}{length}\r\n".encode("latin-1")
        + body
    )
