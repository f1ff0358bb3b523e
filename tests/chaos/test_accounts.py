"""That the audit by the product's own route sees a loss, a double and a stray that somebody planted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from service.store.jobs.epochs import note_planning
from service.usecases.fates.occurrences import Occurrences
from tests.chaos.accounts import AFTER, BEFORE, check_accounts
from tests.chaos.audit import Findings
from tests.support.store_rig import Rig
from tests.support.virtual_time import MONOTONIC_KEY, NOW_KEY, VirtualRedis, virtual_time

START_MS = 1_800_000_000_000


def decided(rig: Rig) -> str:
    """A job with twenty decided occurrences."""
    note_planning(rig.scripts)
    job_id = rig.make_job(options={"overlap": "queue"})
    scheduler = rig.scheduler()
    for minute in range(1, 22):
        rig.client.mset({NOW_KEY: START_MS + minute * 60_000, MONOTONIC_KEY: minute * 60_000})
        scheduler.enqueue_jobs()
    return job_id


def lose(rig: Rig, job_id: str) -> object:
    return rig.client.delete(rig.keys.run(rig.history(job_id)[5]["id"]))


def double(rig: Rig, job_id: str) -> object:
    found = rig.history(job_id)[3]["id"]
    copy = found[:-1] + ("0" if found[-1] != "0" else "1")
    rig.client.copy(rig.keys.run(found), rig.keys.run(copy))
    return rig.client.lpush(rig.keys.history(job_id), copy)


def stray(rig: Rig, job_id: str) -> object:
    double(rig, job_id)
    return rig.client.hset(rig.keys.run(rig.history(job_id)[0]["id"]), "scheduled_for", START_MS // 1000 + 61)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(lambda *_: None, ""), (lose, "unaccounted"), (double, "beyond the first"), (stray, "never named")],
)
def test_what_was_planted_is_seen(redis_client: Redis, spoil: Callable[[Rig, str], object], told: str) -> None:
    client = VirtualRedis(connection_pool=redis_client.connection_pool)
    client.mset({NOW_KEY: START_MS, MONOTONIC_KEY: 0})
    with virtual_time(client):
        rig, found = Rig.on(client), Findings()
        job_id = decided(rig)
        spoil(rig, job_id)
        accounts = Occurrences(rig.scripts)
        named = check_accounts(
            found, lambda one: accounts.page(one, since=BEFORE, until=AFTER, limit=1), [(job_id, "a job")]
        )
    assert named == 20  # the last one of all is not counted yet
    assert [told in sentence for sentence in found.all()] == ([True] if told else [])
