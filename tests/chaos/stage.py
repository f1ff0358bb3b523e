"""An installation whose processes reach Redis through the proxy, and that are started again when they die."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from service.store.rq_records import make_scripts
from service.store.scripts import VERBS, Limits
from tests.chaos.proxy import Point, Proxy
from tests.support.installation import COMMANDS, ROOT, Installation
from tests.support.processes import descendants
from tests.support.servers.valkey import ValkeyServer

HISTORY_LIMIT = 100_000
"""Nothing is trimmed, so that the audit sees all of it."""
LOG_RUNS = 20

Say = Callable[[str], None]


class Stage(Installation):
    """As a platform does, a keeper starts again what has ended.

    Args:
        folder: for logs.
        server: the Redis.
        say: where to tell what happens.
    """

    def __init__(self, folder: Path, server: ValkeyServer, say: Say, **settings: str) -> None:
        super().__init__(
            folder, server, WORKER_CONCURRENCY="1", HISTORY_LIMIT=str(HISTORY_LIMIT), LOG_RUNS=str(LOG_RUNS),
            **settings,
        )  # fmt: skip
        scripts = make_scripts(self.client, self.keys, Limits(history=HISTORY_LIMIT, logs=LOG_RUNS))
        verbs = {str(scripts._scripts[verb].sha): verb for verb in VERBS}
        self.kills: Counter[str] = Counter()
        self.frozen: list[tuple[float, float, int]] = []
        """What was frozen: from and to, monotonic seconds, and the process id."""
        self.say = say
        self.proxy = Proxy(server.port, verbs, self.root_of, self._told)
        self._urls: dict[str, str] = {}
        self._kept = False
        self._lock = threading.RLock()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def __exit__(self, *_: object) -> None:
        self._kept = False
        with self._lock:
            super().__exit__()
        self.proxy.close()

    def __enter__(self) -> Stage:
        return self

    def root_of(self, name: str) -> int | None:
        """The process id of what was started under `name`, if it is up."""
        process = self.processes.get(name)
        return process.pid if process is not None and process.poll() is None else None

    def start(self, *names: str) -> Stage:
        """Starts processes by name, each with its own way to Redis."""
        with self._lock:
            for name in names:
                if name not in self._urls:
                    self._urls[name] = f"redis://127.0.0.1:{self.proxy.listen(name)}/0"
                log = (self.folder / f"{name}.log").open("ab")
                self.processes[name] = subprocess.Popen(
                    COMMANDS[name.split("-")[0]], cwd=ROOT, env=self._environment | {"REDIS_URL": self._urls[name]},
                    stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
                self._sessions.add(self.processes[name].pid)
                log.close()
        return self

    def until_healthy(self) -> Stage:
        super().until_healthy()
        return self

    def keep(self) -> None:
        """From now on whatever ends is started again."""
        self._kept = True
        if not self._keeper.is_alive():
            self._keeper.start()

    def _keep(self) -> None:
        while self._kept:
            with self._lock:
                for name, process in list(self.processes.items()):
                    if self._kept and process.poll() is not None:
                        self.start(name)
            time.sleep(0.1)

    def _told(self, name: str, point: Point, pid: int) -> None:
        self.kills["named"] += 1
        self.say(f"at {point}: SIGKILL of {pid} of {name}")

    # what can be done to it

    def members(self, name: str) -> list[int]:
        """The processes of one name: the one that was started, then those below it."""
        root = self.root_of(name)
        return [] if root is None else [root, *descendants(root)]

    def strike(self, pid: int, what: str, signum: int = signal.SIGKILL) -> None:
        """Sends a signal to one process."""
        if not self._signal(pid, signum):
            return
        self.kills[what] += 1
        self.say(f"{signal.Signals(signum).name} to {pid}: {what}")

    def _signal(self, pid: int, signum: int) -> bool:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            return False
        return True

    def freeze(self, pids: list[int], seconds: float, what: str) -> None:
        """Stops processes for a while; a thread lets them go on."""
        start = time.monotonic()
        self.kills[what] += 1
        self.say(f"SIGSTOP to {pids} for {seconds:.1f} s: {what}")
        for pid in pids:
            self._signal(pid, signal.SIGSTOP)
            self.frozen.append((start, start + seconds + 1, pid))

        def thaw() -> None:
            for pid in pids:
                self._signal(pid, signal.SIGCONT)

        threading.Timer(seconds, thaw).start()

    def leader(self) -> str | None:
        """The name of the scheduler process that acts."""
        parts = str(self.client.get(self.keys.leader)).split("-")
        for name in ("scheduler-1", "scheduler-2"):
            if str(self.root_of(name)) in parts:
                return name
        return None
