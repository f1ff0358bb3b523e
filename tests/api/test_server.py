"""The web process as it is really started: gunicorn, its limits, its signals."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import IO

import pytest

from service.asgi import LONG_THREADS, LONG_WAITING
from service.web.http.incoming import BODY_SECONDS, BYTES_PER_SECOND, BodyLate, Incoming
from service.web.server.worker import Heartbeat
from tests.support.installation import ROOT
from tests.support.readable import readable
from tests.support.web_process import COMMAND, Web, environment, serving

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="web processes start, and the server's deadlines are waited for"),
]

CLOSE = b"Host: x\r\nX-API-Key: k\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A web process with the key `k`, whose Redis is away."""
    with serving(COMMAND) as started:
        yield started


IMPATIENT = """
from service.gunicorn_config import *
from service.web.http import incoming
incoming.BODY_SECONDS = 1.0
"""
MANY = 100
"""More connections than anything in a web process has threads."""


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The same, one process, in which a body has a second."""
    config = tmp_path_factory.mktemp("impatient") / "config.py"
    config.write_text(IMPATIENT)
    with serving([*COMMAND[:-1], str(config)], WEB_CONCURRENCY="1") as started:
        yield started


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"API_KEY": None}, "API_KEY"),
        ({"API_KEY": ""}, "API_KEY"),
        ({"API_KEY": "a-secret", "REDIS_URL": "http://user:secret@x"}, "REDIS_URL"),
        ({"API_KEY": "a-secret", "LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"API_KEY": "a-secret", "LIMIT_CONNECTIONS": "-1"}, "LIMIT_CONNECTIONS"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line(changes: dict[str, str | None], says: str, free_port: int) -> None:
    """It names the setting, tells no secret, and no worker dies over and over."""
    ended = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=environment(PORT=str(free_port), **changes),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode != 0
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "secret" not in ended.stderr + ended.stdout


def test_it_listens_without_redis(web: Web) -> None:
    """Health says that it is unhealthy, the rest that Redis cannot be reached."""
    status, body = web.send(b"GET /scheduler/health HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert (status, json.loads(body)["redis_connected"]) == (503, False)
    status, body = web.send(b"GET /scheduler/jobs HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert (status, json.loads(body)) == (503, {"detail": "Redis cannot be reached"})


CHUNKED = b"POST /scheduler/jobs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n" + CLOSE + b"\r\n", 400),
        (b"GET /%FF%00%0d%0a HTTP/1.1\r\n" + CLOSE + b"\r\n", 404),
        (b"GET /scheduler/jobs/%FF%00%0d%0aX:1 HTTP/1.1\r\n" + CLOSE + b"\r\n", 404),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + CLOSE + b"\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n" + CLOSE + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 150 + CLOSE + b"\r\n", 431),
        (b"GET / HTTP/9.9\r\n" + CLOSE + b"\r\n", 400),
        (b"BREW /scheduler/jobs HTTP/1.1\r\n" + CLOSE + b"\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\n" + CLOSE + b"\r\n", 404),
        (b"GET /scheduler/jobs HTTP/1.1\r\nHost: x\r\nX-API-Key: \xff\xfe\r\nConnection: close\r\n\r\n", 401),
        (b"GET /scheduler/jobs HTTP/1.1\r\nHost: x\r\nX-API-Key: a\x00\r\nConnection: close\r\n\r\n", 400),
        (b"POST /scheduler/jobs HTTP/1.1\r\nContent-Length: abc\r\n" + CLOSE + b"\r\n", 400),
        (b"POST /scheduler/jobs HTTP/1.1\r\nContent-Length: 99999999\r\n" + CLOSE + b"\r\n", 413),
        (CHUNKED + b"ZZ\r\n{}\r\n0\r\n\r\n", 400),
        (CHUNKED + b"2\r\n[]\r\n0\r\n\r\n", 400),
        (CHUNKED + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 17 + b"0\r\n\r\n", 413),
        (b"POST /scheduler/jobs HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" + CLOSE + b"\r\n", 400),
        (b"POST /scheduler/jobs HTTP/1.1\r\nExpect: magic\r\nContent-Length: 2\r\n" + CLOSE + b"\r\n{}", 417),
        (b"GET /rq/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 401),
    ],
)
def test_whatever_is_sent_the_error_is_json(web: Web, request_bytes: bytes, expected: int) -> None:
    """Also where the request never reaches the application, because it cannot be parsed."""
    status, body = web.send(request_bytes)
    assert status == expected
    assert isinstance(json.loads(body)["detail"], str)


@pytest.mark.parametrize(
    ("host", "address"), [("::1", "::1"), ("[::1]", "::1"), ("localhost", "127.0.0.1"), ("127.0.0.2", "127.0.0.2")]
)
def test_it_listens_where_it_is_told(host: str, address: str) -> None:
    """At an IPv6 address, in brackets or not, or at a host's name."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
    except OSError:
        pytest.skip(f"this machine has no {address}")
    with serving(COMMAND, WEB_CONCURRENCY="1", BIND_HOST=host) as web:
        connection = http.client.HTTPConnection(address, web.port, timeout=30)
        connection.request("GET", "/docs")
        assert connection.getresponse().status == 200
        connection.close()


READ_ONLY = """
mount --make-rprivate / || exit 75
awk '{print $5}' /proc/self/mountinfo | while read place; do mount -o remount,bind,ro "$place" 2>/dev/null; done
for folder in . "${TMPDIR:-/tmp}" /tmp /var/tmp /usr/tmp /dev/shm; do
  test -w "$folder" && touch "$folder/read-only-test" 2>/dev/null && { rm "$folder/read-only-test"; exit 75; }
done
exec "$@"
"""
"""Runs a command where nothing on any disk can be written; status 75 where that cannot be had."""


def test_it_serves_where_nothing_can_be_written() -> None:
    """No temporary file can be made: all is answered but an import that is too long for memory, and that says why."""
    namespace = ["unshare", "-m" if os.getuid() == 0 else "-rm", "sh", "-c", READ_ONLY, "sh"]
    if shutil.which("unshare") is None or subprocess.run([*namespace, "true"], cwd=ROOT, check=False).returncode != 0:
        pytest.skip("this machine lets nobody make a mount namespace")
    with serving([*namespace, *COMMAND], WEB_CONCURRENCY="1") as web:
        start = b"POST /scheduler/contacts/import HTTP/1.1\r\n" + CLOSE
        status, body = web.send(start + b"Content-Length: 10\r\n\r\nname\r\nAda\n")
        assert (status, json.loads(body)) == (503, {"detail": "Redis cannot be reached"})
        for path in (b"contacts/import", b"apply"):
            start = b"POST /scheduler/" + path + b" HTTP/1.1\r\n" + CLOSE
            status, body = web.send(start + b"Content-Length: 2000000\r\n\r\n" + b"x" * 2_000_000)
            assert status == 507
            assert "TMPDIR" in json.loads(body)["detail"]
        assert web.send(b"GET /docs HTTP/1.1\r\n" + CLOSE + b"\r\n")[0] == 200
        assert web.process.poll() is None


def test_a_worker_that_hangs_is_still_noticed() -> None:
    """By its heartbeat, which is a file that no folder holds: the arbiter reads what the worker has set."""
    beat = Heartbeat(None)
    try:
        before = time.monotonic()
        beat.notify()
        assert before - 0.001 <= beat.last_update() <= time.monotonic()
        assert os.fstat(beat.fileno()).st_nlink == 0
    finally:
        beat.close()


def test_sigterm_twice_ends_it_soon(free_port: int) -> None:
    """With nothing under way it is gone within seconds, status 0, and its log came to stdout without a traceback."""
    process = subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        env=environment(API_KEY="k", PORT=str(free_port)),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    log = ""
    for line in process.stdout:
        log += line
        if "Booting worker" in line:
            break
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=28)
    assert process.returncode == 0
    assert "Traceback" not in log + out + err
    assert err == ""


def test_connections_are_used_again_at_once_and_later_however_many_there_are(web: Web) -> None:
    """Each request of each connection is answered, whoever else stays connected."""
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with contextlib.ExitStack() as stack:
        many = [stack.enter_context(socket.create_connection(("127.0.0.1", web.port), 10)) for _ in range(MANY)]
        readers = [stack.enter_context(connection.makefile("rb")) for connection in many]
        for pause in (0.0, 0.0, 0.1):
            time.sleep(pause)  # nothing to wait for: what is tried is a client that lets the connection rest
            for connection in many:
                connection.sendall(ask)
            assert [read_answer(reader) for reader in readers] == [200] * len(many)
        many[0].sendall(ask * 3)
        assert [read_answer(readers[0]) for _ in range(3)] == [200] * 3


def read_answer(reader: IO[bytes]) -> int:
    """Reads one whole answer. Returns its status."""
    status = int(reader.readline().split()[1])
    headers = http.client.parse_headers(reader)
    assert len(reader.read(int(headers["Content-Length"]))) > 0
    return status


def head(method: str, path: str, *headers: str) -> bytes:
    """The start of a request."""
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: x", *headers, "", "")).encode()


LONG, SHORT, PIECES = "Content-Length: 1025", "Content-Length: 100", "Transfer-Encoding: chunked"
KEY = "X-API-Key: k"
FORM = "Origin: http://x\r\nAccept: application/json"


def answered(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """What came until the server ended its side: status, headers, body."""
    came = b""
    while piece := connection.recv(65536):
        came += piece
    start, _, body = came.partition(b"\r\n\r\n")
    lines = start.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    return int(lines[0].split()[1]), headers, body


@pytest.mark.parametrize(
    ("request_head", "expected"),
    [
        (head("POST", "/sign-in", FORM, LONG), 413),
        (head("POST", "/sign-out", FORM, LONG), 413),
        (head("POST", "/sign-in", LONG), 403),
        (head("GET", "/scheduler/health", LONG), 413),
        (head("GET", "/scheduler/health", SHORT), 503),
        (head("GET", "/scheduler/health", PIECES), 503),
        (head("GET", "/docs", LONG), 413),
        (head("GET", "/docs", SHORT), 200),
        (head("GET", "/openapi.json", PIECES), 200),
        (head("GET", "/static/console.css", LONG), 413),
        (head("GET", "/static/console.css", SHORT), 200),
        (head("GET", "/sign-in", PIECES), 200),
        (head("POST", "/nothing", LONG), 404),
        (head("POST", "/scheduler/health", LONG), 405),
        (head("POST", "/scheduler/jobs", LONG), 401),
        (head("POST", "/scheduler/jobs", PIECES), 401),
        (head("POST", "/scheduler/contacts/import", "X-API-Key: wrong", LONG), 401),
        (head("GET", "/scheduler/jobs", KEY, LONG), 413),
        (head("DELETE", "/scheduler/jobs/x", KEY, LONG), 413),
        (head("POST", "/scheduler/jobs", KEY, "Content-Length: 1048577"), 413),
        (head("GET", "/metrics", LONG), 413),
        (head("POST", "/rq/", LONG), 401),
        (head("GET", "/rq/", PIECES), 401),
        (head("GET", "/", LONG), 303),
    ],
)  # fmt: skip
def test_what_nobody_reads_is_not_waited_for(web: Web, request_head: bytes, expected: int) -> None:
    """The answer is there although nothing of the body has come, and says that the connection ends."""
    with socket.create_connection(("127.0.0.1", web.port), 60) as connection:
        connection.sendall(request_head)
        status, headers, _ = answered(connection)
    # A page that needs a session leads to the sign-in as soon as it is found.
    assert (status, headers["connection"]) == (413 if expected == 303 else expected, "close")


def test_a_body_in_pieces_is_cut_at_a_kibibyte_where_no_key_is_asked_for(web: Web) -> None:
    """No more than that is read, and the rest is not waited for."""
    with socket.create_connection(("127.0.0.1", web.port), 60) as connection:
        connection.sendall(head("POST", "/sign-in", FORM, PIECES) + b"FFFF\r\n" + b"x" * 1025)
        status, headers, body = answered(connection)
    assert (status, headers["connection"]) == (413, "close")
    assert "1024 bytes" in json.loads(body)["detail"]


def test_a_refused_body_that_has_come_leaves_the_connection_open(web: Web) -> None:
    """Whoever forgot the key need not connect anew."""
    with socket.create_connection(("127.0.0.1", web.port), 10) as connection, connection.makefile("rb") as reader:
        for _ in range(3):
            connection.sendall(head("POST", "/scheduler/jobs", SHORT) + b"x" * 100)
            assert read_answer(reader) == 401
        connection.sendall(head("GET", "/docs", SHORT) + b"x" * 100)
        assert read_answer(reader) == 200


@pytest.mark.parametrize(
    ("request_head", "drop"),
    [
        (head("POST", "/sign-in", FORM, SHORT), b"x"),
        (head("POST", "/sign-in", FORM, PIECES), b"1\r\nx\r\n"),
        (head("POST", "/sign-in", FORM, PIECES), b"0"),
        (head("POST", "/scheduler/jobs", KEY, "Content-Length: 1048576"), b" "),
        (head("PUT", "/scheduler/jobs/x", KEY, PIECES), b"1\r\n \r\n"),
    ],
)  # fmt: skip
def test_drippers_hold_nobody_up_beyond_the_deadline(impatient: Web, request_head: bytes, drop: bytes) -> None:
    """Each gets a 408 although something comes all the time, whatever it has declared; others are served meanwhile."""
    assert set(_drip(impatient, request_head, drop, MANY)) == {408}


@pytest.mark.parametrize(
    ("request_head", "drop"),
    [
        (head("POST", "/scheduler/contacts/import", KEY, "Content-Length: 60000000"), b"x"),
        (head("POST", "/scheduler/apply", KEY, PIECES), b"1\r\n-\r\n"),
    ],
)  # fmt: skip
def test_dripped_documents_take_no_more_than_their_places(impatient: Web, request_head: bytes, drop: bytes) -> None:
    """Those that get a place get a 408 in time, all others a 503 at once."""
    places = LONG_THREADS + LONG_WAITING
    statuses = _drip(impatient, request_head, drop, 2 * places)
    assert sorted(statuses) == [408] * places + [503] * places


def _drip(impatient: Web, request_head: bytes, drop: bytes, count: int) -> list[int]:
    """What each of `count` drippers is answered, while a bystander is served."""
    statuses: list[int] = []
    with contextlib.ExitStack() as stack:
        drippers = [
            stack.enter_context(socket.create_connection(("127.0.0.1", impatient.port), 60)) for _ in range(count)
        ]
        for dripper in drippers:
            dripper.sendall(request_head)
        assert impatient.send(head("GET", "/docs", "Connection: close"))[0] == 200
        waiting = {dripper.fileno(): dripper for dripper in drippers}
        while waiting:
            for number in readable(waiting, 0.1):
                status, headers, body = answered(waiting.pop(number))
                assert headers["connection"] == "close"
                assert status == 503 or "too slowly" in json.loads(body)["detail"]
                statuses.append(status)
            for dripper in waiting.values():
                with contextlib.suppress(ConnectionError):  # it has been answered in this moment
                    dripper.sendall(drop)
    return statuses


def test_who_was_answered_and_stays_holds_nobody_up(impatient: Web) -> None:
    """Many connections that are to end, and whose clients neither go nor fall silent: others are served meanwhile."""
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            lingerer = stack.enter_context(socket.create_connection(("127.0.0.1", impatient.port), 10))
            lingerer.sendall(head("POST", "/scheduler/jobs", LONG))
            assert answered(lingerer)[0] == 401
        assert impatient.send(b"GET /docs HTTP/1.1\r\n" + CLOSE + b"\r\n")[0] == 200


def test_a_client_that_was_refused_in_the_middle_gets_its_answer(web: Web) -> None:
    """What it was still sending does not break the answer's way."""
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", web.port), 10) as connection:
            connection.sendall(head("POST", "/scheduler/jobs", "Content-Length: 50000") + b"x" * 20_000)
            connection.sendall(b"x" * 20_000)
            assert answered(connection)[0] == 401


def test_what_comes_earns_a_body_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """15 s, and one more for every 16 KiB; time that nothing earned is not given."""

    async def scenario() -> None:
        clock = [0.0]
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0])
        sizes = iter((32 * 1024, 1, 1))

        async def receive() -> dict[str, object]:
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b"x" * next(sizes), "more_body": True}

        body = Incoming({"query_string": b"", "headers": [(b"content-length", b"99999")]}, receive)
        assert (await body())["body"] == b""
        assert len((await body())["body"]) == 32 * 1024
        clock[0] = 16.9
        assert (await body())["body"] == b"x"
        clock[0] = 17.1
        with pytest.raises(BodyLate):
            await body()

    asyncio.run(scenario())
    assert (BODY_SECONDS, BYTES_PER_SECOND) == (15.0, 16 * 1024)
