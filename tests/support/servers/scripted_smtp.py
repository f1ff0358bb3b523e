"""A mail server that answers, or breaks, at each step as a script says, and keeps every line that it gets."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

BREAK = "break"
"""Hang up."""
ANSWERS = {
    "connect": "220 ready",
    "ehlo": "250-here\r\n250 AUTH PLAIN",
    "auth": "235 welcome",
    "mail": "250 ok",
    "rcpt": "250 ok",
    "data": "354 go on",
    "dot": "250 taken",
    "rset": "250 ok",
    "quit": "221 bye",
}
Script = Mapping[str, str]
"""By steps: an answer, or `BREAK`. `text` is the step before the final dot."""


@dataclass
class Heard:
    """One connection: the commands, the recipients that were taken, and the texts with a final dot."""

    commands: list[str] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)

    @property
    def recipients(self) -> list[str]:
        """What stood in RCPT TO, character by character."""
        return [line[len("RCPT TO:<") : -1] for line in self.commands if line.startswith("RCPT TO:<")]


class ScriptedServer:
    """The server. Change `script` between letters as you like."""

    def __init__(self, script: Script) -> None:
        self.script = dict(script)
        self.connections: list[Heard] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The MESSAGE_URL that leads there."""
        return f"mailto://127.0.0.1:{self._listener.getsockname()[1]}?from=me@example.org&to={{email}}"

    @property
    def recipients(self) -> list[str]:
        """All that stood in RCPT TO."""
        return [address for heard in self.connections for address in heard.recipients]

    @property
    def texts(self) -> list[bytes]:
        """All texts that came with their final dot."""
        return [text for heard in self.connections for text in heard.texts]

    def hang_up(self) -> None:
        """Ends the connections that there are."""
        while self._open:
            _shut(self._open.pop())

    def close(self) -> None:
        """Ends all."""
        self._listener.close()
        self.hang_up()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            heard = Heard()
            self.connections.append(heard)
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock, heard), daemon=True).start()

    def _serve(self, sock: socket.socket, heard: Heard) -> None:
        try:
            with sock.makefile("rb") as lines:
                if self._answer(sock, "connect"):
                    self._converse(sock, lines, heard)
        except OSError:
            pass
        finally:
            _shut(sock)

    def _converse(self, sock: socket.socket, lines: Iterator[bytes], heard: Heard) -> None:
        for line in lines:
            command = line.rstrip(b"\r\n").decode("latin-1")
            heard.commands.append(command)
            step = command[:4].lower()
            if not self._answer(sock, step) or step == "quit":
                return
            if (
                step == "data"
                and self.script.get("data", "354").startswith("354")
                and not self._text(sock, lines, heard)
            ):
                return

    def _text(self, sock: socket.socket, lines: Iterator[bytes], heard: Heard) -> bool:
        if self.script.get("text") == BREAK:  # with what it has not read, so that the client hears of it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        text: list[bytes] = []
        for line in lines:
            if line == b".\r\n":
                heard.texts.append(b"".join(text))
                return self._answer(sock, "dot")
            text.append(line.removeprefix(b"."))
        return False

    def _answer(self, sock: socket.socket, step: str) -> bool:
        answer = self.script.get(step, ANSWERS.get(step, "500 what?"))
        if answer == BREAK:
            return False
        sock.sendall(answer.encode() + b"\r\n")
        return True


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()


@contextmanager
def scripted(**script: str) -> Iterator[ScriptedServer]:
    """A running server."""
    server = ScriptedServer(script)
    try:
        yield server
    finally:
        server.close()
