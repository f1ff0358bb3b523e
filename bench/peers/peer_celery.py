"""Celery, and RedBeat: `python peer_celery.py queue N | due N AT | spread FIRST N | spread-eta FIRST N`.

Celery's own words and defaults, but for the broker and the results, which are the Redis of BENCH_REDIS.
"""

# mypy: ignore-errors
from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta

import work
from celery import Celery
from celery.schedules import schedule
from redbeat import RedBeatSchedulerEntry

url = os.environ["BENCH_REDIS"]
app = Celery("peer_celery", broker=url, backend=url)
app.conf.redbeat_redis_url = url
app.conf.broker_connection_retry_on_startup = True

HOUR = timedelta(hours=1)


@app.task(name="noop")
def noop(due: float | None = None) -> int:
    """The work."""
    return work.noop(due)


def instant(seconds: float) -> datetime:
    """With its zone."""
    return datetime.fromtimestamp(seconds, UTC)


def beat(name: str, at: float, *args: float) -> None:
    """Stores an hourly entry of RedBeat's that is next due at `at`."""
    last = instant(at) - HOUR
    RedBeatSchedulerEntry(name, "noop", schedule(HOUR, app=app), args=list(args), last_run_at=last, app=app).save()


def main(verb: str, *numbers: str) -> None:
    """Fills."""
    if verb == "queue":
        with app.producer_pool.acquire() as producer:
            for _ in range(int(numbers[0])):
                noop.apply_async(producer=producer)
    elif verb == "due":
        for number in range(int(numbers[0])):
            beat(f"entry-{number}", float(numbers[1]))
    else:
        first, count = float(numbers[0]), int(numbers[1])
        for at in work.instants(first, count):
            if verb == "spread":
                beat(f"entry-{at}", at, at)
            else:
                noop.apply_async([at], eta=instant(at))


if __name__ == "__main__":
    # What is imported under its name is what the worker knows.
    import peer_celery

    peer_celery.main(*sys.argv[1:])
