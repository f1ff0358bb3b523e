"""Fill an empty installation with jobs, runs and contacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from redis import Redis

from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.scripts import Limits
from service.store.server.startup_checks import check_at_startup
from service.usecases.contacts import ContactBook
from tools.bulk import save
from tools.demo.history import write
from tools.demo.jobs import jobs
from tools.demo.people import cards


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of what."""

    jobs: int = 5_000
    runs: int = 200_000
    contacts: int = 20_000


LARGE, OURS = Size(), Keys()


class NotEmpty(Exception):
    """There are jobs already."""


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
    save(made, (job.record for job in past))
    # The script gives a job the time of its call as its place in the order of all jobs. These have been there before.
    places = {job.record.id: job.record.created_at * 1000 + number % 1000 for number, job in enumerate(past)}
    client.zadd(keys.jobs, places, xx=True)
    say(f"{len(past):,} jobs")
    say(f"{write(made, past, random):,} runs")
    report = ContactBook(client, keys).import_stream(cards(size.contacts, random))
    say(f"{report['created']:,} contacts")
