"""gunicorn's configuration: `gunicorn -c python:service.gunicorn_config`.

It reads from the environment: `PORT` (8000), `BIND_HOST` (0.0.0.0), `WEB_CONCURRENCY` (2 processes), `LOG_LEVEL`,
`LOG_FORMAT`.
"""

from __future__ import annotations

import os
import sys

from service import logs
from service.environment import refuse_foreign
from service.errors import SettingsError
from service.listening import bind_to
from service.shutdown import REQUEST_SECONDS

try:
    refuse_foreign(os.environ)  # before the libraries that read it are imported
except SettingsError as error:
    sys.exit(str(error))

wsgi_app = "service.wsgi:build()"
bind = bind_to(os.environ.get("BIND_HOST") or "0.0.0.0", os.environ.get("PORT") or "8000")
worker_class = "service.web.server.Worker"
workers = int(os.environ.get("WEB_CONCURRENCY") or "2")

# The application is built once, before gunicorn forks the workers. They share its memory, and a missing setting stops
# the start with one line instead of workers that die over and over. Building it opens no connection.
preload_app = True

# After SIGTERM, requests under way have this long; then gunicorn kills its workers.
graceful_timeout = REQUEST_SECONDS
timeout = 60
keepalive = 5

# gunicorn refuses longer heads before the application sees them.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190

# Files are sent like everything else, so that the same time-outs hold for clients that do not read them.
sendfile = False

# No header becomes another one, or moves the path. gunicorn would accept SCRIPT_NAME from everybody whom it takes for a
# proxy, which on one machine is everybody, and could be told to treat X_API_Key as X-API-Key.
forwarder_headers = ""
header_map = "drop"

# The control socket would be a file in the home directory.
control_socket_disable = True

# The application checks its settings itself, and names an invalid level or format in one line.
_level = (os.environ.get("LOG_LEVEL") or "INFO").upper()
accesslog = None
errorlog = "-"
_level = _level if _level in ("DEBUG", "INFO", "WARNING", "ERROR") else "INFO"
logconfig_dict = logs.config("web", _level, (os.environ.get("LOG_FORMAT") or "auto").lower())


def on_starting(server: object) -> None:
    """Have all workers, which are not forked yet, log what Python would print by itself."""
    logs.hook_up()


if __name__ == "__main__":
    # `python -m service.gunicorn_config` is gunicorn with this configuration. gunicorn puts the current folder first on
    # the path; since `service` is imported already, a folder of that name there is not taken for it.
    from gunicorn.app.wsgiapp import run

    sys.argv[1:] = ["--config", "python:service.gunicorn_config"]
    run(prog="gunicorn")
