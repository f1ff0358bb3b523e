"""Take-over from the release before schema 3: its scripts, as they were, run beside today's."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from service.domain.run_records import Outcome
from service.scheduler.reaper import Reaper
from service.scheduler.take_over import TakeOver
from service.store.keys import Keys
from service.store.schema import ensure_schema
from service.store.scripts import Scripts
from service.store.server.redis_clock import RedisClock
from tests.support.counts import check_counts, counted, left_by_older, members
from tests.support.older_release import OlderRelease
from tests.support.store_rig import Rig

KEYS = Keys()


def migrate(client: Redis) -> Rig:
    """Bring the older release's data to today's schema. Gives the parts of today's release."""
    ensure_schema(client, KEYS)
    return Rig.on(client)


def look(rig: Rig) -> None:
    """The leader's look, as once a second."""
    TakeOver(rig.scripts, rig.client).look()


def status(rig: Rig, run_id: str) -> str:
    """A run's status."""
    found: Any = rig.client.hget(KEYS.run(run_id), "status")
    return "" if found is None else str(found.decode())


def running(rig: Rig, job_id: str) -> int:
    """How many runs of a job hold a lease."""
    return sum(
        rig.client.hget(KEYS.run(run_id), "job_id") == job_id.encode() for run_id in members(rig.client, KEYS.leases)
    )


def carry_out(rig: Rig) -> list[str]:
    """Claim and end all that is queued, one after the other, as a worker of today does. Gives the runs in order."""
    done = []
    while queue := rig.queue():
        token = rig.start(queue[0])
        assert rig.client.hget(KEYS.run(queue[0]), "token") == token.encode()
        rig.runs.finish(queue[0], token, Outcome("success"))
        done.append(queue[0])
    return done


@pytest.fixture
def busy(older: OlderRelease) -> str:
    """A job of two slots: `first` is under way, `second` is queued, `third` and `fourth` wait."""
    job_id = older.make_job("busy", max_concurrent_runs=2)
    for run_id in ("first", "second", "third", "fourth"):
        older.ask_for_run(job_id, run_id)
    assert older.claim() == "first"
    return job_id


# The migration


def test_what_the_sets_said_is_counted_and_no_run_changes_its_place(older: OlderRelease, busy: str) -> None:
    """The one under way is adopted; the queue and those that wait keep their order; of the old keys few are left."""
    rig = migrate(older.client)
    assert (rig.queue(), members(rig.client, KEYS.waiting(busy))) == (["second"], ["third", "fourth"])
    assert counted(rig.client, KEYS, busy) == (4, 2)
    check_counts(rig.client, KEYS)
    assert rig.client.hgetall(KEYS.adopted) == {b"first": busy.encode()}
    assert left_by_older(rig.client) == [KEYS.adopted, KEYS.old_enabled, KEYS.old_started]
    assert (rig.client.get(KEYS.enabled_jobs), rig.client.zcard(KEYS.due)) == (b"1", 1)
    assert len(rig.client.hget(KEYS.job(busy), "kind") or b"") == 12


def test_a_kind_is_that_of_the_same_job_made_today(older: OlderRelease) -> None:
    """Or jobs of before would never share a plan with new ones."""
    old = older.make_job("old", overlap="queue")
    rig = migrate(older.client)
    new = rig.make_job(
        schedule_type="daily", schedule_config={"hour": 8, "minute": 0}, options={"overlap": "queue"}, bot_type="echo"
    )
    assert rig.client.hget(KEYS.job(old), "kind") == rig.client.hget(KEYS.job(new), "kind") is not None


def test_the_queue_of_many_jobs_keeps_its_order(older: OlderRelease) -> None:
    """What a worker had popped and not started comes first."""
    jobs = [older.make_job(f"job-{number}", max_concurrent_runs=3) for number in range(5)]
    order = [f"run-{number}" for number in range(15)]
    for number, run_id in enumerate(order):
        older.ask_for_run(jobs[number * 7 % 5], run_id)
    older.client.lmove(KEYS.old_queue, KEYS.old_intermediate)
    rig = migrate(older.client)
    assert rig.queue() == order
    assert {rig.client.hget(KEYS.rq_job(run_id), "origin") for run_id in order} == {KEYS.queue_name.encode()}
    assert carry_out(rig) == order and left_by_older(rig.client) == []


def test_a_limit_that_was_lowered_lets_no_further_run_start(older: OlderRelease, busy: str) -> None:
    """One slot, which the run under way has: the queued one waits in front of the others."""
    older.client.hset(KEYS.job(busy), "max_concurrent_runs", "1")
    rig = migrate(older.client)
    rig.client.lrem(KEYS.rq_queue, 0, "second")  # as a worker of today does, which cannot claim it
    assert members(rig.client, KEYS.waiting(busy)) == ["second", "third", "fourth"]
    check_counts(rig.client, KEYS)


@pytest.mark.parametrize("dies_at", range(1, 6))
def test_a_migration_that_is_killed_within_is_begun_anew(
    older: OlderRelease, busy: str, dies_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it died, the second one ends at the same records; meanwhile old workers have gone on."""
    for number in range(3):
        older.ask_for_run(older.make_job(f"other-{number}"), f"run-{number}")
    run_many, calls = Scripts.run_many, iter(range(1000))

    class Killed(Exception):
        """The process is no more."""

    def dying(self: Scripts, verb: str, calls_: object) -> object:
        if next(calls) + 1 == dies_at:
            raise Killed
        return run_many(self, verb, calls_)  # type: ignore[arg-type]

    monkeypatch.setattr("service.store.older_jobs.JOBS_AT_ONCE", 1)
    monkeypatch.setattr(Scripts, "run_many", dying)
    if dies_at <= 4:
        with pytest.raises(Killed):
            ensure_schema(older.client, KEYS)
        older.end("first")
        assert older.client.get(KEYS.schema_version) == b"2"
    monkeypatch.setattr(Scripts, "run_many", run_many)
    rig = migrate(older.client)
    look(rig)
    check_counts(rig.client, KEYS)
    assert rig.client.get(KEYS.enabled_jobs) == b"4"


# Runs that old workers have under way


def test_an_old_worker_ends_its_run_while_others_wait(older: OlderRelease, busy: str) -> None:
    """Its script promotes nobody; the look gives its slot to the next in line."""
    rig = migrate(older.client)
    assert older.end("first") == b"ended"
    assert older.claim() is None and rig.queue() == ["second"]
    look(rig)
    assert (rig.queue(), members(rig.client, KEYS.waiting(busy))) == (["second", "third"], ["fourth"])
    check_counts(rig.client, KEYS)
    assert carry_out(rig) == ["second", "third", "fourth"]
    assert left_by_older(rig.client) == [] and counted(rig.client, KEYS, busy) == (0, 0)


@pytest.mark.parametrize("claimed_at_once", [True, False])
def test_it_fails_and_is_repeated_at_once(older: OlderRelease, busy: str, claimed_at_once: bool) -> None:
    """The retry takes its slot, at the old worker in the same step, or at one of today's; nobody else's."""
    rig = migrate(older.client)
    rig.start("second")
    older.end("first", "failed", ("again", 0))
    if claimed_at_once:
        assert older.claim() == "again"
    look(rig)
    assert running(rig, busy) == (2 if claimed_at_once else 1)
    assert rig.queue() == ([] if claimed_at_once else ["again"])
    assert members(rig.client, KEYS.waiting(busy)) == ["third", "fourth"]
    check_counts(rig.client, KEYS)
    assert [run["id"] for run in rig.history(busy)] == ["again", "fourth", "third", "second", "first"]
    if claimed_at_once:
        older.end("again")
    look(rig)
    check_counts(rig.client, KEYS)
    carry_out(rig)
    assert [run["id"] for run in rig.history(busy) if run["status"] == "queued"] == []


def test_it_fails_and_is_repeated_later(older: OlderRelease, busy: str) -> None:
    """The retry holds no slot during its delay, and is released by today's scheduler."""
    rig = migrate(older.client)
    older.end("first", "failed", ("again", 1))
    look(rig)
    assert counted(rig.client, KEYS, busy) == (4, 2)
    check_counts(rig.client, KEYS)
    rig.pass_ms(2)
    rig.runs.release_delayed("again")
    check_counts(rig.client, KEYS)
    assert carry_out(rig) == ["second", "third", "fourth", "again"]


def test_a_retry_that_is_over_before_the_look_is_counted_right(older: OlderRelease) -> None:
    """Released, claimed and ended by today's processes within the second."""
    job_id = older.make_job("job")
    older.ask_for_run(job_id, "first")
    older.claim()
    rig = migrate(older.client)
    older.end("first", "failed", ("again", 1))
    rig.pass_ms(2)
    rig.runs.release_delayed("again")
    look(rig)
    assert carry_out(rig) == ["again"] and counted(rig.client, KEYS, job_id) == (0, 0)
    check_counts(rig.client, KEYS)


def test_it_is_cancelled(older: OlderRelease, busy: str) -> None:
    """The old worker hears of it when it renews its lease."""
    rig = migrate(older.client)
    assert rig.runs.cancel(busy, "first", "not wanted") == "told"
    assert older.run("renew_lease", "first", "older", 30_000) == b"cancel"
    older.end("first")
    look(rig)
    assert status(rig, "first") == "cancelled"
    check_counts(rig.client, KEYS)


def test_its_worker_dies(older: OlderRelease) -> None:
    """The reaper of today ends the run when its lease is over, and clears RQ's records."""
    job_id = older.make_job("job")
    for run_id in ("first", "second"):
        older.ask_for_run(job_id, run_id)
    older.claim(lease_ms=1)
    rig = migrate(older.client)
    rig.pass_ms(2)
    take_over = TakeOver(rig.scripts, rig.client)
    Reaper(rig.runs, rig.job_store, KEYS, rig.client, take_over).pass_over(RedisClock(rig.client).now_ms())
    assert (status(rig, "first"), rig.queue()) == ("failed", ["second"])
    check_counts(rig.client, KEYS)
    assert left_by_older(rig.client) == [] and not rig.client.keys("rq:execution*")
    assert older.end("first") == b"lost" and status(rig, "first") == "failed"


@pytest.mark.parametrize("retry", [None, ("again", 0), ("again", 60_000)])
@pytest.mark.parametrize("deleted_first", [True, False])
def test_its_job_is_deleted(older: OlderRelease, busy: str, retry: object, deleted_first: bool) -> None:
    """Before or after its end: nothing of the job comes back, or stays."""
    rig = migrate(older.client)
    steps: list[Callable[[], object]] = [lambda: rig.jobs.delete(busy), lambda: older.end("first", "failed", retry)]
    for step in steps if deleted_first else reversed(steps):
        step()
    look(rig)
    names = [name.decode() for name in rig.client.scan_iter()]
    names.remove(KEYS.deleted_job(busy))
    assert [name for name in names if busy in name or ":run:" in name or "again" in name] == []
    assert all(rig.client.ttl(name) > 0 for name in names if "first" in name)
    assert left_by_older(rig.client) == [] and not rig.client.exists(KEYS.retries, KEYS.queued, KEYS.rq_queue)


def test_its_job_is_disabled(older: OlderRelease, busy: str) -> None:
    """What is queued and waits still runs."""
    rig = migrate(older.client)
    rig.jobs.toggle(busy, {"enabled": False})
    older.end("first")
    look(rig)
    check_counts(rig.client, KEYS)
    assert carry_out(rig) == ["second", "third", "fourth"]


@pytest.mark.parametrize(("limit", "queued"), [(1, ["second"]), (3, ["second", "third", "fourth"])])
def test_its_jobs_limit_is_changed(older: OlderRelease, busy: str, limit: int, queued: list[str]) -> None:
    """Raising it promotes at once, and again at the run's end; lowering it stops nothing."""
    rig = migrate(older.client)
    rig.jobs.update(busy, {"options": {"max_concurrent_runs": limit}})
    check_counts(rig.client, KEYS)
    older.end("first")
    look(rig)
    assert rig.queue() == queued
    check_counts(rig.client, KEYS)


def test_its_failure_switches_its_job_off(older: OlderRelease) -> None:
    """The old script takes it from the old set; the counter, the due index and the delayed retries follow."""
    job_id = older.make_job("job", disable_after_failures=1, max_concurrent_runs=2)
    another = older.make_job("another")
    older.ask_for_run(job_id, "first")
    older.claim()
    rig = migrate(older.client)
    assert rig.client.get(KEYS.enabled_jobs) == b"2"
    older.end("first", "failed")
    for _ in range(2):
        look(rig)
    assert rig.client.hget(KEYS.job(job_id), "enabled") == b"0"
    assert (rig.client.get(KEYS.enabled_jobs), members(rig.client, KEYS.due)) == (b"1", [another])


def test_its_end_removes_no_open_run_from_the_history(older: OlderRelease, busy: str) -> None:
    """The old script keeps ten ended runs, and finds the open ones in a set that is no more."""
    rig = migrate(older.client)
    for _ in range(20):
        rig.use.run_now(busy)
    older.end("first")
    look(rig)
    assert len(rig.history(busy)) == 24 and len(carry_out(rig)) == 23


# Old processes that were frozen


def test_a_frozen_schedulers_decision_comes_to_nothing(older: OlderRelease) -> None:
    """It decides an occurrence by what it has read before; today's scheduler decides it, once."""
    job_id = older.make_job("job")
    due = RedisClock(older.client).now_ms() // 1000 * 1000 - 1000
    older.client.hset(KEYS.job(job_id), mapping={"next_occurrence": due // 1000, "next_due": due})
    older.client.zadd(KEYS.old_due, {job_id: due})
    plan = {
        "due": str(due), "first": str(due // 1000), "last_decided": str(due // 1000), "next_due": str(due + 86_400_000),
        "next_occurrence": str(due // 1000 + 86_400),
        "decisions": [{"run": True, "occurrence": str(due // 1000), "occurrences": "1", "due": str(due)}],
    }  # fmt: skip
    batch = json.dumps({"now": str(due + 1000), "plans": [plan], "jobs": [[job_id, "1", 1]]})
    rig = migrate(older.client)
    assert older.run("decide", batch, KEYS.prefix) == [b"stale"]
    older.run("restore_due", job_id)
    look(rig)
    assert left_by_older(rig.client) == [] and rig.client.zscore(KEYS.due, job_id) == due
    rig.scheduler().enqueue_jobs()
    assert [run["status"] for run in rig.history(job_id)] == ["queued"]
    assert older.run("decide", batch, KEYS.prefix) == [b"stale"]
    check_counts(rig.client, KEYS)


def test_a_frozen_worker_that_wakes_claims_nothing(older: OlderRelease, busy: str) -> None:
    """Neither the run that it had popped nor the next one of its queue."""
    popped = older.client.lmove(KEYS.old_queue, KEYS.old_intermediate)
    rig = migrate(older.client)
    assert popped == b"second" and older.claim("second") is None and older.claim(token="woken") is None
    assert rig.queue() == ["second"] and rig.start("second")
    assert older.claim("second") is None
    check_counts(rig.client, KEYS)


def test_a_frozen_scheduler_that_releases_a_retry_does_not_exceed_the_limit(older: OlderRelease, busy: str) -> None:
    """Its script finds all slots free; the look puts the retry in front of those that wait."""
    rig = migrate(older.client)
    rig.start("second")
    older.end("first", "failed", ("again", 1))
    look(rig)  # the third run gets the slot
    rig.pass_ms(2)
    older.run("release_retry", "again")
    look(rig)
    assert (rig.queue(), members(rig.client, KEYS.waiting(busy))) == (["third"], ["again", "fourth"])
    check_counts(rig.client, KEYS)
    assert left_by_older(rig.client) == []


def test_a_frozen_web_process_makes_a_job(older: OlderRelease) -> None:
    """It gets its place in today's due index, and its kind."""
    rig = migrate(older.client)
    job_id = older.make_job("late")
    look(rig)
    assert members(rig.client, KEYS.due) == [job_id] and rig.client.hexists(KEYS.job(job_id), "kind")
    assert not rig.client.exists(KEYS.old_due)


# The look


def test_a_look_at_nothing_costs_one_command(rig: Rig) -> None:
    """Once a second, for ever."""
    take_over = TakeOver(rig.scripts, rig.client)
    before = rig.client.info("commandstats")
    for _ in range(10):
        take_over.look()
    after = rig.client.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    assert {name: count for name, count in calls.items() if count and "info" not in name} == {"cmdstat_exists": 10}


def test_another_look_changes_nothing(older: OlderRelease, busy: str) -> None:
    """It is safe to repeat."""
    rig = migrate(older.client)
    older.end("first", "failed", ("again", 0))
    look(rig)
    before = {name: rig.client.dump(name) for name in rig.client.scan_iter()}
    look(rig)
    assert {name: rig.client.dump(name) for name in rig.client.scan_iter()} == before


@pytest.mark.parametrize("seed", range(12))
def test_whatever_both_releases_do_no_run_is_lost_or_doubled(older: OlderRelease, seed: int) -> None:
    """Three hundred steps of both in a random order; limits are held at each, and the counts right in the end."""
    dice = random.Random(seed)
    jobs = {older.make_job(f"job-{limit}", max_concurrent_runs=limit, overlap="queue"): limit for limit in (1, 2, 3)}
    old_runs: dict[str, str] = {}  # under way at old workers -> the claim's token
    new_runs: dict[str, str] = {}
    made: set[str] = set()

    def name_run() -> str:
        made.add(f"run-{len(made)}")
        return f"run-{len(made) - 1}"

    def old_claim() -> None:
        token = f"old-{dice.random()}"
        if (run_id := older.claim(token=token)) is not None:
            old_runs[run_id] = token

    for _ in range(30):
        older.ask_for_run(dice.choice(list(jobs)), name_run())
        if dice.random() < 0.3:
            old_claim()
    rig = migrate(older.client)

    def old_end() -> None:
        if old_runs:
            run_id = dice.choice(sorted(old_runs))
            failed = dice.random() < 0.6
            retry = (name_run(), dice.choice([0, 0, 1])) if failed else None
            assert older.end(run_id, "failed" if failed else "success", retry, old_runs.pop(run_id)) == b"ended"
            if dice.random() < 0.5:
                old_claim()

    def new_claim() -> None:
        if queue := rig.queue():
            new_runs[queue[0]] = rig.start(queue[0])

    def new_end() -> None:
        if new_runs:
            run_id = dice.choice(sorted(new_runs))
            rig.runs.finish(run_id, new_runs.pop(run_id), Outcome("success"))

    def ask() -> None:
        run_id = name_run()
        assert rig.runs.request(dice.choice(list(jobs)), run_id, None) == "queued"

    def release() -> None:
        for run_id in rig.runs.delayed_until(RedisClock(rig.client).now_ms() + 5, 100):
            rig.pass_ms(5)
            rig.runs.release_delayed(run_id)

    steps: list[Callable[[], None]] = [
        old_end,
        old_claim,
        new_claim,
        new_claim,
        new_end,
        ask,
        release,
        lambda: look(rig),
    ]
    for _ in range(300):
        dice.choice(steps)()
        for job_id, limit in jobs.items():
            assert running(rig, job_id) <= limit
    while old_runs or new_runs or rig.queue() or rig.client.exists(KEYS.retries):
        for step in (old_end, new_claim, new_end, release, lambda: look(rig)):
            step()
    look(rig)
    check_counts(rig.client, KEYS)
    assert left_by_older(rig.client) == []
    listed = [run_id for job_id in jobs for run_id in members(rig.client, KEYS.history(job_id))]
    assert sorted(listed) == sorted(made)
    assert {status(rig, run_id) for run_id in made} <= {"success", "failed"}
