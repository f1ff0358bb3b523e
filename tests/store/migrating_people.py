"""A process of this release that arrives: `python -m tests.store.migrating_people PORT STEPS`.

After STEPS steps of the migration it dies as by SIGKILL. It waits for its turn as a process of the service does.
"""

from __future__ import annotations

import os
import signal
import sys
import time

import redis
from redis import Redis

from service.errors import StoreUnavailable
from service.store import migrations, schema
from service.store.keys import Keys
from service.store.migrations import Hold


def main(port: int, dies_after: int) -> None:
    """Arrives."""
    client, keys = redis.Redis(port=port), Keys()
    left = dies_after

    def counted(client: Redis, keys: Keys, hold: Hold) -> None:
        def step() -> None:
            nonlocal left
            hold()
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        migrations.identify_contacts(client, keys, step)

    schema.MIGRATIONS = (counted,)
    while True:
        try:
            schema.ensure_schema(client, keys)
            return
        except StoreUnavailable as error:
            print(error, flush=True)
            time.sleep(0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
