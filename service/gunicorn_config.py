"""gunicorn's configuration: `gunicorn -c python:service.gunicorn_config`.

It reads from the environment: `PORT` (8000), `BIND_HOST` (0.0.0.0), `WEB_CONCURRENCY` (2 processes), `LOG_LEVEL`,
`LOG_FORMAT`, `LIMIT_CONNECTIONS` (4,096 in each process).
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from functools import partial
from signal import SIG_BLOCK, SIG_UNBLOCK

from service import logs
from service.environment import refuse_foreign
from service.errors import SettingsError
from service.listening import bind_to
from service.shutdown import REQUEST_SECONDS


def _number(setting: str, default: int) -> int:
    """Read a setting. The application checks it afterwards, and names an invalid one in one line."""
    value = os.environ.get(setting, "")
    return int(value) if value.isdecimal() else default


try:
    refuse_foreign(os.environ)  # before the libraries that read it are imported
except SettingsError as error:
    sys.exit(str(error))

wsgi_app = "service.asgi:build()"
bind = bind_to(os.environ.get("BIND_HOST") or "0.0.0.0", os.environ.get("PORT") or "8000")
worker_class = "service.web.server.worker.Worker"
workers = _number("WEB_CONCURRENCY", 2)
worker_connections = _number("LIMIT_CONNECTIONS", 4096)  # of each process

# The application is built once, before gunicorn forks the workers. They share its memory, and a missing setting stops
# the start with one line instead of workers that die over and over. Building it opens no connection.
preload_app = True

# After SIGTERM, requests under way have this long; then gunicorn kills its workers.
graceful_timeout = REQUEST_SECONDS
timeout = 60
keepalive = 5

# The control socket would be a file in the home directory.
control_socket_disable = True

# The application checks its settings itself, and names an invalid level or format in one line.
_level = (os.environ.get("LOG_LEVEL") or "INFO").upper()
accesslog = None
errorlog = "-"
_level = _level if _level in ("DEBUG", "INFO", "WARNING", "ERROR") else "INFO"
logconfig_dict = logs.config("web", _level, (os.environ.get("LOG_FORMAT") or "auto").lower())


def on_starting(server: object) -> None:
    """Prepare for the workers, which are not forked yet. All of them log what Python would print by itself."""
    logs.hook_up()
    # A new worker holds SIGTERM back until it can heed it: until then it has the arbiter's handler, which would only
    # note the signal in a copy of the arbiter's queue. `service.web.server.worker` lets it go.
    hold, let_go = (partial(signal.pthread_sigmask, how, {signal.SIGTERM}) for how in (SIG_BLOCK, SIG_UNBLOCK))
    os.register_at_fork(before=hold, after_in_parent=let_go)


def pre_fork(server: object, worker: object) -> None:
    """Keep the collector away from what the workers share.

    A look at it would hold the loop up for 100 ms, and make a copy of its memory for each worker.
    """
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    # `python -m service.gunicorn_config` is gunicorn with this configuration. gunicorn puts the current folder first on
    # the path; since `service` is imported already, a folder of that name there is not taken for it.
    from gunicorn.app.wsgiapp import run

    sys.argv[1:] = ["--config", "python:service.gunicorn_config"]
    run(prog="gunicorn")
