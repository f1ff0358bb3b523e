"""APScheduler with its store in Redis: `python peer_apscheduler.py spread FIRST N | due N AT | run`."""

# mypy: ignore-errors
from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from work import instants, noop

address = urlsplit(os.environ["BENCH_REDIS"])


def main(verb: str, *numbers: str) -> None:
    """Fills, or runs what is due."""
    store = RedisJobStore(host=address.hostname, port=address.port)
    scheduler = BackgroundScheduler(jobstores={"default": store}, timezone=UTC)
    scheduler.start(paused=verb != "run")
    if verb == "due":
        for _ in range(int(numbers[0])):
            first = datetime.fromtimestamp(float(numbers[1]), UTC)
            scheduler.add_job(noop, "interval", hours=1, next_run_time=first)
    elif verb == "spread":
        for at in instants(float(numbers[0]), int(numbers[1])):
            scheduler.add_job(noop, "date", run_date=datetime.fromtimestamp(at, UTC), args=[at])
    while verb == "run":
        time.sleep(3600)
    scheduler.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
