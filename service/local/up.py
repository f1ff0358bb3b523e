"""`make up`: everything on this machine, in the foreground, with one command.

Runs the Procfile's own commands, and beside them, when REDIS_URL is unset, a Valkey that keeps its data under
`DATA_DIR`. However this process ends, by Ctrl-C at any moment, a closed terminal or a kill, nothing that it started
stays behind.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from dotenv import dotenv_values
from honcho.environ import parse_procfile

from service.errors import SettingsError
from service.listening import bind_to, here
from service.local import embedded_valkey as embedded
from service.local.embedded_valkey import write_private
from service.local.process_manager import Crew, Screen, StopWish
from service.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
START_SECONDS = 30


class CannotStart(Exception):
    """Why not, in one line."""


def main() -> int:
    """Starts everything and waits until it is told to stop.

    Returns:
        The exit status: 0 after Ctrl-C or SIGTERM; else that of the process that ended by itself.
    """
    wish = StopWish()
    wish.listen()
    os.environ.update(_of_dotenv())
    with ExitStack() as closing:
        try:
            settings = load_settings()
            data = _folder(settings)
            lock = closing.enter_context(_only_one(data))
            host = here(os.environ.get("BIND_HOST"))
            _look_at_port(host, settings.port)
            environment = {**os.environ, "BIND_HOST": host, "DATA_DIR": str(data), "API_KEY": _key(settings, data)}
            valkey = None
            if not environment.get("REDIS_URL"):
                valkey, environment["REDIS_URL"] = embedded.start(data, lock, closing, wish)
        except (CannotStart, embedded.NotStarted, SettingsError) as error:
            print(error, file=sys.stderr)
            return 1
        if wish.asked:
            return 0
        return _run(environment, bind_to(host, settings.port), data, settings.api_key is None, valkey, wish)


def _of_dotenv() -> dict[str, str]:
    """What `.env` says and the environment does not."""
    values = dotenv_values(ROOT / ".env", interpolate=False)
    return {name: value for name, value in values.items() if value and not os.environ.get(name)}


def _folder(settings: Settings) -> Path:
    """DATA_DIR, for its owner alone if it is made here."""
    data = (ROOT / settings.data_dir).absolute()
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data / "lock").touch()
    except OSError as error:
        raise CannotStart(f"Nothing can be kept in {data} ({error.strerror}); set DATA_DIR to another folder") from None
    return data


def _only_one(data: Path) -> IO[str]:
    """Holds the data folder for this process alone, so that a second start cannot touch the first one's data."""
    lock = (data / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise CannotStart(f"It is running already with the data in {data}; stop it first, or set DATA_DIR") from None
    return lock


def _look_at_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(f"Port {port} cannot be used ({error.strerror}); set PORT to a free one") from None


def _key(settings: Settings, data: Path) -> str:
    """The API key: the one set, or that of this folder, made at the first start and readable by its owner alone."""
    if settings.api_key is not None:
        return settings.api_key.get_secret_value()
    path = data / "api_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text().strip()


def _run(
    environment: Mapping[str, str],
    place: str,
    data: Path,
    own_key: bool,
    valkey: subprocess.Popen[bytes] | None,
    wish: StopWish,
) -> int:
    """Runs the Procfile's commands until all have ended; if one ends by itself, the others are stopped."""
    stopped = threading.Event()
    screen = Screen()
    greeting = threading.Thread(target=_greet, args=(place, data, own_key, stopped, screen), daemon=True)
    crew = Crew(screen, greeting.start, valkey, wish)
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    for name, command in parse_procfile((ROOT / "Procfile").read_text()).processes.items():
        env = {"LOG_FORMAT": "text", **environment, "PATH": path, "PYTHONUNBUFFERED": "1"}
        crew.add_process(name, f"exec {command}", env=env, cwd=str(ROOT))
    crew.loop()
    stopped.set()
    return crew.status


def _greet(place: str, data: Path, own_key: bool, stopped: threading.Event, screen: Screen) -> None:
    """Says where everything is, once it is healthy."""
    base = f"http://{place}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + START_SECONDS
    while not stopped.wait(0.2) and time.monotonic() < end:
        try:
            with direct.open(f"{base}/scheduler/health", timeout=2) as answer:
                if answer.status == 200:
                    break
        except (urllib.error.URLError, OSError):
            continue
    else:
        if not stopped.is_set():
            print(f"Not healthy after {START_SECONDS} s; see the lines above, and {base}/scheduler/health", file=screen)
        return
    kept = f"kept in {data / 'api_key'}"
    if screen.isatty():  # what is no terminal may be a file that others can read
        kept = f"{(data / 'api_key').read_text().strip()}   ({kept})" if own_key else kept
    print(
        f"\n  Bot Scheduler is up. Ctrl-C stops it.\n\n"
        f"    Console    {base}/   (sign in with the key)\n"
        f"    API        {base}/scheduler\n"
        f"    Dashboard  {base}/rq   (after signing in to the console)\n"
        f"    API key    {kept if own_key else 'as in API_KEY'}\n",
        file=screen,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
