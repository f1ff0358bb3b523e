"""Bytes that a job at rest and a queued run take in Redis: `python -m bench.room [JOBS]`.

Redis' used memory before and after, divided by their number, says what they take all told. What one key takes comes
from `MEMORY USAGE`, so the rest of the first figure is entries of shared collections and Redis' own tables. All jobs
have a run each.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bench import ours
from bench.rig import Place
from service.scheduler.scheduler import Scheduler
from service.store.scripts import Limits
from service.store.server.exchange import execute

JOBS = 10_000
AHEAD = 3_600
"""Seconds from now to the instant at which the jobs are due."""


def main(count: int) -> None:
    """Prints the figures of `count` jobs of ninety kinds."""
    with Place(ours.environment()) as place:
        fill(place, count, lambda *_: None)
        # Redis keeps its buffers, scripts and statistics, which do not grow with the jobs.
        execute(place.client, "FLUSHALL", "SYNC")
        fill(place, count, partial(show, place))


def fill(place: Place, count: int, show: Callable[[str, float, Mapping[str, str]], None]) -> None:
    """Stores jobs, and then has a scheduler decide them; tells after each what they take."""
    keys = ours.KEYS
    empty = settled(place)
    due = int(place.now() + AHEAD) // 60 * 60
    ids = ours.fill_due(place, count, due)
    at_rest = settled(place)
    show("a job at rest", (at_rest - empty) / count, {"its hash": keys.job(ids[0])})
    make_due(place, ids, due - AHEAD)
    queued = settled(place)
    run_ids: Any = place.client.lrange(keys.history(ids[0]), 0, -1)
    run_id = run_ids[0].decode()
    assert place.client.llen(keys.rq_queue) == count
    assert {place.client.llen(keys.history(job_id)) for job_id in ids} == {1}
    parts = {"its hash": keys.run(run_id), "RQ's job": keys.rq_job(run_id), "the history": keys.history(ids[0])}
    show("a queued run", (queued - at_rest) / count, parts)


def settled(place: Place) -> int:
    """The bytes in use once Redis' tables have stopped growing, without its log of calls that took long."""
    place.client.slowlog_reset()
    last = -1
    while (now := place.memory()) != last:
        last = now
        time.sleep(1)
    return now


def make_due(place: Place, ids: list[str], at: int) -> None:
    """Brings all jobs forward to `at`, and has a scheduler decide them.

    Their schedules name that instant, and none between it and now, so each job has one run and no skip beside it.
    """
    pipe = place.client.pipeline(transaction=False)
    for job_id in ids:
        pipe.hset(ours.KEYS.job(job_id), mapping={"next_occurrence": at, "next_due": at * 1000})
        pipe.zadd(ours.KEYS.due, {job_id: at * 1000})
    pipe.execute()
    scheduler = Scheduler(place.client, ours.KEYS, Limits())
    scheduler.heartbeat()
    while scheduler.enqueue_jobs():
        pass


def show(place: Place, what: str, whole: float, parts: Mapping[str, str]) -> None:
    """Prints one thing's bytes, whole and in parts, which are keys."""
    found: dict[str, Any] = {name: place.client.memory_usage(key, samples=0) for name, key in parts.items()}
    said = ", ".join(f"{name} {size}" for name, size in found.items())
    print(f"{what}: {whole:,.0f} bytes ({said}, entries and tables {whole - sum(found.values()):,.0f})", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else JOBS)
