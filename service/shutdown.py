"""The timetable of a stop: how many seconds after SIGTERM each process does what.

`docs/sigterm.md` tells the whole course, process by process. Platforms kill after 30 s at the earliest (Heroku), so
everything here ends within `GONE_SECONDS`.
"""

from __future__ import annotations

GONE_SECONDS = 28.0
"""Web, scheduler and worker have ended; `up` may take 10 s more for its Valkey."""

REQUEST_SECONDS = 25
"""The web process waits this long for requests under way, as long as the longest `?wait=`; then gunicorn kills its
workers. Whole seconds, as gunicorn takes them."""

ASK_RUN_SECONDS = 15.0
"""A worker asks the bot under way to stop."""
KILL_RUN_SECONDS = 25.0
"""A worker kills the work horse, and with it the bot."""
RECORD_SECONDS = 2.0
"""After that kill, a worker tries this long to record how the run ended; then it leaves the run to the reaper."""
KILL_WORKER_SECONDS = 27.0
"""The supervisor kills the worker processes that are left."""
ASK_WORKER_EVERY_SECONDS = 1.0
"""The supervisor repeats SIGTERM this often: one that comes before a young process listens is lost."""

NOTICE_SECONDS = 0.1
"""A waiting scheduler notices the request to stop within this time."""

KILL_LOCAL_SECONDS = 27
"""`bot-scheduler up` kills the processes that are left. Whole seconds, as honcho takes them."""
STOP_VALKEY_SECONDS = 10.0
"""`bot-scheduler up` waits this long for its Valkey to save and end, once all others are gone; then it kills it."""
