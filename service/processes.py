"""The command lines that start the processes by this interpreter rather than by the Procfile."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from typing import Literal, NoReturn

from service.home import checkout

Name = Literal["web", "scheduler", "worker", "up"]

_MODULES: Mapping[Name, str] = {
    "web": "service.gunicorn_config",
    "scheduler": "service.scheduler.main",
    "worker": "service.worker.main",
    "up": "service.local.up",
}


def command_line(name: Name) -> list[str]:
    """Return the words that start a process. A folder named `service` in the current folder is not imported (`-P`)."""
    return [sys.executable, "-P", "-m", _MODULES[name]]


def environment_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which the child finds this code: a checkout is on no path but PYTHONPATH."""
    if (root := checkout()) is None:
        return dict(environment)
    others = environment.get("PYTHONPATH", "").split(os.pathsep)
    paths = [str(root), *(path for path in others if path not in ("", str(root)))]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}


def become(name: Name) -> NoReturn:
    """Replace this process by another: it has the same process id, so that signals and exit codes are its own.

    `up` gets its signals to stop once it listens for them: none may interrupt its imports, with a traceback.
    """
    if name == "up":
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    sys.stdout.flush()
    sys.stderr.flush()
    words = command_line(name)
    os.execve(words[0], words, environment_of(os.environ))  # noqa: S606 - our own words
