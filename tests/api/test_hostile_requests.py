"""Requests that are built to be read in two ways, or to be taken for others: raw bytes to a real web process."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterator

import pytest

from service.web.http.guard import LONGEST_WAY_BACK
from tests.support.installation import API_KEY
from tests.support.processes import until
from tests.support.wire import Wire
from tests.support.world import JOB, KEY, MARK, OWN_ORIGIN, World, basic, cookie, world_in

pytestmark = pytest.mark.processes

BODY = json.dumps({**JOB, "name": "smuggled"}).encode()
SMUGGLED = f"POST /scheduler/jobs HTTP/1.1\r\nHost: x\r\n{KEY}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all."""
    with world_in(tmp_path_factory.mktemp("hostile")) as found:
        yield found


def statuses(world: World, raw: bytes) -> list[int]:
    """Sends bytes as they are, and no more. Returns the status of each answer until the server closes."""
    with socket.create_connection(("127.0.0.1", world.web.port), 30) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
    assert MARK.encode() not in answer
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked;x",
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: \x0bchunked",
        "Content-Length: 0\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 4",
        "Content-Length: 0, 4",
        "Content-Length: +4",
        "Content-Length: -4",
        "Content-Length: 0x4",
        "Content-Length: 4 4",
        "Content-Length : 4",
        "Content-Length: \xb2",
        "Host: y",
        "X: y\nTransfer-Encoding: chunked",
    ],
)
def test_a_body_whose_end_can_be_read_in_two_ways_ends_the_connection(world: World, framing: str) -> None:
    """400 or 501, and what stands behind is not taken for another request."""
    before = world.stored()
    head = f"POST /scheduler/preview HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode("latin-1")
    assert statuses(world, head + b"0\r\n\r\n" + SMUGGLED) in ([400], [501])
    assert world.stored() == before


def test_underscores_frame_no_body(world: World) -> None:
    """`Transfer_Encoding` is another header than `Transfer-Encoding`, and is dropped."""
    raw = b"GET /scheduler/health HTTP/1.1\r\nHost: x\r\nContent_Length: 99\r\nTransfer_Encoding: chunked\r\n\r\n"
    assert statuses(world, raw * 2) == [503, 503]


def test_what_is_smuggled_would_make_a_job_where_it_is_read(world: World) -> None:
    """Behind a request whose end is clear it is a request of its own."""
    clear = b"POST /scheduler/preview HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
    assert statuses(world, clear + SMUGGLED) == [401, 201]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("OPTIONS", "*"),
        ("GET", "*"),
        ("CONNECT", "x:80"),
        ("CONNECT", "/scheduler/jobs"),
        ("GET", "x:80"),
        ("GET", "http://x"),
        ("GET", "http://x/scheduler/jobs"),
        ("GET", "http://x?/scheduler/jobs"),
        ("GET", "http://[/scheduler/jobs"),
        ("GET", "http://user@x/scheduler/jobs"),
        ("GET", "?/scheduler/jobs"),
        ("GET", ""),
        ("PRI", "*"),
        ("get", "/scheduler/jobs"),
        ("Get", "/scheduler/jobs"),
        ("G\x00T", "/scheduler/jobs"),
        ("GET,HEAD", "/scheduler/jobs"),
        ("WEBSOCKET", "/scheduler/jobs"),
        ("PROPFIND", "/scheduler/jobs"),
        ("PROPFIND", "//scheduler/jobs"),
        ("QUERY", "/scheduler/jobs"),
        ("X" * 30, "/scheduler/jobs"),
        ("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET", "/scheduler/jobs"),
    ],
)
def test_other_forms_of_a_target_and_other_methods_open_nothing(world: World, method: str, target: str) -> None:
    """All four forms of RFC 9112, 3.2, and methods of all kinds: 400, 401 or 404."""
    (status,) = statuses(world, f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
    assert status in (400, 401, 404)


@pytest.mark.parametrize("query", ["/../jobs", "//scheduler/jobs", "%2f..%2fjobs", "x=\\", "x=%00"])
def test_what_stands_behind_the_question_mark_is_no_path(world: World, query: str) -> None:
    """It neither leads anywhere nor makes an address an odd one."""
    with Wire(world.web.port) as wire:
        assert b"scheduler_running" in wire.ask("GET", f"/scheduler/health?{query}").body
        assert wire.ask("GET", f"/scheduler/bots?{query}").status == 401
        assert wire.ask("GET", f"/?{query}").status == 303


@pytest.mark.parametrize("place", ["/x", "/scheduler/health", "/docs", "/static"])
def test_no_header_moves_the_path(world: World, place: str) -> None:
    """gunicorn would take `SCRIPT_NAME` off the path for whom it trusts, such as this machine; it is told not to."""
    header = f"SCRIPT_NAME: {place}\r\nScript-Name: {place}\r\n"
    with Wire(world.web.port) as wire:
        for path in ("/scheduler/jobs", "/metrics", "/jobs", "/rq/0/data/queues.json"):
            assert wire.ask("GET", f"{place}{path}", header).status in (401, 404)
            assert wire.ask("GET", f"{place}{path}", header + KEY).status == 404
        assert wire.ask("GET", "/scheduler/jobs", "SCRIPT_NAME: /scheduler\r\n" + KEY).status == 200
        assert wire.ask("GET", "/scheduler/jobs", "SCRIPT_NAME: /elsewhere\r\n" + KEY).status == 200


def test_the_key_counts_in_its_own_header_alone(world: World) -> None:
    """Once, and spelled as it is; beside it nothing else can take its place or spoil it."""
    key = KEY.split(": ")[1]
    with Wire(world.web.port) as wire:
        for headers, status in (
            (KEY, 200),
            (f"x-api-key:\t{key}", 200),
            (KEY + "X_API_Key: wrong\r\n", 200),
            (KEY * 2, 401),
            (f"X_API_Key: {key}", 401),
            (f"X-API_Key: {key}", 401),
            (f"Authorization: Bearer {key}", 200),
            ("Authorization: Bearer wrong\r\n", 401),
            (f"X-API-Key: wrong\r\nAuthorization: Bearer {key}", 401),
            (f"Cookie: X-API-Key={key}", 401),
            (f"X-API-Key: wrong\r\n{cookie()}{OWN_ORIGIN}", 401),
            (f"{cookie()}{OWN_ORIGIN}", 200),
            (f"{cookie()}Origin: http://x, http://x\r\n", 401),
            (f"{cookie()}{OWN_ORIGIN}{OWN_ORIGIN}", 401),
            (f"{cookie()}{OWN_ORIGIN}X-Forwarded-Host: y\r\n", 401),
        ):
            assert wire.ask("GET", "/scheduler/jobs", headers).status == status, headers


@pytest.mark.parametrize("host", ["x", "evil.example", "evil.example:99999", "[::1]:1", "x%20y", ""])
def test_the_dashboard_leads_on_whatever_host_is_named(world: World, host: str) -> None:
    """Its redirects are relative, so that they lead back to where the browser is, also behind a proxy."""
    raw = f"GET /rq?a=b HTTP/1.1\r\nHost: {host}\r\n{basic(API_KEY)}X-Forwarded-Host: y\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", world.web.port), 30) as connection:
        connection.sendall(raw.encode("latin-1"))
        head = connection.makefile("rb").read().partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 308 ")
    assert re.findall(rb"(?i)\r\nlocation: ([^\r]*)", head) == [b"/rq/?a=b"]


def test_a_long_address_is_not_led_back_to(world: World) -> None:
    """Quoted, it would be three times as long; signing in leads to the overview then."""
    with Wire(world.web.port) as wire:
        for length in (LONGEST_WAY_BACK, LONGEST_WAY_BACK + 1, 8000):
            answer = wire.ask("GET", "/?".ljust(length, "="))
            assert answer.status == 303
            assert answer.location.startswith("/sign-in?next=/%3F%3D") == (length <= LONGEST_WAY_BACK)
            assert answer.location == "/sign-in" or length <= LONGEST_WAY_BACK


@pytest.mark.parametrize(
    "value",
    [
        "bytes=0-9", "bytes=5-", "bytes=-5", "bytes=99999999-", "bytes=1_0-2_0", "bytes=+1-2", "bytes=--2", "bytes=-0",
        "bytes=9-5", "bytes= 1-2", "bytes=\u0661-\u0662", "bytes=0-1,3-4", "bytes=", "bytes", "lines=1-2",
        f"bytes={'9' * 5000}-", "bytes=0-9\r\nIf-Range: x",
    ],
)  # fmt: skip
def test_a_file_is_sent_whole_whatever_range_is_asked_for(world: World, value: str) -> None:
    """A server may ignore ranges (RFC 9110, 14.2), and these files are short."""
    header = f"Range: {value}\r\n".encode().decode("latin-1")
    with Wire(world.web.port) as wire:
        whole, answer = wire.ask("GET", "/static/console.css", ""), wire.ask("GET", "/static/console.css", header)
    assert (answer.status, answer.body) == (200, whole.body)


def test_wrong_keys_are_counted_and_told(world: World) -> None:
    """In whichever way they come; a request without a key does not count. No line tells a key."""

    def count() -> float:
        answers = world.ask_all([f"GET /metrics HTTP/1.1\r\nHost: x\r\n{KEY}\r\n".encode()] * 6)
        return float(re.findall(rb"\nbot_scheduler_refused_keys_total (\S+)", answers[-1].body)[0])

    wrong = "guess-of-a-key"
    form = f"key={wrong}".encode()
    asked = [
        f"GET /scheduler/jobs HTTP/1.1\r\nHost: x\r\nX-API-Key: {wrong}\r\n\r\n".encode(),
        f"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {wrong}\r\n\r\n".encode(),
        f"GET /rq/ HTTP/1.1\r\nHost: x\r\n{basic(wrong)}\r\n".encode(),
        f"POST /sign-in HTTP/1.1\r\nHost: x\r\n{OWN_ORIGIN}Content-Length: {len(form)}\r\n\r\n".encode() + form,
    ]
    start = count()
    world.ask_all([b"GET /scheduler/jobs HTTP/1.1\r\nHost: x\r\n\r\n"] * 5)
    assert {answer.status for answer in world.ask_all(asked * 20)} <= {401, 403}
    until(lambda: count() >= start + 80, 30, lambda: f"{start} {count()}")
    log = world.web.log("web")
    assert 1 <= log.count("Wrong API keys were refused from 10.0.0.") < 15
    assert wrong not in log
