"""No way leads inside the network: not by a spelling, a name, a redirect, nor a name that changes its mind.

A server at 127.0.0.2 stands for the open Internet, one at 127.0.0.1 for what is inside.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from service import egress
from service.bots.support.fetching import Fetcher, NotFetched
from service.egress import Egress, is_public

OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"
Resolve = Callable[[str], list[str]]


class Server:
    """A web server that redirects to `location`, if there is one."""

    def __init__(self, address: str, port: int = 0) -> None:
        self.asked: list[str] = []
        self.location: str | None = None
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.asked.append(self.path)
                redirects = served.location is not None and self.path != "/robots.txt"
                self.send_response(302 if redirects else 404 if self.path == "/robots.txt" else 200)
                if redirects:
                    self.send_header("Location", str(served.location))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer((address, port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    """One outside and one inside, at the same port, which somebody else may have on one of the two."""
    while True:
        try:
            outside = Server(OUTSIDE)
        except OSError:
            pytest.skip("this system has no address 127.0.0.2")
        try:
            inside = Server(INSIDE, outside.port)
        except OSError:
            outside.stop()
        else:
            break
    try:
        yield outside, inside
    finally:
        outside.stop()
        inside.stop()


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Callable[[Resolve], list[str]]:
    """Lets names under .test be answered by a function; returns the names that are asked for, as they are."""
    monkeypatch.setattr(egress, "is_public", lambda address: address == OUTSIDE or is_public(address))
    real = socket.getaddrinfo

    def answer_with(resolve: Resolve) -> list[str]:
        names: list[str] = []

        def getaddrinfo(host: str, port: int, *args: Any, **options: Any) -> Any:
            if not host.endswith(".test"):
                return real(host, port, *args, **options)
            names.append(host)
            found = resolve(host)
            return [found for address in found for found in real(address, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return names

    return answer_with


def fetch(address: str, allowed: Egress = Egress()) -> int:  # noqa: B008 - it is frozen
    """The status of one page, without waiting."""
    with Fetcher(None, allowed, host_delay=0.0) as fetcher:
        return fetcher.fetch(address).status


SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001",
    "0300.0250.1.1", "127.0.0.1.", "0.0.0.0", "0", "localhost", "LOCALHOST", "localhost.", "[::1]", "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "169.254.169.254", "0xa9fea9fe",
    "①②⑦.⓪.⓪.①", "127。0。0。1", "user@127.0.0.1", "example.org@127.0.0.1", "127.0.0.1#@example.org",
    "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "[fc00::1]", "255.255.255.255", "224.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_leads_inside(servers: tuple[Server, Server], host: str) -> None:
    """IPv4 and IPv6, short, octal, hexadecimal, in other scripts' digits, and behind a user name."""
    _, inside = servers
    with pytest.raises(NotFetched):
        fetch(f"http://{host}:{inside.port}/")
    assert inside.asked == []


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_redirect_leads_inside(
    servers: tuple[Server, Server], resolves: Callable[[Resolve], list[str]], host: str
) -> None:
    """Whatever page outside sends us there."""
    outside, inside = servers
    resolves(lambda name: [OUTSIDE])
    for scheme in ("http:", "https:", ""):
        outside.location = f"{scheme}//{host}:{inside.port}/secret".encode().decode("latin-1")
        with pytest.raises(NotFetched):
            fetch(f"http://page.test:{outside.port}/")
    assert "/" in outside.asked
    assert inside.asked == []


@pytest.mark.parametrize(
    "addresses",
    [[INSIDE], [OUTSIDE, INSIDE], [INSIDE, OUTSIDE], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["fd00::1", OUTSIDE]],
)
def test_a_name_that_resolves_inside_is_refused(
    servers: tuple[Server, Server], resolves: Callable[[Resolve], list[str]], addresses: list[str]
) -> None:
    """If one of its addresses is inside, all are refused: nobody outside has a reason to name it."""
    outside, inside = servers
    resolves(lambda name: addresses)
    with pytest.raises(NotFetched, match="leads to an address"):
        fetch(f"http://page.test:{outside.port}/")
    assert inside.asked == outside.asked == []


def test_a_name_that_changes_between_check_and_use_gains_nothing(
    servers: tuple[Server, Server], resolves: Callable[[Resolve], list[str]]
) -> None:
    """It is resolved once for a connection, and the connection goes to the address that was judged."""
    outside, inside = servers
    answers = iter([[OUTSIDE]] + [[INSIDE]] * 20)
    names = resolves(lambda name: next(answers))
    with Fetcher(None, Egress(), host_delay=0.0) as fetcher:
        for _ in range(3):
            with pytest.raises(NotFetched):
                fetcher.fetch(f"http://page.test:{outside.port}/secret")
    assert len(names) >= 2
    assert outside.asked == ["/robots.txt"]
    assert inside.asked == []


def test_a_name_that_swings_to_and_fro_never_leads_inside(
    servers: tuple[Server, Server], resolves: Callable[[Resolve], list[str]]
) -> None:
    """However often it is asked."""
    outside, inside = servers
    turn = iter(range(1000))
    resolves(lambda name: [OUTSIDE if next(turn) % 2 else INSIDE])
    for _ in range(10):
        with pytest.raises(NotFetched):
            fetch(f"http://page.test:{outside.port}/")
    resolves(lambda name: [OUTSIDE])
    assert fetch(f"http://page.test:{outside.port}/") == 200
    assert inside.asked == []


METADATA = ["169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"]
OPEN = Egress.of("0.0.0.0/0, ::/0, page.test", everything_private=True)


@pytest.mark.parametrize("address", METADATA)
def test_no_name_leads_to_a_metadata_service(
    servers: tuple[Server, Server], resolves: Callable[[Resolve], list[str]], address: str
) -> None:
    """Whatever is opened, the name itself among it; also if it has another address beside."""
    outside, _ = servers
    for addresses in ([address], [OUTSIDE, address], [f"::ffff:{address}" if "." in address else address]):
        resolves(lambda name: addresses)
        with pytest.raises(NotFetched, match=r"page\.test leads to an address of a cloud's metadata service"):
            fetch(f"http://page.test:{outside.port}/", OPEN)
    assert outside.asked == []


@pytest.mark.parametrize(
    "host", [*METADATA, "0xa9fea9fe", "169.254.43518", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"]
)
def test_no_redirect_leads_to_a_metadata_service(
    servers: tuple[Server, Server], resolves: Callable[[Resolve], list[str]], host: str
) -> None:
    """Where everything else inside is open."""
    outside, _ = servers
    resolves(lambda name: [OUTSIDE])
    outside.location = f"http://[{host}]/latest/meta-data" if ":" in host else f"http://{host}/latest/meta-data"
    with pytest.raises(NotFetched, match="metadata service"):
        fetch(f"http://page.test:{outside.port}/", OPEN)


@pytest.mark.parametrize(
    ("allowed", "reached"),
    [("127.0.0.1", True), ("127.0.0.0/8", True), ("page.test", True), ("127.0.0.2", False), ("10.0.0.0/8", False),
     ("other.test", False), ("test", False)],
)  # fmt: skip
def test_what_is_named_is_reached(
    servers: tuple[Server, Server], resolves: Callable[[Resolve], list[str]], allowed: str, reached: bool
) -> None:
    """A network, an address, or the host name that is asked for; nothing else inside."""
    _, inside = servers
    resolves(lambda name: [INSIDE])
    if reached:
        assert fetch(f"http://page.test:{inside.port}/", Egress.of(allowed)) == 200
    else:
        with pytest.raises(NotFetched, match="leads to an address inside the network"):
            fetch(f"http://page.test:{inside.port}/", Egress.of(allowed))
    assert bool(inside.asked) is reached


def test_a_host_that_is_named_opens_no_redirect_to_another(
    servers: tuple[Server, Server], resolves: Callable[[Resolve], list[str]]
) -> None:
    """Each host is judged for itself."""
    _, inside = servers
    resolves(lambda name: [INSIDE])
    inside.location = f"http://127.0.0.1:{inside.port}/secret"
    with pytest.raises(NotFetched, match=r"127\.0\.0\.1 leads to an address inside the network"):
        fetch(f"http://page.test:{inside.port}/", Egress.of("page.test"))
    assert inside.asked == ["/robots.txt", "/"]


def test_proxies_of_the_environment_are_passed_by(
    servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One would resolve names itself, and lead wherever it can."""
    proxy, inside = servers
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://{OUTSIDE}:{proxy.port}")
        monkeypatch.setenv(name.upper(), f"http://{OUTSIDE}:{proxy.port}")
    with pytest.raises(NotFetched, match="inside the network"):
        fetch(f"http://127.0.0.1:{inside.port}/")
    assert fetch(f"http://127.0.0.1:{inside.port}/", Egress.of("127.0.0.1")) == 200
    assert proxy.asked == []
