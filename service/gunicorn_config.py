"""How gunicorn serves the API: `gunicorn -c python:service.gunicorn_config`.

Read from the environment: `PORT` (8000), `BIND_HOST` (0.0.0.0), `WEB_CONCURRENCY` (2 processes), `LOG_LEVEL`,
`LOG_FORMAT`.
"""

from __future__ import annotations

import os
import sys

from service import logs
from service.environment import refuse_foreign
from service.errors import SettingsError
from service.listening import bind_to

THREADS = 8
"""Requests that one process serves at once."""

try:
    refuse_foreign(os.environ)  # before what it is about is imported
except SettingsError as error:
    sys.exit(str(error))

wsgi_app = "service.wsgi:build()"
bind = bind_to(os.environ.get("BIND_HOST") or "0.0.0.0", os.environ.get("PORT") or "8000")
worker_class = "service.web.server.Worker"
workers = int(os.environ.get("WEB_CONCURRENCY") or "2")
threads = THREADS

# The application is built once, before the workers are forked: they share its memory, and a setting that is missing
# stops the start with one line instead of workers that die over and over. It opens no connection while it is built.
preload_app = True

# A stopping process gives requests under way 25 s, the longest `?wait=`; then it kills its workers. All is gone
# within the 28 s that the platform allows.
graceful_timeout = 25
timeout = 60
keepalive = 5

# Heads beyond these are refused before the application sees them.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190

# Files are sent as all else is, so that who does not take them is given up as all others are.
sendfile = False

# No header becomes another one, or moves the path: gunicorn would take SCRIPT_NAME from whoever it takes for a proxy,
# which on one machine is everybody, and would give X_API_Key out as X-API-Key if it were told to.
forwarder_headers = ""
header_map = "drop"

# Its control socket would be a file in the home directory.
control_socket_disable = True

# A level or a format that is none is told by the application's own check of its settings, in one line.
_level = (os.environ.get("LOG_LEVEL") or "INFO").upper()
accesslog = None
errorlog = "-"
_level = _level if _level in ("DEBUG", "INFO", "WARNING", "ERROR") else "INFO"
logconfig_dict = logs.config("web", _level, (os.environ.get("LOG_FORMAT") or "auto").lower())


def on_starting(server: object) -> None:
    """Before the workers are forked: what Python would print by itself is logged, in all of them."""
    logs.hook_up()
