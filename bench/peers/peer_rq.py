"""rq-scheduler and RQ: `python peer_rq.py queue N | due N AT | spread FIRST N`, on the Redis of BENCH_REDIS."""

# mypy: ignore-errors
from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

from redis import Redis
from rq import Queue
from rq_scheduler import Scheduler
from work import noop

CHUNK = 500


def utc(seconds: float) -> datetime:
    """As rq-scheduler wants it: without a zone."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def fill_queue(connection: Redis, count: int) -> None:
    """Puts `count` jobs into the queue."""
    queue = Queue(connection=connection)
    for start in range(0, count, CHUNK):
        some = range(start, min(start + CHUNK, count))
        queue.enqueue_many([Queue.prepare_data(noop, result_ttl=3600) for _ in some])


def fill_due(connection: Redis, count: int, at: float) -> None:
    """Stores `count` cron jobs, all next due at `at`."""
    scheduler = Scheduler(connection=connection)
    for _ in range(count):
        scheduler.cron("0 0 1 1 *", noop)
    names = connection.zrange(scheduler.scheduled_jobs_key, 0, -1)
    for start in range(0, count, CHUNK):
        connection.zadd(scheduler.scheduled_jobs_key, dict.fromkeys(names[start : start + CHUNK], int(at)))


def spread(connection: Redis, first: float, count: int) -> None:
    """One job for each second from `first` on; rq-scheduler knows whole seconds alone."""
    scheduler = Scheduler(connection=connection)
    for number in range(count):
        scheduler.enqueue_at(utc(first + number), noop, first + number)


if __name__ == "__main__":
    redis, (verb, *numbers) = Redis.from_url(os.environ["BENCH_REDIS"]), sys.argv[1:]
    if verb == "queue":
        fill_queue(redis, int(numbers[0]))
    elif verb == "due":
        fill_due(redis, int(numbers[0]), float(numbers[1]))
    else:
        spread(redis, float(numbers[0]), int(numbers[1]))
