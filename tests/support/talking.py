"""A client's end of one connection, for what a proper client would not send."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from typing import Any


class Talk:
    """One connection."""

    def __init__(self, port: int, seconds: float = 30.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self.came = b""

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, raw: bytes) -> None:
        """Sends bytes; that the server has closed its side is found when its answer is read."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(raw)

    def end(self) -> None:
        """Ends the client's side."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def until(self, mark: bytes) -> bytes:
        """All that has come, once `mark` is part of it."""
        while mark not in self.came:
            piece = self.socket.recv(65536)
            assert piece, self.came
            self.came += piece
        return self.came

    def rest(self) -> bytes:
        """All that has come once the server has ended its side."""
        while piece := self.socket.recv(65536):
            self.came += piece
        return self.came


def said(port: int, raw: bytes) -> bytes:
    """All that is answered to bytes after which the client ends its side."""
    with Talk(port) as talk:
        talk.say(raw)
        talk.end()
        return talk.rest()


def statuses(answers: bytes) -> list[int]:
    """The status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


def told(answer: bytes) -> dict[str, Any]:
    """The JSON of one answer."""
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found
