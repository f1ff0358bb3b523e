"""What every suite stands on: a place for each contender, with a Redis of its own and real processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from redis import Redis

from tests.support.processes import descendants
from tests.support.servers.valkey import ValkeyServer

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "bench" / "peers"
AREA = ROOT / "var" / "bench"
"""Where the peers are installed; no part of the repository."""

SERVER = (
    "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
    "--slowlog-log-slower-than", "1000", "--slowlog-max-len", "20000",
)  # fmt: skip
"""The same for everyone: what `make up` gives its Valkey, and a log of what took over a millisecond."""

_TICK = os.sysconf("SC_CLK_TCK")


class Place:
    """A Redis, a folder and processes. As a context manager it leaves nothing behind.

    Args:
        environment: what its processes are given beside our own environment.
        root: the folder in which they run, and whose code they find first.
    """

    def __init__(self, environment: Mapping[str, str], root: Path = ROOT) -> None:
        self._root = root
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.trace = self.folder / "trace"
        data = self.folder / "data"
        data.mkdir()
        self.server = ValkeyServer(data, *SERVER)
        self.client: Redis = self.server.client()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **os.environ, "PYTHONUNBUFFERED": "1", "BENCH_TRACE": str(self.trace), "BENCH_REDIS": self.server.url,
            "REDIS_URL": self.server.url, "RQ_REDIS_URL": self.server.url, **environment,
        }  # fmt: skip

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.processes):
            self.stop(name)
        self.client.close()
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Starts a process that goes on until it is stopped."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=self._root, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, name: str) -> None:
        """SIGKILL to a process and all below it: nothing of it is measured any more."""
        process = self.processes.pop(name)
        below = descendants(process.pid)
        for pid in [process.pid, *below]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait(30)

    def run(self, command: Sequence[str]) -> None:
        """Runs a command to its end.

        Raises:
            RuntimeError: it failed; with what it printed.
        """
        done = subprocess.run(
            command, cwd=self._root, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout.decode()[-3000:]}")

    def logs(self) -> str:
        """The ends of what the processes have printed, for a person who wonders."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-2000:]}" for path in self.folder.glob("*.log"))

    # what its processes use

    def pids(self, name: str) -> list[int]:
        """A process and all below it."""
        root = self.processes[name].pid
        return [root, *descendants(root)]

    def cpu(self, name: str) -> float:
        """Seconds of CPU that a process and all below it have used, the ended ones included."""
        return sum(map(_cpu, self.pids(name)))

    def server_cpu(self) -> float:
        """Seconds of CPU that its Redis has used."""
        info: Any = self.client.info("cpu")
        return float(info["used_cpu_sys"]) + float(info["used_cpu_user"])

    def pss(self, name: str) -> float:
        """MiB of memory of a process and all below it, what they share counted once."""
        return sum(map(pss, self.pids(name)))

    def memory(self) -> int:
        """Bytes that its Redis uses for what it keeps: all but the buffers of its clients and of its file."""
        info: Any = self.client.info("memory")
        return int(info["used_memory"] - info["mem_clients_normal"] - info["mem_aof_buffer"])

    def now(self) -> float:
        """Redis' time, seconds."""
        return of_time(self.client.time())

    def until(self, condition: Callable[[], bool], seconds: float, pause: float = 0.02) -> None:
        """Waits for a condition.

        Raises:
            RuntimeError: it has not come true in time, or a process has ended; with the logs.
        """
        end = time.monotonic() + seconds
        while not condition():
            ended = [name for name, process in self.processes.items() if process.poll() is not None]
            if time.monotonic() > end or ended:
                raise RuntimeError(f"not within {seconds} s, ended: {ended}\n{self.logs()}")
            time.sleep(pause)


def of_time(pair: Any) -> float:
    """Seconds, of what Redis answers to TIME."""
    return int(pair[0]) + int(pair[1]) / 1e6


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICK  # its own and its ended children's, user and system


def pss(pid: int) -> float:
    """A process' proportional share of memory, MiB; 0 if it is gone."""
    return _mib(f"/proc/{pid}/smaps_rollup", "Pss:")


def rss(pid: int) -> float:
    """A process' resident memory, what it shares with others included, MiB; 0 if it is gone."""
    return _mib(f"/proc/{pid}/status", "VmRSS:")


def _mib(path: str, field: str) -> float:
    try:
        text = Path(path).read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(field)), 0) / 1024


def own_python() -> str:
    """The interpreter that ours runs with."""
    return sys.executable


def peer_python() -> str:
    """The interpreter that the peers run with."""
    return str(AREA / "venv" / "bin" / "python")


def peer_command(name: str) -> str:
    """A command that the peers' packages have installed."""
    return str(AREA / "venv" / "bin" / name)
