"""What jobs of one kind share when they are due together, and what they never share."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from redis import Redis

from service.scheduler.batch import BATCH
from service.scheduler.plans import Plans
from service.scheduler.scheduler import AHEAD_MS
from service.store.jobs.due import read_due
from tests.store.test_clock_steps import Clocked
from tests.store.test_clock_steps import clocked as clocked
from tests.support.store_rig import Rig

CRON = {"schedule_type": "cron", "schedule_config": {"cron_expression": "* * * * *"}}


@pytest.fixture
def rig(clocked: Clocked) -> Rig:
    """Half past a minute, and there time stands: what is due each minute is due once, however long a test takes."""
    clocked.pass_time(30)
    return clocked.rig


def make_due(rig: Rig, count: int, seconds_ago: int = 1, **fields: Any) -> list[str]:
    """Make jobs that are alike, and due together. Returns their ids."""
    made = [rig.make_job(**{**CRON, **fields}) for _ in range(count)]
    due = rig.pretend_due(made[0], seconds_ago)
    for job_id in made:
        rig.client.hset(rig.keys.job(job_id), mapping={"next_occurrence": due, "next_due": due * 1000, "anchor": due})
        rig.client.zadd(rig.keys.due, {job_id: due * 1000})
    return made


def planned(rig: Rig) -> dict[str, Any]:
    """Plan what is due. Returns the plans by name."""
    plans = Plans()
    now_ms, due = read_due(rig.scripts, 100, 0)
    for entry in due:
        plans.add(entry.read(), now_ms)
    pairs = plans.take(100)
    grouped = zip(pairs[::2], pairs[1::2], strict=True)
    return {name: orjson.loads(plan) for names, plan in grouped for name in orjson.loads(names)}


def committed(rig: Rig, plans: dict[str, Any]) -> int:
    """Commit plans once. Returns how many jobs were decided."""
    pairs = [part for name, plan in plans.items() for part in (orjson.dumps([name]), orjson.dumps(plan))]
    return int(rig.scripts.run("decide", 100, *pairs)[1])


def test_jobs_of_one_kind_share_a_plan_and_nothing_else(rig: Rig) -> None:
    """Another expression, option or instant is another plan; each interval and each jittered job has its own."""
    make_due(rig, 3)
    make_due(rig, 2, schedule_config={"cron_expression": "*/2 * * * *"})
    make_due(rig, 1, options={"overlap": "queue"})
    make_due(rig, 1, seconds_ago=9)
    make_due(rig, 2, options={"jitter_seconds": 1})
    make_due(rig, 2, schedule_type="interval", schedule_config={"minutes": 2})
    plans = planned(rig)
    assert (len(plans), sum("revision" in plan for plan in plans.values())) == (8, 4)
    assert rig.scheduler().enqueue_jobs() == len(set(rig.queue())) == 11


def test_the_records_of_runs_that_are_alike_differ_in_their_ids_alone(rig: Rig) -> None:
    """Also where a name is long, so that RQ's record has another form."""
    jobs = [*make_due(rig, 2, name="short"), *make_due(rig, 2, name="long " * 30)]
    rig.scheduler().enqueue_jobs()
    records = []
    for job_id in jobs:
        (run_id,) = [str(run["id"]) for run in rig.history(job_id)]
        run, rq_job = rig.client.hgetall(rig.keys.run(run_id)), rig.client.hgetall(rig.keys.rq_job(run_id))
        name = rig.client.hget(rig.keys.job(job_id), "name")
        assert (run.pop(b"job_id"), rq_job.pop(b"description")) == (job_id.encode(), name)
        run.pop(b"id", None)
        records.append((run, rq_job))
        assert rig.client.hmget(rig.keys.job(job_id), "held", "open") == [b"1", b"1"]
    assert all(record == records[0] for record in records)
    short, long = (rig.history(job_id)[0]["id"] for job_id in (jobs[1], jobs[3]))
    assert rig.client.object("encoding", rig.keys.rq_job(short)) != rig.client.object("encoding", rig.keys.rq_job(long))


CHANGES: dict[str, Callable[[Rig, str, int], object]] = {
    "schedule": lambda rig, job, _: rig.jobs.update(job, {"schedule_config": {"cron_expression": "0 0 1 1 *"}}),
    "options": lambda rig, job, _: rig.jobs.update(job, {"options": {"overlap": "queue"}}),
    "jitter": lambda rig, job, _: rig.jobs.update(job, {"options": {"jitter_seconds": 7}}),
    "switched off": lambda rig, job, _: rig.jobs.toggle(job, {"enabled": False}),
    "enabled": lambda rig, job, _: rig.client.hset(rig.keys.job(job), "enabled", "0"),
    "kind": lambda rig, job, _: rig.client.hset(rig.keys.job(job), "kind", "another"),
    "next_occurrence": lambda rig, job, due: rig.client.hset(rig.keys.job(job), "next_occurrence", due - 60),
    "next_due": lambda rig, job, due: rig.client.hset(rig.keys.job(job), "next_due", due * 1000 - 1),
    "last_decided": lambda rig, job, due: rig.client.hset(rig.keys.job(job), "last_decided", due),
    "score": lambda rig, job, due: rig.client.zadd(rig.keys.due, {job: due * 1000 - 1}),
    "deleted": lambda rig, job, _: rig.jobs.delete(job),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_job_that_changed_since_it_was_planned_is_not_decided_by_the_old_plan(
    rig: Rig, change: Callable[[Rig, str, int], object]
) -> None:
    """Whatever its plan follows from; its neighbour is decided."""
    changed, neighbour = make_due(rig, 2)
    plans = planned(rig)
    change(rig, changed, int(next(iter(plans)).rsplit("/")[-1]) // 1000)
    assert committed(rig, plans) == 1
    assert (len(rig.history(neighbour)), rig.client.exists(rig.keys.history(changed))) == (1, 0)


@pytest.mark.parametrize("change", ["revision", "next_occurrence", "next_due", "last_decided", "enabled"])
def test_nor_is_a_job_with_a_plan_of_its_own(rig: Rig, change: str) -> None:
    """An interval is fenced by its revision too."""
    (job_id,) = make_due(rig, 1, schedule_type="interval", schedule_config={"minutes": 2})
    plans = planned(rig)
    rig.client.hset(rig.keys.job(job_id), change, 0 if change == "enabled" else 9_999_999_999)
    assert committed(rig, plans) == 0
    assert not rig.client.exists(rig.keys.history(job_id))


@pytest.mark.parametrize("made", [-5_000, 60_000])
def test_a_plan_from_before_the_clock_was_set_decides_nothing(rig: Rig, made: int) -> None:
    """It is as old as the step, or from the future; nothing says then that it was acted by this time."""
    make_due(rig, 1)
    plans = planned(rig)
    for plan in plans.values():
        plan["as_of"] += made
    acted = rig.client.hget(rig.keys.clock, "acted")
    assert committed(rig, plans) == 0
    assert rig.client.hget(rig.keys.clock, "acted") == acted


HOSTILE: dict[str, Callable[[Redis, str, str], object]] = {
    "no kind": lambda client, job, _: client.hdel(job, "kind"),
    "kind of another": lambda client, job, other: client.hset(job, "kind", client.hget(other, "kind") or b""),
    "kind is no text": lambda client, job, _: client.hset(job, "kind", b"\xff\x00"),
    "no name": lambda client, job, _: client.hdel(job, "name", "bot_type"),
    "no times": lambda client, job, _: client.hset(job, mapping={"created_at": "x", "clock_epoch": "y"}),
    "no counts": lambda client, job, _: client.hset(job, mapping={"held": "x", "open": "nan"}),
    "no decided": lambda client, job, _: client.hset(job, mapping={"last_decided": "x"}),
    "no occurrence": lambda client, job, _: client.hdel(job, "next_occurrence"),
    "no hash": lambda client, job, _: (client.delete(job), client.set(job, "x")),
}


@pytest.mark.parametrize("harm", HOSTILE.values(), ids=HOSTILE)
def test_a_hash_that_outside_hands_changed_harms_no_other_job(
    rig: Rig, harm: Callable[[Redis, str, str], object]
) -> None:
    """Jobs of its kind, of another kind and of none all run, each by its own schedule."""
    alike = make_due(rig, 3)
    rare = make_due(rig, 1, schedule_config={"cron_expression": "0 0 1 1 *"})
    single = make_due(rig, 1, schedule_type="interval", schedule_config={"minutes": 2})
    harmed = sorted(alike)[0]
    harm(rig.client, rig.keys.job(harmed), rig.keys.job(rare[0]))
    scheduler = rig.scheduler()
    for _ in range(3):
        scheduler.enqueue_jobs()
    healthy = [job_id for job_id in [*alike, *rare, *single] if job_id != harmed]
    assert [len(rig.history(job_id)) for job_id in healthy] == [1] * 4
    soon = scheduler._due_jobs.read(0) + 61_000
    later = [(rig.client.zscore(rig.keys.due, job_id) or 0) > soon for job_id in healthy]
    assert later == [False, False, True, True], "each went on by its own schedule"


def test_a_wrong_kind_is_put_right_when_its_job_is_decided(rig: Rig) -> None:
    """An older release does not know of kinds, and leaves the one that the job had."""
    (job_id,) = make_due(rig, 1)
    right = rig.client.hget(rig.keys.job(job_id), "kind")
    rig.client.hset(rig.keys.job(job_id), "kind", "of another")
    assert rig.scheduler().enqueue_jobs() == 1
    assert rig.client.hget(rig.keys.job(job_id), "kind") == right


def test_a_run_id_is_a_uuid_of_its_job_its_creation_its_instant_and_the_clocks_epoch(rig: Rig) -> None:
    """A job made again under its id, or an instant decided anew, has other runs; ids that are no UUIDs work, too."""
    (job_id,) = make_due(rig, 1)
    job, found = rig.keys.job(job_id), set()
    due = int(rig.client.hget(job, "next_due") or 0)
    fields: Any = rig.client.hgetall(job)
    changes: list[tuple[str, dict[str, Any]]] = [
        (job_id, {}), (job_id, {"created_at": 1}), (job_id, {"clock_epoch": 1}), ("a job", {}),
    ]  # fmt: skip
    for name, change in changes:
        rig.client.delete(rig.keys.job(name), rig.keys.history(name))
        rig.client.hset(rig.keys.job(name), mapping=fields | change)
        rig.client.zadd(rig.keys.due, {name: due})
        assert rig.scheduler().enqueue_jobs() == 1
        run_ids: Any = rig.client.lrange(rig.keys.history(name), 0, -1)
        run_id = run_ids[0].decode()
        its = uuid.UUID(run_id)
        assert (its.version, its.variant, its.node) == (8, uuid.RFC_4122, due // 1000)
        assert (len(run_ids), str(its)) == (1, run_id)
        found.add(its)
    assert len(found) == 4


def test_two_installations_on_one_redis_never_share_a_run(rig: Rig) -> None:
    """RQ's keys have no prefix, and a job may have been copied from one installation to the other, id and all."""
    (job_id,) = make_due(rig, 1)
    other = Rig.on(rig.client, prefix="another")
    due = int(rig.client.hget(rig.keys.job(job_id), "next_due") or 0)
    rig.client.copy(rig.keys.job(job_id), other.keys.job(job_id))
    rig.client.zadd(other.keys.due, {job_id: due})
    assert rig.scheduler().enqueue_jobs() == other.scheduler().enqueue_jobs() == 1
    assert len({*rig.queue(), *other.queue()}) == 2


def test_an_occurrence_that_outside_hands_set_back_gets_no_second_run(rig: Rig) -> None:
    """Its id is taken, so the job moves on, and its run stays as it is."""
    (job_id,) = make_due(rig, 1, options={"max_concurrent_runs": 2})
    before: Any = rig.client.hgetall(rig.keys.job(job_id))
    rig.scheduler().enqueue_jobs()
    (run_id,) = rig.queue()
    rig.start(run_id)
    for name in ("next_occurrence", "next_due"):
        rig.client.hset(rig.keys.job(job_id), name, before[name.encode()])
    rig.client.hdel(rig.keys.job(job_id), "last_decided")
    rig.client.zadd(rig.keys.due, {job_id: int(before[b"next_due"])})
    assert rig.scheduler().enqueue_jobs() == 1
    (run,) = rig.history(job_id)
    assert (run["id"], run["status"], rig.queue()) == (run_id, "running", [])
    assert rig.client.hmget(rig.keys.job(job_id), "held", "open") == [b"1", b"1"]


def test_jobs_are_planned_before_their_instant_and_decided_at_it_by_one_call(
    clocked: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a millisecond early, whatever is planned."""
    job_id = clocked.rig.make_job(**CRON)
    clocked.work()
    clocked.pass_time(60 - AHEAD_MS / 1000)
    clocked.scheduler.heartbeat()
    clocked.scheduler._plan(AHEAD_MS)
    monkeypatch.setattr("service.scheduler.batch.read_due", lambda *_: pytest.fail("it is planned already"))
    clocked.pass_time((AHEAD_MS - 1) / 1000)
    assert clocked.scheduler.enqueue_jobs() == 0
    clocked.pass_time(0.001)
    assert clocked.scheduler.enqueue_jobs() == 1
    assert len(clocked.rig.history(job_id)) == 1


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_clock_that_is_set_between_planning_and_deciding_leads_to_no_wrong_decision(
    clocked: Clocked, seconds: int
) -> None:
    """Back: nothing is due. Forward: the plan is void, and the step is recorded before anything is decided by it."""
    job_id = clocked.rig.make_job(**CRON)
    clocked.work()
    clocked.pass_time(59.99)
    clocked.scheduler.heartbeat()
    clocked.scheduler._plan(AHEAD_MS)
    clocked.step(seconds)
    clocked.pass_time(0.02)
    assert clocked.scheduler.enqueue_jobs() == (1 if seconds > 0 else 0)
    job = clocked.rig.keys.job(job_id)
    assert clocked.client.hexists(job, "ahead") == clocked.client.hexists(job, "last_decided") == (seconds > 0)
    entries = [(run["status"], run["occurrences"]) for run in clocked.rig.history(job_id)]
    assert entries == ([("queued", 1), ("skipped", 60)] if seconds > 0 else [])


def test_a_call_takes_no_more_plans_than_it_decides(rig: Rig) -> None:
    """A job that catches up fills a call alone, and the plans of the others wait for the next: each is made once."""
    options = {"catch_up": "all", "overlap": "queue", "misfire_grace_seconds": 1_000_000}
    for _ in range(3):
        rig.pretend_due(rig.make_job(options=options), 150 * 60)
    plans = Plans()
    now_ms, due = read_due(rig.scripts, 100, 0)
    for entry in due:
        plans.add(entry.read(), now_ms)
    before = plans.single
    taken = [len(plans.take(100)) // 2 for _ in range(4)]
    assert (before, plans.single, taken) == (3 * 100, 0, [1, 1, 1, 0])


def test_no_call_makes_more_than_a_hundred_runs_whatever_is_due(rig: Rig) -> None:
    """Redis serves nobody else meanwhile: a long catch-up, and whoever is due after it, take several calls."""
    options = {"catch_up": "all", "overlap": "queue", "misfire_grace_seconds": 1_000_000}
    jobs = [rig.make_job(options=options), rig.make_job(options=options), rig.make_job()]
    for job_id, minutes in zip(jobs, (250, 60, 0), strict=True):
        rig.pretend_due(job_id, minutes * 60 + 1)
    plans, made = Plans(), [0]
    while made[-1] < 313 and len(made) < 20:
        now_ms, due = read_due(rig.scripts, 100, 0)
        for entry in due:
            plans.add(entry.read(), now_ms)
        rig.scripts.run("decide", BATCH, *plans.take(BATCH))
        made.append(sum(rig.client.llen(rig.keys.history(job_id)) for job_id in jobs))
    assert made[-1] == 313
    assert max(after - before for before, after in zip(made, made[1:], strict=False)) <= BATCH


@pytest.mark.parametrize("count", [100, 101, 102, 250])
def test_a_long_catch_up_is_decided_at_once_and_in_order(rig: Rig, count: int) -> None:
    """In one turn of the scheduler, though in several calls. The last run waits like the others."""
    job_id = rig.make_job(options={"catch_up": "all", "misfire_grace_seconds": 1_000_000})
    first = rig.pretend_due(job_id, (count - 1) * 60 + 1)
    rig.scheduler().enqueue_jobs()
    ids: Any = rig.client.lrange(rig.keys.history(job_id), 0, -1)
    fields = [rig.client.hmget(rig.keys.run(run_id.decode()), "status", "scheduled_for") for run_id in reversed(ids)]
    assert fields == [[b"queued", str(first + 60 * number).encode()] for number in range(count)]
    assert rig.client.llen(rig.keys.waiting(job_id)) == count - 1
