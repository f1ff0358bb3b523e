"""A real web server that takes requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.support.servers.http import QuietHandler, serving


@dataclass
class Receiver:
    """A web server: what it answers, and what it was sent."""

    address: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b"thanks"
    before: Callable[[], object] = lambda: None
    got: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Receiver]:
    """A running one."""
    served = Receiver()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            served.got.append((self.command, self.path, headers, body))
            served.before()
            self.send_response(served.status)
            for name, value in served.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(served.answer)))
            self.end_headers()
            if self.command != "HEAD":
                with suppress(OSError):  # whoever asked may have hung up
                    self.wfile.write(served.answer)

    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.do_POST)
    with serving(Handler) as served.address:
        yield served
