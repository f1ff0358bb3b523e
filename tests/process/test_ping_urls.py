"""Pings of another monitor about each run, to a real HTTP server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from service.worker.pings.pinger import SECONDS
from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]


@contextmanager
def monitor(hangs: bool = False) -> Iterator[tuple[str, list[str]]]:
    """A monitor: its address, and the targets that it was asked for. One that hangs answers nobody."""
    asked: list[str] = []
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if hangs:
                release.wait(30)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ping-secret?k=1", asked
    finally:
        release.set()
        server.shutdown()
        server.server_close()


def test_each_run_is_told_to_a_monitor_beside_the_run(tmp_path: Path, durable_server: ValkeyServer) -> None:
    """Its start, its success and its failure. What may not go there is not sent, and no log has the address."""
    with monitor() as (address, asked):
        secrets = {
            "BOT_SECRET_PING": address,
            "BOT_SECRET_BOUND": address.replace("ping-secret", "elsewhere"),
            "BOT_SECRET_BOUND_HOSTS": "example.org",
            "NETWORK_ALLOW": "127.0.0.1",
        }
        with Installation(tmp_path, durable_server, LOG_LEVEL="DEBUG", **secrets) as installation:
            installation.start("web", "scheduler", "worker").until_healthy()
            names = ["env:BOT_SECRET_PING", "env:BOT_SECRET_BOUND", "env:BOT_SECRET_UNSET"]
            job_id = installation.make_job(bot_config={"mode": "plain"}, options={"ping_urls": names})
            well = installation.run_now(job_id)
            installation.until_status(job_id, well, "success")
            until(lambda: len(asked) >= 2, 10, lambda: installation.log("worker"))
            failed = installation.run_now(job_id, {"bot_config": {"mode": "raise"}})
            installation.until_status(job_id, failed, "failed")
            until(lambda: len(asked) >= 4, 10, lambda: installation.log("worker"))
            assert asked == [
                f"/ping-secret/start?k=1&rid={well}", f"/ping-secret?k=1&rid={well}",
                f"/ping-secret/start?k=1&rid={failed}", f"/ping-secret/fail?k=1&rid={failed}",
            ]  # fmt: skip
            log = installation.log("worker")
            assert "BOT_SECRET_BOUND may not be sent" in log and "BOT_SECRET_UNSET is not set" in log
            assert "ping-secret" not in log and "elsewhere" not in log


def test_a_monitor_that_hangs_delays_no_run_and_no_other_monitor(tmp_path: Path, durable_server: ValkeyServer) -> None:
    with monitor(hangs=True) as (dead, unanswered), monitor() as (address, asked):
        secrets = {"BOT_SECRET_DEAD": dead, "BOT_SECRET_WELL": address, "NETWORK_ALLOW": "127.0.0.1"}
        with Installation(tmp_path, durable_server, **secrets) as installation:
            installation.start("web", "scheduler", "worker").until_healthy()
            names = ["env:BOT_SECRET_DEAD", "env:BOT_SECRET_WELL"]
            job_id = installation.make_job(bot_config={"mode": "plain"}, options={"ping_urls": names})
            began = time.monotonic()
            for _ in range(3):
                installation.until_status(job_id, installation.run_now(job_id), "success")
            until(lambda: len(asked) == 6, 10, lambda: installation.log("worker"))
            tries = 2 * (1 + (time.monotonic() - began) // SECONDS)  # each of two worker processes has its own
            assert len(unanswered) <= tries, "each try waits, and all three runs have come and gone meanwhile"
