"""A whole installation of real processes on a real server, for tests to use and to kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from service.store.keys import Keys
from tests.support.processes import descendants, find_free_port, until
from tests.support.servers.valkey import ValkeyServer

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "tests" / "process" / "plugins"
API_KEY = "a key for tests"

COMMANDS = {
    "web": [sys.executable, "-m", "gunicorn", "--config", "service/gunicorn_config.py", "service.wsgi:build()"],
    "scheduler": [sys.executable, "scheduler.py"],
    "worker": [sys.executable, "worker.py"],
}


class Installation:
    """Processes of one installation. As a context manager it leaves none behind.

    Args:
        folder: for logs.
        server: the Redis that it uses.
        settings: more of the environment.
    """

    def __init__(self, folder: Path, server: ValkeyServer, **settings: str) -> None:
        self.folder = folder
        self.server = server
        self.port = find_free_port()
        self.keys = Keys()
        self.client: Redis = server.client()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            **os.environ,
            "REDIS_URL": server.url, "API_KEY": API_KEY, "PORT": str(self.port), "BIND_HOST": "127.0.0.1",
            "WEB_CONCURRENCY": "1", "WORKER_CONCURRENCY": "2", "LEASE_SECONDS": "10",
            "PYTHONPATH": str(PLUGINS), "PYTHONUNBUFFERED": "1", "VISITOR_ALLOW_PRIVATE": "true",
            **settings,
        }  # fmt: skip

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.processes):
            self.kill(name)
        self.client.close()

    # processes

    def start(self, *names: str) -> Installation:
        """Starts processes by name; what stands before a `-` says which kind (`scheduler-2`)."""
        for name in names:
            log = (self.folder / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                COMMANDS[name.split("-")[0]], cwd=ROOT, env=self._environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
            log.close()
        return self

    def kill(self, name: str, signum: int = signal.SIGKILL) -> None:
        """Kills a process alone, as a crash would, and waits for it."""
        process = self.processes.pop(name)
        if process.poll() is None:
            process.send_signal(signum)
        process.wait(30)

    def terminate_all(self) -> None:
        """SIGTERM to every process of every group, as a platform does."""
        for process in self.processes.values():
            for pid in [process.pid, *descendants(process.pid)]:
                try:
                    os.kill(pid, signal.SIGTERM)
                except ProcessLookupError:
                    pass

    def log(self, name: str) -> str:
        """What a process has printed."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    # the API

    def call(
        self, method: str, path: str, body: Any = None, timeout: float = 30, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """One request under `/scheduler`. Returns its status and its JSON."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/scheduler{path}",
            method=method,
            data=None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"X-API-Key": API_KEY, "Content-Type": "application/json", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def until_healthy(self) -> Installation:
        """Waits until health says so and a worker is up."""

        def healthy() -> bool:
            try:
                status, health = self.call("GET", "/health", timeout=5)
            except OSError:
                return False
            return status == 200 and (health["workers"] > 0 or not any("worker" in name for name in self.processes))

        until(healthy, 30, lambda: "".join(self.log(name) for name in self.processes))
        return self

    def make_job(self, **fields: Any) -> str:
        """Creates a job that only runs by hand, unless `fields` say otherwise. Returns its id."""
        return str(self.create_job(**fields)["id"])

    def create_job(self, **fields: Any) -> dict[str, Any]:
        """The same. Returns the answer."""
        body = {
            "name": "a job", "bot_type": "probe", "schedule_type": "interval", "schedule_config": {"hours": 1}, **fields
        }  # fmt: skip
        status, job = self.call("POST", "/jobs", body)
        assert status == 201, job
        return dict(job)

    def history(self, job_id: str) -> list[dict[str, Any]]:
        """A job's newest 200 runs."""
        status, runs = self.call("GET", f"/jobs/{job_id}/history?limit=200")
        assert status == 200, runs
        return list(runs)

    def run(self, job_id: str, run_id: str) -> dict[str, Any]:
        """One run's entry."""
        status, run = self.call("GET", f"/jobs/{job_id}/runs/{run_id}")
        assert status == 200, run
        return dict(run)

    def run_now(self, job_id: str, body: Any = None) -> str:
        """Asks for a run. Returns its id."""
        status, answer = self.call("POST", f"/jobs/{job_id}/run", body)
        assert status == 202, answer
        return str(answer["run_id"])

    def until_status(self, job_id: str, run_id: str, *wanted: str, seconds: float = 30) -> dict[str, Any]:
        """Waits until a run has one of the wanted states. Returns its entry."""
        until(
            lambda: self.run(job_id, run_id)["status"] in wanted, seconds,
            lambda: f"{self.run(job_id, run_id)}\n{self.log('worker') if 'worker' in self.processes else ''}",
        )  # fmt: skip
        return self.run(job_id, run_id)


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Installation]:
    """Start a whole installation on a server that keeps nothing; give it once it is healthy."""
    with ValkeyServer(folder, "--appendonly", "no") as server, Installation(folder, server, **settings) as installed:
        yield installed.start("web", "scheduler", "worker").until_healthy()
