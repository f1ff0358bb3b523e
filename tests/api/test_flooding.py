"""Clients that would fill the log, or take room and give none back: raw bytes to a real web process."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import socket
from collections.abc import Iterator

import pytest

from service.seldom import EVERY_SECONDS, Seldom
from tests.support.processes import until
from tests.support.world import KEY, World, world_in

pytestmark = pytest.mark.processes

PROCESSES = 2


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all."""
    with world_in(tmp_path_factory.mktemp("flooding")) as found:
        yield found


def everything(world: World, raw: bytes) -> bytes:
    """Sends bytes as they are. Returns all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", world.web.port), 60) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
        came = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                came += piece
    return came


MARKED = "sekret-4711"
"""Stands where a key may stand."""
LONG = 800_000
HEAD = b"GET /docs HTTP/1.1\r\nHost: x\r\n"
MALFORMED = {
    "a long name of a header": b"GET / HTTP/1.1\r\n(" + b"\x01" * LONG + b": 1\r\n\r\n",
    "a long line without a colon": HEAD + b"x" * LONG + b"\r\n\r\n",
    "a line that is no request": b"x " * 4000 + b"\r\n\r\n",
    "a method": b"sekret-4711" + b"\x02" * 8000 + b" / HTTP/1.1\r\n\r\n",
    "a version": b"GET / HTTP/sekret-4711\r\nHost: x\r\n\r\n",
    "a target with a blank": b"GET /?key=sekret-4711 x HTTP/1.1\r\nHost: x\r\n\r\n",
    "a key without a colon": HEAD + b"X-API-Key sekret-4711\r\n\r\n",
    "a key with a control": HEAD + b"X-API-Key: sekret-4711\x00\r\n\r\n",
    "a key in the name": HEAD + b"X-API-Key sekret-4711: 1\r\n\r\n",
    "a key on a line of its own": HEAD + b"X-API-Key:\r\n sekret-4711\r\n\r\n",
    "an expectation": HEAD + b"Expect: sekret-4711\r\n\r\n",
    "a coding": HEAD + b"Transfer-Encoding: sekret-4711\r\n\r\n",
    "a length": HEAD + b"Content-Length: sekret-4711\r\n\r\n",
    "two hosts": HEAD + b"Host: sekret-4711\r\n\r\n",
    "no host": b"GET /docs HTTP/1.1\r\nX: sekret-4711\r\n\r\n",
    "too many headers": HEAD + b"X: sekret-4711\r\n" * 200 + b"\r\n",
    "a chunk": b"POST /scheduler/jobs HTTP/1.1\r\nHost: x\r\n" + KEY.encode() + b"Transfer-Encoding: chunked\r\n\r\n"
    b"sekret-4711\r\n\r\n",
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_nothing_of_a_malformed_request_is_quoted(world: World, kind: str) -> None:
    """One sentence in JSON, however long the request is and whatever key stands in it; the log is no longer either."""
    before = len(world.web.log("web"))
    head, _, body = everything(world, MALFORMED[kind]).partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.1 (400|414|417|431|501) ", head)
    assert b"\r\nx-content-type-options: nosniff" in head.lower()
    detail = json.loads(body)["detail"]
    assert re.fullmatch(r"[A-Z][^\"\\]{10,150}", detail)
    assert MARKED not in detail
    assert len(world.web.log("web")) - before < 3000
    assert MARKED not in world.web.log("web")


def test_malformed_requests_cost_a_line_a_minute(world: World) -> None:
    """However many there are, in each process; nobody needs a key to send them."""
    before = world.web.log("web").count("\n")
    kinds = [raw for raw in MALFORMED.values() if len(raw) < 1000]
    for number in range(300):
        assert everything(world, kinds[number % len(kinds)])
    assert world.web.log("web").count("\n") - before < 20


def test_what_strangers_bring_about_is_told_at_once_then_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """With the number of those left out; also when nothing more happens."""
    clock = [0.0]
    log = logging.getLogger("tests.seldom")
    seldom = Seldom(log, logging.WARNING, lambda: clock[0])
    for number in range(1241):
        seldom.note(f"It happened to {number}")
    assert caplog.messages == ["It happened to 0"]
    clock[0] = EVERY_SECONDS
    seldom.tell()
    seldom.tell()
    assert caplog.messages[1:] == ["It happened to 1240, and 1,239 more in the last minute"]
    clock[0] *= 3
    seldom.note("Again")
    assert caplog.messages[2:] == ["Again"]


@pytest.mark.slow(reason="the server's patience is waited for")
def test_readers_that_take_nothing_leave_the_others_their_turn(world: World) -> None:
    """Many of them, each with many requests sent ahead: others are answered while they stay."""
    count = 50 * PROCESSES
    bystander = b"GET /docs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    ahead = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 60
    before = len(world.web.log("web"))
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            reader = stack.enter_context(contextlib.closing(socket.socket()))
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", world.web.port))
            reader.sendall(ahead)
        assert everything(world, bystander).startswith(b"HTTP/1.1 200")
        told = "did not read its answer in time"
        until(lambda: told in world.web.log("web")[before:], 90, lambda: world.web.log("web")[-2000:])
    log = world.web.log("web")[before:]
    assert "Traceback" not in log
    assert log.count(told) <= 2 * PROCESSES
    assert log.count("\n") < 10


def test_a_request_of_today_names_its_host(world: World) -> None:
    """HTTP/1.1 without Host is 400 (RFC 9112, 3.2); HTTP/1.0 knows none."""
    answer = everything(world, b"GET /docs HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and b"Host" in answer
    assert everything(world, b"GET /docs HTTP/1.0\r\n\r\n").split()[1] == b"200"


def test_a_body_is_asked_for_only_where_it_is_read(world: World) -> None:
    """`Expect: 100-continue` with a wrong key is refused at once; with the right one the client is told to go on."""
    start = "POST /scheduler/preview HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
    with socket.create_connection(("127.0.0.1", world.web.port), 30) as connection:
        connection.sendall(f"{start}X-API-Key: wrong\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")
    with socket.create_connection(("127.0.0.1", world.web.port), 30) as connection:
        connection.sendall(f"{start}{KEY}\r\n".encode())
        assert connection.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
