"""A process that migrates what Redis holds: `python -m tests.support.migrating MIGRATION PORT [DIES_AT]`.

It waits for its turn as every process of the service does. When it renews the lease for the DIES_ATth time, it dies as
by SIGKILL. A test sees in the list `migration` which process did which step of `mark_jobs`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import count
from typing import Any

import redis
from redis import Redis

from service.errors import StoreUnavailable
from service.store import migrations, schema
from service.store.keys import Keys
from service.store.migrations import Hold
from tests.support.installation import ROOT
from tests.support.servers.valkey import ValkeyServer

NOTES = "migration"
NEVER = 0
SETTLE_SECONDS = 0.2
"""How long this process waits for those of an older release. None is up."""


def mark_jobs(client: Redis, keys: Keys, hold: Hold) -> None:
    """Migrate as a later release would: mark one job at each step. A mark can be set again without harm."""
    jobs: Any = client.zrange(keys.jobs, 0, -1)
    for job_id in sorted(jobs):
        hold()
        client.rpush(NOTES, f"{os.getpid()} {job_id.decode()}")
        client.hset(keys.job(job_id.decode()), "marked", "2")


MIGRATIONS = {migration.__name__: migration for migration in (mark_jobs, *schema.MIGRATIONS)}


def start_migrating(name: str, server: ValkeyServer, dies_at: int = NEVER) -> subprocess.Popen[str]:
    """Start a process that runs one of `MIGRATIONS`."""
    command = [sys.executable, "-m", __name__, name, str(server.port), str(dies_at)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def let_one_die_and_two_migrate(name: str, server: ValkeyServer, client: Redis, keys: Keys, dies_at: int) -> None:
    """Have a process die within a migration, and two others finish it once its lease has ended."""
    dying = start_migrating(name, server, dies_at)
    assert dying.wait(60) == -signal.SIGKILL
    client.pexpire(keys.schema_lock, 1)  # as 30 s later
    both = [start_migrating(name, server) for _ in range(2)]
    for one in (*both, dying):
        one.communicate(timeout=60)
    assert [one.returncode for one in both] == [0, 0]


def main(name: str, port: int, dies_at: int) -> None:
    """Wait for its turn, and migrate if there is something left to do."""

    def migrate(client: Redis, keys: Keys, hold: Hold) -> None:
        renewals = count(1)

        def hold_or_die() -> None:
            hold()
            if next(renewals) == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

        MIGRATIONS[name](client, keys, hold_or_die)

    client = redis.Redis(port=port)
    before = schema.MIGRATIONS.index(MIGRATIONS[name]) if MIGRATIONS[name] in schema.MIGRATIONS else 0
    schema.MIGRATIONS = (*schema.MIGRATIONS[:before], migrate)
    migrations.SETTLE_SECONDS = SETTLE_SECONDS
    while True:
        try:
            schema.ensure_schema(client, Keys())
            return
        except StoreUnavailable as error:
            print(error, flush=True)
            time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
