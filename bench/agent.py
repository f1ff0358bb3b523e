"""Does for another revision what its own code must do: `python -P agent.py names | check N | queue N | due N AT | …`.

It runs in that revision's checkout, so that `bench.ours` and `service` are that revision's.
"""

from __future__ import annotations

import json
import os
import sys
from types import SimpleNamespace
from typing import Any

from redis import Redis

from bench import ours
from bench.rig import of_time


def place() -> Any:
    """What `bench.ours` needs of a place."""
    client = Redis.from_url(os.environ["BENCH_REDIS"])
    return SimpleNamespace(client=client, now=lambda: of_time(client.time()))


def main(verb: str, *numbers: str) -> None:
    """Fills, checks, or prints the names of the keys that are counted."""
    if verb == "names":
        print(json.dumps({"queue": ours.KEYS.rq_queue, "finished": ours.KEYS.rq_finished}))
    elif verb == "check":
        ours.check_all_succeeded(place(), int(numbers[0]))
    else:
        ours.fill(place(), verb, *map(float, numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
