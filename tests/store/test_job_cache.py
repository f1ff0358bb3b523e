"""Lists are never older than their request, though what jobs look like is kept."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from redis import BlockingConnectionPool, Redis

from service.domain.run_records import Outcome
from service.store.jobs import job_cache as followed
from service.store.jobs.job_cache import JobCache
from service.store.jobs.listing import JobFilter, Listing
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

EVERYONE = JobFilter()


@pytest.fixture
def reader(rig: Rig, valkey_server: ValkeyServer) -> Listing:
    """The listing of another process than the one that changes jobs."""
    return Listing(Rig.on(valkey_server.client()).scripts)


def names(listing: Listing) -> list[str]:
    """The listed jobs' names."""
    return [json.loads(job)["name"] for chunk in listing.all(EVERYONE) for job in chunk]


def reads(rig: Rig) -> int:
    """How many hashes were read since the server's statistics were reset."""
    stats: Any = rig.client.info("commandstats")
    return int(stats.get("cmdstat_hmget", {"calls": 0})["calls"])


def test_what_has_not_changed_is_not_read_again(rig: Rig, reader: Listing) -> None:
    """After a change of one job in twenty, one job is read."""
    ids = [rig.make_job(name=f"job {number}") for number in range(20)]
    expected = names(reader)
    rig.client.config_resetstat()
    assert (names(reader), reads(rig)) == (expected, 0)
    rig.client.hset(rig.keys.job(ids[7]), "name", "another")
    expected[7] = "another"
    assert (names(reader), reads(rig)) == (expected, 1)
    assert (names(reader), reads(rig)) == (expected, 1)


def test_every_kind_of_change_is_in_the_next_list(rig: Rig, reader: Listing) -> None:
    """Creating, changing, switching, running, deciding, deleting: what another process did before is seen."""

    def seen() -> list[Any]:
        return [json.loads(job) for job in reader.page(50, None, EVERYONE, 5_000)[0]]

    job_id = rig.make_job()
    rig.make_job(name="neighbour")
    steps = [
        lambda: rig.jobs.update(job_id, {"name": "b"}),
        lambda: rig.jobs.toggle(job_id, {"enabled": False}),
        lambda: rig.jobs.toggle(job_id, {"enabled": True}),
        lambda: rig.runs.finish(run_id := rig.use.run_now(job_id), rig.start(run_id), Outcome("failed", "no")),
        lambda: (rig.pretend_due(job_id, 1), rig.scheduler().enqueue_jobs()),
        lambda: rig.make_job(name="new"),
        lambda: rig.jobs.delete(job_id),
        lambda: rig.client.flushall(),
        lambda: rig.make_job(name="after the flood"),
    ]
    before = seen()
    for step in steps:
        step()  # type: ignore[no-untyped-call]
        after = seen()
        assert after == [rig.jobs.get(job["id"]).data for job in after]
        assert after != before
        before = after
    assert [job["name"] for job in before] == ["after the flood"]


def test_a_connection_that_broke_is_made_again_and_nothing_old_is_shown(rig: Rig, reader: Listing) -> None:
    """What changed while nobody could be told is read again."""
    job_id = rig.make_job(name="a")
    assert names(reader) == ["a"]
    rig.client.client_kill_filter(_type="normal", skipme=True)
    rig.client.hset(rig.keys.job(job_id), "name", "b")
    assert names(reader) == ["b"]
    rig.client.hset(rig.keys.job(job_id), "name", "c")
    assert names(reader) == ["c"]


def test_a_store_that_was_emptied_and_filled_again_is_read_again(rig: Rig, reader: Listing) -> None:
    """Nothing that was kept comes back, though it has the ids that it had."""
    job_id = rig.make_job(name="a")
    fields: Any = rig.client.hgetall(rig.keys.job(job_id))
    assert names(reader) == ["a"]
    rig.client.flushall()
    rig.client.hset(rig.keys.job(job_id), mapping={**fields, b"name": b"b"})
    rig.client.zadd(rig.keys.jobs, {job_id: 1})
    assert names(reader) == ["b"]


def test_messages_that_piled_up_are_taken_before_the_answer(rig: Rig, reader: Listing) -> None:
    """Thousands of changes between two lists neither break the reading nor are forgotten."""
    ids = [rig.make_job(name="a") for _ in range(1500)]
    assert names(reader) == ["a"] * 1500
    pipeline = rig.client.pipeline(transaction=False)
    for job_id in ids:
        pipeline.hset(rig.keys.job(job_id), "name", "b")
    pipeline.execute()
    assert names(reader) == ["b"] * 1500


def test_no_more_than_so_many_are_kept(rig: Rig, reader: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are read each time, and long ones too; all are shown."""
    monkeypatch.setattr(followed, "KEPT", 3)
    monkeypatch.setattr(followed, "KEPT_BYTES", 1000)
    rig.make_job(name="long", description="x" * 500)
    for number in range(5):
        rig.make_job(name=str(number))
    for _ in range(3):
        assert names(reader) == ["long", "0", "1", "2", "3", "4"]
    assert len(reader._followed._kept) == 3


@pytest.mark.parametrize("why", ["few connections", "an older protocol", "not allowed"])
def test_where_jobs_cannot_be_followed_lists_are_read_whole(rig: Rig, valkey_server: ValkeyServer, why: str) -> None:
    """And tell the same."""
    job_id = rig.make_job(name="a")
    client = valkey_server.client()
    if why == "few connections":
        pool = BlockingConnectionPool(port=valkey_server.port, max_connections=2)  # type: ignore[no-untyped-call]
        client = Redis(connection_pool=pool)
    elif why == "an older protocol":
        client = Redis(port=valkey_server.port, protocol=2)
    else:
        rig.client.acl_setuser(
            "plain", enabled=True, nopass=True, keys=["*"], channels=["*"], commands=["+@all", "-client|tracking"]
        )
        client = Redis(port=valkey_server.port, username="plain", password="x")
    listing = Listing(Rig.on(client).scripts)
    assert names(listing) == ["a"]
    assert listing._followed.refused and listing._followed._connection is None
    rig.client.hset(rig.keys.job(job_id), "name", "b")
    assert names(listing) == ["b"]
    rig.client.acl_deluser("plain")


def test_what_was_answered_is_listed_whoever_lists_and_whatever_happens_meanwhile(
    rig: Rig, reader: Listing, valkey_server: ValkeyServer
) -> None:
    """Four threads change jobs of their own; each finds its change in the list right after."""
    wrong: list[str] = []

    def change(number: int) -> None:
        mine = Rig.on(valkey_server.client())
        job_id = mine.make_job(name=f"{number}:0")
        for turn in range(1, 60):
            mine.jobs.update(job_id, {"name": f"{number}:{turn}"})
            if f"{number}:{turn}" not in names(reader):
                wrong.append(f"{number}:{turn}")

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sorted(names(reader)) == [f"{number}:59" for number in range(4)]


def test_nothing_is_followed_before_the_first_list(rig: Rig) -> None:
    """No connection is taken for it until then."""
    fresh = JobCache(rig.scripts)
    assert fresh._connection is None and not fresh.refused
