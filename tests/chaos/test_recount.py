"""That the audit finds a wrong counter, a lost slot, a limit that was passed, and a key that was left behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from tests.chaos.audit import Findings, is_uuid
from tests.chaos.recount import read_state_at_once, recount
from tests.chaos.strays import check_keys
from tests.chaos.watch import Slots, Watch
from tests.support.store_rig import Rig

Spoil = Callable[[Rig, str, list[str]], object]


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    return Rig.on(redis_client)


def busy(rig: Rig) -> tuple[str, list[str]]:
    """A job with two slots and four runs: one under way, one queued, two that wait. Returns its id and theirs."""
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    runs = [rig.use.run_now(job_id) for _ in range(4)]
    rig.start(runs[0])
    return job_id, runs


def add_to_the_enabled(rig: Rig) -> object:
    return rig.client.incr(rig.keys.enabled_jobs)


def findings(rig: Rig) -> list[str]:
    return recount(read_state_at_once(rig.client, rig.keys))


def test_a_busy_installation_that_is_sound_is_found_to_be_so(rig: Rig) -> None:
    """Runs in each place, one that has ended, jobs that are on and off, and nothing at all."""
    assert findings(rig) == []
    job_id, runs = busy(rig)
    rig.make_job(enabled=False)
    rig.run_due(rig.make_job())
    assert findings(rig) == []
    rig.use.cancel(job_id, runs[3])
    rig.use.cancel(job_id, runs[1])
    assert findings(rig) == []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda rig, job, runs: rig.client.hincrby(rig.keys.job(job), "held", 1), "held says 3, and 2 "),
        (lambda rig, job, runs: rig.client.hincrby(rig.keys.job(job), "held", -1), "held says 1, and 2 "),
        (lambda rig, job, runs: rig.client.hdel(rig.keys.job(job), "held"), "held says 0, and 2 "),
        (lambda rig, job, runs: rig.client.hincrby(rig.keys.job(job), "open", -1), "open says 3, and 4 "),
        (lambda rig, job, runs: rig.client.hdel(rig.keys.run(runs[0]), "slot"), "held says 2, and 1 "),
        (lambda rig, job, runs: rig.client.hdel(rig.keys.run(runs[1]), "slot"), "queued with no slot"),
        (lambda rig, job, runs: rig.client.hset(rig.keys.run(runs[2]), "slot", 1), "queued with a slot"),
        (lambda rig, job, runs: rig.client.zrem(rig.keys.leases, runs[0]), "running with a slot, found in no place"),
        (lambda rig, job, runs: rig.client.zrem(rig.keys.queued, runs[1]), "queued with a slot, found in no place"),
        (lambda rig, job, runs: rig.client.lrem(rig.keys.waiting(job), 0, runs[2]), "no slot, found in no place"),
        (lambda rig, job, runs: rig.client.rpush(rig.keys.waiting(job), runs[2]), "waits 2 times"),
        (lambda rig, job, runs: rig.client.delete(rig.keys.run(runs[2])), "without a record"),
        (lambda rig, job, runs: rig.client.lrem(rig.keys.history(job), 0, runs[1]), "no open run of any job"),
        (lambda rig, job, runs: rig.client.hset(rig.keys.job(job), "max_concurrent_runs", 3), "2 of 3 slots"),
        (lambda rig, job, runs: rig.client.incr(rig.keys.enabled_jobs), "enabled_jobs says 2, and 1 "),
    ],
)  # fmt: skip
def test_a_counter_or_a_place_that_is_wrong_is_found(rig: Rig, spoil: Spoil, told: str) -> None:
    spoil(rig, *busy(rig))
    assert any(told in sentence for sentence in findings(rig)), findings(rig)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("bot-scheduler:adopted", "nothing of this release"),
        ("bot-scheduler:template:1", "nothing of this release"),
        ("bot-scheduler:enabled", "nothing of this release"),
        ("bot-scheduler:job:1:slots", "nothing of this release"),
        ("bot-scheduler:job:1:open", "nothing of this release"),
        ("rq:queue:bot-scheduler-runs", "nothing of this release"),
        ("rq:wip:bot-scheduler-runs", "nothing of this release"),
        ("bot-scheduler:job:1", "not listed anywhere"),
        ("bot-scheduler:nobody-knows", "not documented"),
    ],
)
def test_a_key_that_was_left_behind_is_found(rig: Rig, key: str, told: str) -> None:
    found = Findings()
    check_keys(found, rig.client, rig.keys, [])
    assert found.stray == []
    rig.client.set(key, "1")
    check_keys(found, rig.client, rig.keys, [])
    assert any(key in sentence and told in sentence for sentence in found.stray), found.stray


def test_the_watch_sees_more_slots_or_leases_than_a_job_may_have(rig: Rig) -> None:
    watch = Watch(rig.client, rig.keys)
    job_id, runs = busy(rig)
    watch.look()
    assert watch.found == []
    rig.client.zadd(rig.keys.leases, dict.fromkeys(runs, 1.0))
    watch.look()
    assert [f"{job_id}: 4 runs have a lease" in sentence for sentence in watch.found] == [True]
    rig.client.hset(rig.keys.job(job_id), "held", 3)
    watch.look()
    assert any("3 runs hold a slot, though 2 may" in sentence for sentence in watch.found)
    watch.recount()
    assert any("held says 3" in sentence for sentence in watch.found)


def test_a_lowered_limit_lets_those_that_hold_a_slot_go_on_and_nobody_in() -> None:
    """Until there are fewer than it allows; a look that came late takes things as they are."""
    slots = Slots(limit=3, allowed=3)
    assert slots.seen(held=3, limit=3, blind=False)
    assert slots.seen(held=3, limit=1, blind=False)
    assert slots.seen(held=2, limit=1, blind=False)
    assert not slots.seen(held=3, limit=1, blind=False)
    assert slots.seen(held=3, limit=1, blind=True)
    assert slots.seen(held=1, limit=1, blind=False)
    assert not slots.seen(held=2, limit=1, blind=False)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("6f1b9f6e-0b1f-4b8e-9a43-0d8c1f0b7f11", True),
        ("6f1b9f6e-0b1f-8b8e-9a43-0d8c1f0b7f11", True),
        ("6f1b9f6e-0b1f-4b8e-1a43-0d8c1f0b7f11", False),  # another variant
        ("6f1b9f6e-0b1f-0b8e-9a43-0d8c1f0b7f11", False),  # no such version
        ("6F1B9F6E-0B1F-4B8E-9A43-0D8C1F0B7F11", False),
        ("6f1b9f6e0b1f4b8e9a430d8c1f0b7f11", False),
        ("job-1-1800000000", False),
    ],
)
def test_an_id_is_a_uuid_or_is_found(text: str, is_one: bool) -> None:
    assert is_uuid(text) is is_one
