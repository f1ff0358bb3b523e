"""A process of a release that has a migration: `python -m tests.store.migrating PORT LEASE_SECONDS STEPS`.

It marks one job at each step; a mark can be set again without harm. After STEPS steps it dies as by SIGKILL. What
it does is noted in the list `migration`, so that a test sees who worked when.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import redis
from redis import Redis

from service.errors import StoreUnavailable
from service.store import schema
from service.store.keys import Keys
from service.store.migrations import Hold

NOTES = "migration"


def mark_jobs(client: Redis, keys: Keys, hold: Hold, dies_after: int = 1 << 30) -> None:
    """Version 1 to 2, for tests: each job gets a mark."""
    jobs: Any = client.zrange(keys.jobs, 0, -1)
    for step, job_id in enumerate(sorted(jobs), start=1):
        hold()
        client.rpush(NOTES, f"{os.getpid()} {job_id.decode()}")
        client.hset(keys.job(job_id.decode()), "marked", "2")
        if step >= dies_after:
            os.kill(os.getpid(), signal.SIGKILL)


def main(port: int, lease_seconds: int, dies_after: int) -> None:
    """Waits for its turn as a process of the service does, and migrates if there is something left to do."""
    client, keys = redis.Redis(port=port), Keys()
    schema.LEASE_SECONDS = lease_seconds
    schema.MIGRATIONS = (lambda client, keys, hold: mark_jobs(client, keys, hold, dies_after),)
    while True:
        try:
            schema.ensure_schema(client, keys)
            return
        except StoreUnavailable as error:
            print(error, flush=True)
            time.sleep(0.02)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
