"""What a web process tells by itself while Redis cannot be used, and what it tells a monitor outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from service.alerting.alert_addresses import Address, of_the_service
from service.alerting.touch import Gap
from service.watch.outcry import AGAIN_MS, AWAY_MS, REFUSED_MS, Alone, Outcry
from service.watch.outside import EVERY_MS, Outside, failing
from tests.support.processes import until

AWAY = Gap(1000, "Redis cannot be reached", refused=False)
REFUSES = Gap(1000, "Redis refuses writes", refused=True)


class Post:
    """Takes what is sent, except at addresses that are down."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.down: set[str] = set()
        self.now = 1000

    def __call__(self, address: Address, subject: str, body: str) -> str | None:
        if address.url in self.down:
            return "it is down"
        self.taken.append((address.url, subject))
        return None


def outcry_of(post: Post, alone: Alone | None = None) -> Outcry:
    """An outcry to two addresses, by the post's clock."""
    return Outcry(of_the_service("json://a json://b"), post, alone or Alone(), lambda: post.now)


@pytest.mark.parametrize(("gap", "bound"), [(AWAY, AWAY_MS), (REFUSES, REFUSED_MS)])
def test_each_address_hears_once_of_a_gap_beyond_its_bound_and_once_of_its_end(gap: Gap, bound: int) -> None:
    """A shorter gap is nobody's business."""
    post = Post()
    outcry = outcry_of(post)
    post.now += bound
    assert not outcry.look(gap) and outcry.look(None) is False and post.taken == []
    post.now += 1
    assert all(outcry.look(gap) for _ in range(3))
    assert sorted(url for url, _ in post.taken) == ["json://a", "json://b"]
    for _ in range(2):
        outcry.look(None)
    assert [subject for _, subject in post.taken[2:]] == ["Redis can be used again"] * 2


def test_an_address_that_is_down_is_tried_again_and_holds_up_no_other() -> None:
    """It hears late; one that never heard of the gap does not hear of its end."""
    post = Post()
    outcry = outcry_of(post)
    post.now += AWAY_MS + 1
    post.down = {"json://a"}
    outcry.look(AWAY)
    assert post.taken == [("json://b", "Redis is away")]
    post.down.clear()
    outcry.look(AWAY)
    assert len(post.taken) == 1
    post.now += AGAIN_MS
    outcry.look(AWAY)
    assert post.taken[1:] == [("json://a", "Redis is away")]


def test_of_forked_processes_one_tells_and_another_takes_over_when_it_is_killed() -> None:
    """The kernel passes the lock on."""
    alone = Alone()
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(told, b"y" if alone.take() else b"n")
        threading.Event().wait()
    assert os.read(ready, 1) == b"y"
    assert not alone.take()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert alone.take()


class Monitor(ThreadingHTTPServer):
    """A monitor that keeps what it is asked; it may refuse a POST."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.takes_post = True
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Monitor

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.asked.append((self.command, self.path, body))
        self.send_response(200 if self.command == "GET" or self.server.takes_post else 405)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    """A monitor on a free port."""
    with Monitor() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def test_the_monitor_hears_each_minute_and_at_once_when_things_change(monitor: Monitor) -> None:
    """A success by GET, a failure with its reason in text and address."""
    now = [0]
    outside = Outside(f"http://127.0.0.1:{monitor.server_port}/ping/id?x=1", lambda: now[0])

    def told(reasons: list[str], so_many: int) -> None:
        outside.tell(reasons)
        until(lambda: len(monitor.asked) >= so_many and not outside.is_busy(), 10)
        assert len(monitor.asked) == so_many

    told([], 1)
    now[0] = EVERY_MS - 1
    told([], 1)
    now[0] = EVERY_MS
    told([], 2)
    told(["It is late.", "And more."], 3)
    now[0] += 1
    told(["It is late."], 3)
    told([], 4)
    success = ("GET", "/ping/id?x=1", "")
    failure = ("POST", "/ping/id/fail?x=1&message=It+is+late.+And+more.", "It is late. And more.")
    assert monitor.asked == [success, success, failure, success]


def test_a_monitor_that_takes_no_post_gets_the_failure_by_get(monitor: Monitor) -> None:
    """The reason is in the address then."""
    monitor.takes_post = False
    Outside(f"http://127.0.0.1:{monitor.server_port}/id/").tell(["Late."])
    until(lambda: len(monitor.asked) == 2, 10)
    assert [asked[:2] for asked in monitor.asked] == [
        ("POST", "/id/fail?message=Late."),
        ("GET", "/id/fail?message=Late."),
    ]


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"]
)
def test_an_answer_without_end_ends_in_time_and_fills_no_memory(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is the body, the head or that of a redirect, and however often a byte comes."""
    monkeypatch.setattr("service.watch.outside.TIMEOUT_SECONDS", 0.5)
    sent = []

    def drip(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(head)
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"x" * 10)
                sent.append(10)
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=drip, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        outside = Outside(f"http://127.0.0.1:{server.getsockname()[1]}/")
        outside.tell([])
        until(lambda: not outside.is_busy(), 5)
        assert sum(sent) < 10_000


def test_an_address_that_hangs_holds_up_neither_the_others_nor_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked once, and the others hear of the beginning, of the end and of the next time."""
    monkeypatch.setattr("service.watch.outcry.PATIENCE_SECONDS", 0.05)
    post, hangs, asked = Post(), threading.Event(), []

    def send(address: Address, subject: str, body: str) -> str | None:
        if address.url == "json://a":
            asked.append(subject)
            hangs.wait(10)
        return post(address, subject, body)

    outcry = Outcry(of_the_service("json://a json://b"), send, Alone(), lambda: post.now)
    for _ in range(2):
        post.now = 1000 + AWAY_MS + 1
        outcry.look(AWAY)
        post.now += AGAIN_MS
        outcry.look(AWAY)
        outcry.look(None)
    assert post.taken == [("json://b", "Redis is away"), ("json://b", "Redis can be used again")] * 2
    assert asked == ["Redis is away"]
    hangs.set()


def test_no_log_names_the_address_whether_the_monitor_is_there_or_not(
    monitor: Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a secret, at whatever level of the log."""
    caplog.set_level("DEBUG")
    Outside(None).tell(["Late."])
    Outside(f"http://127.0.0.1:{monitor.server_port}/secret-token-of-mine").tell([])
    until(lambda: len(monitor.asked) == 1, 10)
    outside = Outside("http://127.0.0.1:9/secret-token-of-mine")
    outside.tell([])
    until(lambda: not outside.is_busy(), 10)
    assert "HEARTBEAT_URL does not take a heartbeat (ConnectError)" in caplog.text
    assert "secret-token" not in caplog.text


def test_the_address_of_a_failure_keeps_user_port_and_query() -> None:
    """And nothing of the reason can change it."""
    address = failing("https://u:p@h.example:8443/a/b/?k=v", "x&y=z#f\n")
    assert address == "https://u:p@h.example:8443/a/b/fail?k=v&message=x%26y%3Dz%23f%0A"
