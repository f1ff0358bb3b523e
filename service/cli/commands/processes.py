"""`bot-scheduler up`, `web`, `scheduler` and `worker`: start processes of the service.

Each command replaces the command line's own process. So signals and exit codes are those of the service's process, and
the other commands need not load its modules.
"""

from __future__ import annotations

from service.processes import become


def up() -> None:
    """Start everything on this machine, with its own Valkey if REDIS_URL is not set. Ctrl-C stops it.

    DATA_DIR holds the key and the data.
    """
    become("up")


def web() -> None:
    """Run the web process: the API, the console and the dashboard, at BIND_HOST and PORT."""
    become("web")


def scheduler() -> None:
    """Run a scheduler. If there are several, one is active and the others are on standby."""
    become("scheduler")


def worker() -> None:
    """Run a worker, which runs bots, WORKER_CONCURRENCY at a time."""
    become("worker")
