"""The web process as it is really started: gunicorn, its limits, its signals."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from service import gunicorn_config

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn_config"]
NO_REDIS = "redis://127.0.0.1:1/0"
CLOSE = b"Host: x\r\nX-API-Key: k\r\nConnection: close\r\n"


def environment(**changes: str | None) -> dict[str, str]:
    """This process' environment, without what would configure the service, and with `changes`."""
    ours = ("API_KEY", "API_KEY_PREVIOUS", "REDIS_URL", "PORT", "WEB_CONCURRENCY", "LOG_LEVEL", "REDIS_PREFIX")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return (
        kept | {"REDIS_URL": NO_REDIS, "BIND_HOST": "127.0.0.1"} | {k: v for k, v in changes.items() if v is not None}
    )


@dataclass
class Web:
    """A running web process."""

    process: subprocess.Popen[str]
    port: int

    def send(self, request: bytes) -> tuple[int, bytes]:
        """Sends bytes as they are. Returns status and body."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(request)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := connection.recv(65536):
                    answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A web process with the key `k`, whose Redis is away."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        env=environment(API_KEY="k", PORT=str(port)),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "Listening at" in line:
                break
        yield Web(process, port)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"API_KEY": None}, "API_KEY"),
        ({"API_KEY": ""}, "API_KEY"),
        ({"API_KEY": "a-secret", "REDIS_URL": "http://user:secret@x"}, "REDIS_URL"),
        ({"API_KEY": "a-secret", "LOG_LEVEL": "loud"}, "LOG_LEVEL"),
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
        (b"GET /rq/ HTTP/1.1\r\n" + CLOSE + b"\r\n", 401),
    ],
)
def test_whatever_is_sent_the_error_is_json(web: Web, request_bytes: bytes, expected: int) -> None:
    """Also where the request never reaches the application, because gunicorn cannot parse it."""
    status, body = web.send(request_bytes)
    assert status == expected
    assert isinstance(json.loads(body)["detail"], str)


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


def test_connections_are_used_again_at_once_later_and_when_there_are_more_than_threads(web: Web) -> None:
    """Each request of each connection is answered, whoever else stays connected."""
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with contextlib.ExitStack() as stack:
        many = [
            stack.enter_context(socket.create_connection(("127.0.0.1", web.port), 10))
            for _ in range(3 * gunicorn_config.THREADS)
        ]
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
