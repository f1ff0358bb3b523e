"""A whole installation of real processes on a real server, for tests to use and to kill."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from redis import Redis

from service.store.keys import Keys
from tests.support.api import Api
from tests.support.prefork import Process, start
from tests.support.processes import descendants, find_free_port, in_sessions, until
from tests.support.servers.valkey import ValkeyServer

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "tests" / "process" / "plugins"
API_KEY = "a key for tests"

COMMANDS = {
    "web": [sys.executable, "-m", "gunicorn", "--config", "service/gunicorn_config.py", "service.asgi:build()"],
    "scheduler": [sys.executable, "scheduler.py"],
    "worker": [sys.executable, "worker.py"],
}


class Installation(Api):
    """Processes of one installation. As a context manager it leaves none behind.

    Args:
        folder: for logs.
        server: the Redis that it uses.
        settings: more of the environment.
    """

    cwd = ROOT
    """Where the processes start."""

    def __init__(self, folder: Path, server: ValkeyServer, **settings: str) -> None:
        super().__init__(find_free_port(), API_KEY)
        self.folder = folder
        self.server = server
        self.keys = Keys()
        self.client: Redis = server.client()
        self.processes: dict[str, Process] = {}
        self._sessions: set[int] = set()
        """One of each process that was started; its children stay in it when it is killed alone."""
        self._environment = {
            **self.surroundings(),
            "REDIS_URL": server.url, "API_KEY": API_KEY, "PORT": str(self.port), "BIND_HOST": "127.0.0.1",
            "WEB_CONCURRENCY": "1", "WORKER_CONCURRENCY": "2", "LEASE_SECONDS": "10",
            "VISITOR_ALLOW_PRIVATE": "true",
            **settings,
        }  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        until(self._is_over, 30)
        for name in list(self.processes):
            self.kill(name)
        self.client.close()

    def _is_over(self) -> bool:
        """Kills whatever is left, and says whether that was nothing: children of a killed process go on for a while."""
        left = in_sessions(self._sessions)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    # processes

    def surroundings(self) -> dict[str, str]:
        """The environment apart from settings."""
        return {**os.environ, "PYTHONPATH": str(PLUGINS), "PYTHONUNBUFFERED": "1"}

    def command(self, kind: str) -> list[str]:
        """The command line of a web process, a scheduler or a worker."""
        return COMMANDS[kind]

    def environment(self, kind: str) -> dict[str, str]:
        """The whole environment of a web process, a scheduler or a worker."""
        return self._environment

    def start(self, *names: str) -> Installation:
        """Starts processes by name; what stands before a `-` says which kind (`scheduler-2`)."""
        for name in names:
            log = (self.folder / f"{name}.log").open("ab")
            kind = name.split("-")[0]
            self.processes[name] = start(self.command(kind), self.cwd, self.environment(kind), log)
            self._sessions.add(self.processes[name].pid)
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

    def until_healthy(self) -> Installation:
        """Waits until health says so and a worker is up."""
        worker = any("worker" in name for name in self.processes)
        until(lambda: self.is_healthy(worker), 30, lambda: "".join(self.log(name) for name in self.processes))
        return self

    def until_web_answers(self, *statuses: int) -> None:
        """Waits until the web process answers health, with one of these statuses; by default healthy or not."""

        def answers() -> bool:
            try:
                return self.call("GET", "/health", timeout=5)[0] in (statuses or (200, 503))
            except OSError:
                return False

        until(answers, 30, lambda: self.log("web"))

    def until_alerts_are_sent(self) -> None:
        """Waits until no note of an alert and no delivery is left, where no address refuses them."""
        outboxes = (
            self.keys.alerts_sending, self.keys.alerts_service, self.keys.alerts_bots, self.keys.alerts,
            self.keys.alerts_rules, self.keys.delivery_due,
        )  # fmt: skip
        until(lambda: not self.client.exists(*outboxes), 30, lambda: self.log("scheduler"))

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
