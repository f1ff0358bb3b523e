"""Real web servers for the visitor's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

from service.bots.visitor.bot import VisitorBot
from tests.support.servers.http import QuietHandler, serving

Answer = tuple[int, dict[str, str], bytes]


def html(text: str, title: str = "A page") -> Answer:
    """A page that says `text`."""
    body = f"<html><head><title>{title}</title></head><body>{text}</body></html>".encode()
    return 200, {"Content-Type": "text/html"}, body


@dataclass
class Site:
    """A web server: what it answers, and what it was asked."""

    address: str = ""
    answers: dict[str, Answer | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """The pages that were asked for, robots.txt left out."""
        return [path for path, _ in self.asked if path != "/robots.txt"]


@contextmanager
def web_site() -> Iterator[Site]:
    """A running web server without a robots.txt."""
    served = Site()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            served.asked.append((self.path, dict(self.headers)))
            answer = served.answers.get(self.path, (404, {}, b""))
            if callable(answer):
                return answer(self)
            status, headers, body = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):  # whoever asked may have heard enough
                self.wfile.write(body)

    with serving(Handler) as served.address:
        yield served


class Hasty(VisitorBot):
    """Does not wait between two requests to one host."""

    host_delay: ClassVar[float] = 0.0
