"""Huey: `python peer_huey.py queue N | due N AT | spread FIRST N | scheduler`, on the Redis of BENCH_REDIS."""

# mypy: ignore-errors
from __future__ import annotations

import os
import sys
from datetime import datetime

import work
from huey import RedisHuey

huey = RedisHuey("noop", url=os.environ["BENCH_REDIS"])


@huey.task()
def noop(due: float | None = None) -> int:
    """The work."""
    return work.noop(due)


def scheduler() -> None:
    """Huey's own scheduler without the workers that its consumer always starts beside it."""
    process = huey.create_consumer(workers=1, worker_type="process", periodic=False)._create_scheduler()
    process.initialize()
    while True:
        process.loop()


def main(verb: str, *numbers: str) -> None:
    """Fills, or is the scheduler."""
    if verb == "scheduler":
        scheduler()
    elif verb == "queue":
        for _ in range(int(numbers[0])):
            noop()
    elif verb == "due":
        for _ in range(int(numbers[0])):
            # As its worker does with what is not due yet.
            huey.add_schedule(noop.s(eta=datetime.fromtimestamp(float(numbers[1]))))
    else:
        for at in work.instants(float(numbers[0]), int(numbers[1])):
            noop.schedule((at,), eta=datetime.fromtimestamp(at))


if __name__ == "__main__":
    import peer_huey

    peer_huey.main(*sys.argv[1:])
