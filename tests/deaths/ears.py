"""Ears: a real HTTP server and a real mail server that note when they heard what."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.processes import find_free_port
from tests.support.servers.mail import Post


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that an ear has heard.

    Args:
        at: monotonic seconds.
        by: `http`, `mail`, or of the monitor outside `beat` and `fail`.
        text: the alert's subject, of several alerts in one mail all of that, or the reason of a failure.
    """

    at: float
    by: str
    text: str


class Ears(ThreadingHTTPServer):
    """All that was heard, in order; alerts by HTTP and mail are answered while `open` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.open = threading.Event()
        self.open.set()
        self.mail_port = find_free_port()
        self._mail: Controller | None = None
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def http_url(self) -> str:
        """The Apprise URL of the HTTP server."""
        return f"json://127.0.0.1:{self.server_port}/alert"

    @property
    def mail_url(self) -> str:
        """The Apprise URL of the mail server."""
        return f"mailto://127.0.0.1:{self.mail_port}?from=me@example.org&to=operator@example.org"

    @property
    def beat_url(self) -> str:
        """The address of the monitor outside."""
        return f"http://127.0.0.1:{self.server_port}/beat"

    def note(self, by: str, text: str) -> None:
        """Note what is heard now."""
        self.heard.append(Heard(time.monotonic(), by, text))

    def found(self, by: str, text: str, since: float = 0.0) -> list[Heard]:
        """All that was heard by one of the ears with this text in it."""
        return [one for one in list(self.heard) if one.by == by and text in one.text and one.at >= since]

    def open_mail(self) -> None:
        """Start the mail server."""
        self._mail = Controller(_Mail(self), hostname="127.0.0.1", port=self.mail_port)
        self._mail.start()

    def close_mail(self) -> None:
        """Stop it: connections are refused."""
        if self._mail is not None:
            self._mail.stop()
            self._mail = None


class _Handler(BaseHTTPRequestHandler):
    server: Ears

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path == "/alert":
            self.server.note("http", json.loads(body)["title"])
            self.server.open.wait(120)
        else:
            self.server.note("fail" if path.endswith("/fail") else "beat", body.decode())
        try:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        except OSError:
            pass  # who asked was killed

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class _Mail(Post):
    def __init__(self, ears: Ears) -> None:
        super().__init__()
        self._ears = ears

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        letter = self.messages[-1]
        subject = str(letter["Subject"])
        digest = letter.get_body() if re.fullmatch(r"\d+ alerts", subject) else None
        self._ears.note("mail", f"{subject}\n{digest.get_content()}" if digest else subject)
        await asyncio.to_thread(self._ears.open.wait, 120)
        return answer


@contextmanager
def listening() -> Iterator[Ears]:
    """Ears on free ports of 127.0.0.1."""
    with Ears() as ears:
        threading.Thread(target=ears.serve_forever, args=(0.02,), daemon=True).start()
        ears.open_mail()
        try:
            yield ears
        finally:
            ears.open.set()
            ears.close_mail()
            ears.shutdown()
