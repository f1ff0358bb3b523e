"""Fill an empty installation with jobs, runs and contacts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from redis import Redis

from service.store.jobs.job_hashes import JobStore
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.scripts import Limits, Scripts
from service.store.server.startup_checks import check_at_startup
from service.usecases.contacts import ContactBook
from tools.demo.history import write
from tools.demo.jobs import jobs
from tools.demo.people import cards

CHUNK = 200
"""Jobs to save in one round trip."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of what."""

    jobs: int = 5_000
    runs: int = 200_000
    contacts: int = 20_000


LARGE, OURS = Size(), Keys()


class NotEmpty(Exception):
    """There are jobs already."""


@dataclass(slots=True)
class _Collecting(Scripts):
    """Keeps the calls of one verb until there are enough of them for a round trip."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def run(self, verb: str, *args: str | int | float | bytes) -> Any:
        self.calls.append(args)
        if len(self.calls) == CHUNK:
            self.flush(verb)
        return [b"saved", time.time_ns() // 1_000_000]  # as save_job.lua answers for a new job

    def flush(self, verb: str) -> None:
        calls, self.calls = self.calls, []
        for answer in self.run_many(verb, calls):
            if isinstance(answer, Exception):
                raise answer


def fill(
    client: Redis, size: Size = LARGE, seed: int = 1, say: Callable[[str], object] = lambda _: None, keys: Keys = OURS
) -> None:
    """Fill an installation that has no jobs yet.

    Args:
        client: a connection to its Redis.
        size: how much of what.
        seed: the same seed makes the same jobs, runs and people, as of now.
        say: tells a person how far it is.
        keys: the installation's key names.

    Raises:
        NotEmpty: it has jobs.
    """
    check_at_startup(client, keys)
    made, random = make_scripts(client, keys, Limits()), Random(seed)
    if client.zcard(keys.jobs):
        raise NotEmpty
    seconds: Any = client.time()
    past = list(jobs(size.jobs, size.runs, int(seconds[0]), random))
    scripts = _Collecting(client=made.client, keys=made.keys, limits=made.limits, rq_fields=made.rq_fields)
    store = JobStore(scripts)
    for job in past:
        store.add(job.record)
    scripts.flush("save_job")
    # The script gives a job the time of its call as its place in the order of all jobs. These have been there before.
    places = {job.record.id: job.record.created_at * 1000 + number % 1000 for number, job in enumerate(past)}
    client.zadd(keys.jobs, places, xx=True)
    say(f"{len(past):,} jobs")
    say(f"{write(made, past, random):,} runs")
    report = ContactBook(client, keys).import_stream(cards(size.contacts, random))
    say(f"{report['created']:,} contacts")
