"""Alerts that really go out, to a real HTTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ValkeyServer
from tests.process.installation import Installation, until


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, json.loads(body)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real server on a free port of 127.0.0.1."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_failure_and_its_recovery_are_told_and_no_secret_shows(
    tmp_path: Path, durable_server: ValkeyServer, receiver: Receiver
) -> None:
    """To the service's address and the job's own, once each; neither address is in a log or an answer."""
    base = f"json://127.0.0.1:{receiver.server_port}"
    settings = {"ALERT_URL": f"{base}/service-wide-secret", "BOT_SECRET_OWN": f"{base}/secret-of-the-job"}
    with Installation(tmp_path, durable_server, **settings) as installation:
        installation.start("web", "scheduler", "worker").until_healthy()
        job_id = installation.make_job(
            name="Greet",
            bot_config={"mode": "raise"},
            options={"alert_urls": ["env:BOT_SECRET_OWN", "env:BOT_SECRET_UNSET"]},
        )
        for _ in range(2):
            installation.until_status(job_id, installation.run_now(job_id), "failed")
        well = {"bot_config": {"mode": "plain"}}
        installation.until_status(job_id, installation.run_now(job_id, well), "success")
        until(lambda: len(receiver.received) >= 4, 20, lambda: installation.log("scheduler"))
        told = sorted((path, body["title"]) for path, body in receiver.received)
        assert told == [
            ("/secret-of-the-job", "Greet failed"),
            ("/secret-of-the-job", "Greet is well again"),
            ("/service-wide-secret", "Greet failed"),
            ("/service-wide-secret", "Greet is well again"),
        ]
        everything = "".join(installation.log(name) for name in installation.processes)
        everything += json.dumps(installation.call("GET", f"/jobs/{job_id}")) + json.dumps(installation.history(job_id))
        assert "secret-of-the-job" not in everything and "service-wide-secret" not in everything
        assert "BOT_SECRET_UNSET" in installation.log("scheduler")
