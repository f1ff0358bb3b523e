"""The side of the tests: ask for a process, signal it, wait for it."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Protocol

ROOT = Path(__file__).parents[3]
READ_ON_IMPORT = ("LANG", "LC_", "LD_", "MALLOC_", "OPENSSL_", "OTEL_", "PYTHON", "RQ_", "SSL_")
"""Beginnings of variables that Python or a library reads at its start: it is too late for them after a fork."""
HANDED_ON = {"PYTHONPATH", "PYTHONUNBUFFERED", "RQ_COMMANDS"}
"""Those that are heeded after a fork as well; the last is a setting of ours."""


class Process(Protocol):
    """What a test does with a process; `subprocess.Popen` is one."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


def start(command: list[str], folder: Path, environment: Mapping[str, str], log: IO[bytes]) -> Process:
    """Start a process in a session of its own, which prints to `log`.

    It is forked where that makes no difference: Python, from the checkout, without a variable that is read at a start.
    """
    if command[0] == sys.executable and folder == ROOT and not too_late(environment):
        with open(os.devnull, "rb") as nothing:
            return fork(command[1:], folder, environment, (nothing, log, log))
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)


def fork(
    arguments: list[str], folder: Path, environment: Mapping[str, str], streams: tuple[IO[bytes], IO[bytes], IO[bytes]]
) -> Forked:
    """Fork a Python with these arguments, in a session of its own.

    Args:
        streams: its input, output and errors; files of the system.
    """
    return _nursery().fork(arguments, folder, environment, [stream.fileno() for stream in streams])


def too_late(environment: Mapping[str, str]) -> bool:
    """Whether a variable that is read at a start differs from this process' own."""
    return any(
        environment.get(name) != os.environ.get(name)
        for name in environment.keys() | os.environ.keys()
        if name.startswith(READ_ON_IMPORT) and name not in HANDED_ON
    )


class Forked:
    """A process that the nursery has forked, and whose parent the nursery is.

    Args:
        news: tells its pid, and how it ended.
    """

    def __init__(self, news: socket.socket) -> None:
        self._news = news
        self.pid = int(self._read(None))
        self.returncode: int | None = None

    def _read(self, timeout: float | None) -> bytes:
        self._news.settimeout(timeout)
        told = self._news.recv(64)
        if not told:
            raise RuntimeError("the process that forks others has ended; stderr says why")
        return told

    def poll(self) -> int | None:
        """How it ended, as `subprocess` says it; None while it goes on."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end.

        Raises:
            subprocess.TimeoutExpired: it goes on.
        """
        if self.returncode is None:
            try:
                self.returncode = int(self._read(timeout))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
            self._news.close()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Signals it, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The process that forks others (`tests.support.prefork.forking`). It ends with this one."""

    def __init__(self) -> None:
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.prefork.forking", str(other.fileno())], cwd=ROOT,
                pass_fds=[other.fileno()], stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        atexit.register(self.end)

    def fork(self, arguments: list[str], folder: Path, environment: Mapping[str, str], streams: list[int]) -> Forked:
        """Fork a Python with these arguments and streams."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asked = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
        with theirs:
            socket.send_fds(self._control, [json.dumps(asked).encode()], [theirs.fileno(), *streams])
        return Forked(ours)

    def end(self) -> None:
        """Let it end."""
        self._control.close()
        self._process.wait(10)


@cache
def _nursery() -> Nursery:
    return Nursery()
