"""A web process alone, as it is really started, whose Redis is away."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.installation import ROOT
from tests.support.processes import find_free_port

COMMAND = [sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn_config"]
NO_REDIS = "redis://127.0.0.1:1/0"


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


@contextlib.contextmanager
def serving(command: list[str], **changes: str) -> Iterator[Web]:
    """A web process with the key `k`, whose Redis is away."""
    port = find_free_port()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(API_KEY="k", PORT=str(port), **changes),
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
