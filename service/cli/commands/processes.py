"""The commands that become a process of the service: `up`, `web`, `scheduler`, `worker`.

Each replaces the command line's own process, so that signals and exit codes are those of the process itself, and the
other commands never load what a process needs.
"""

from __future__ import annotations

from service.processes import become


def up() -> None:
    """Start everything on this machine, with a Valkey of its own if REDIS_URL is unset; Ctrl-C stops it.

    Keys and data are in DATA_DIR.
    """
    become("up")


def web() -> None:
    """Be the web process: the API, the console and the dashboard, at BIND_HOST and PORT."""
    become("web")


def scheduler() -> None:
    """Be a scheduler: of several, one acts and the others stand by."""
    become("scheduler")


def worker() -> None:
    """Be the worker: run bots, WORKER_CONCURRENCY at a time."""
    become("worker")
