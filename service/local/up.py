"""`bot-scheduler up` (`make up`): everything on this machine, in the foreground, with one command.

Starts the three processes, and with them, when REDIS_URL is unset, a Valkey that keeps its data in the data folder.
However this process ends, by Ctrl-C at any moment, a closed terminal or a kill, nothing that it started stays behind.
A part that ends once all are up is started again.
"""

from __future__ import annotations

import os
import shlex
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from service.errors import SettingsError
from service.home import NoHome, checkout, data_folder, of_dotenv
from service.listening import bind_to, here
from service.local import embedded_valkey as embedded
from service.local.data import CannotStart, lock_folder, make_folder, noted, own_key
from service.local.greeting import greet
from service.local.signals import StopRequest
from service.processes import Name, command_line, environment_of
from service.settings import load_settings

URL_FILE = "url"
"""A file in DATA_DIR: where the service is, for the command line."""
PROCESSES: tuple[Name, ...] = ("web", "scheduler", "worker")


def main() -> int:
    """Start everything, and wait until asked to stop.

    Returns:
        The exit status: 0 after Ctrl-C or SIGTERM; else that of the process that ended at its start.
    """
    request = StopRequest()
    request.listen()
    os.environ.update({name: value for name, value in of_dotenv().items() if not os.environ.get(name)})
    with ExitStack() as closing:
        try:
            _check_extra()
            settings = load_settings()
            data = data_folder(os.environ.get("DATA_DIR"))
            make_folder(data)
            lock = closing.enter_context(lock_folder(data))
            host = here(os.environ.get("BIND_HOST"))
            _check_port(host, settings.port)
            key = settings.api_key.get_secret_value() if settings.api_key else own_key(data)
            environment = {**os.environ, "BIND_HOST": host, "DATA_DIR": str(data), "API_KEY": key}
            valkey = None
            if not environment.get("REDIS_URL"):
                valkey = embedded.start(data, lock, closing, request)
                environment["REDIS_URL"] = valkey.url
            else:
                closing.enter_context(noted(data / embedded.URL_FILE, environment["REDIS_URL"]))
            base = f"http://{bind_to(host, settings.port)}"
            closing.enter_context(noted(data / URL_FILE, base))
        except (CannotStart, NoHome, embedded.NotStarted, SettingsError) as error:
            print(error, file=sys.stderr)
            return 1
        if request.asked:
            return 0
        key_file = data / "api_key" if settings.api_key is None else None
        return _run(environment, base, key_file, valkey, request)


def _check_extra() -> None:
    if find_spec("honcho") is None:
        raise CannotStart(
            "`bot-scheduler up` needs an extra: pip install 'bot-scheduler[local]'. Without it, set REDIS_URL and run "
            "`bot-scheduler web`, `bot-scheduler scheduler` and `bot-scheduler worker`"
        )


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(f"Port {port} cannot be used ({error.strerror}); set PORT to a free one") from None


def _run(
    environment: Mapping[str, str],
    base: str,
    key_file: Path | None,
    valkey: embedded.EmbeddedValkey | None,
    request: StopRequest,
) -> int:
    """Run the processes until asked to stop. Until all are up, the end of one stops the others; later it starts again.

    Args:
        environment: theirs.
        base: the URL of the web process.
        key_file: where the API key is, unless it is set.
        valkey: the embedded Valkey, or None.
        request: whether to stop.

    Returns:
        The exit status.
    """
    from service.local.process_manager import ProcessManager, Screen  # honcho, of the extra

    stopped = threading.Event()
    screen = Screen()
    up = threading.Event()
    greeting = threading.Thread(target=greet, args=(base, key_file, stopped, screen, up.set), daemon=True)
    manager = ProcessManager(screen, greeting.start, up.is_set, valkey, request)
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"  # bots find what is in this venv
    env = {"LOG_FORMAT": "text", **environment_of(environment), "PATH": path, "PYTHONUNBUFFERED": "1"}
    for name in PROCESSES:
        cwd = str(checkout() or environment["DATA_DIR"])
        manager.add_process(name, f"exec {shlex.join(command_line(name))}", env=env, cwd=cwd)
    manager.loop()
    stopped.set()
    return manager.status


if __name__ == "__main__":
    sys.exit(main())
