"""Redis as outside hands may have left it: invalid entries, wrong counts, lost slots and leases."""

from __future__ import annotations

import time

import pytest

from service.domain.run_records import Outcome
from service.worker.endings import retry_after
from service.worker.waiting import QueueWait
from tests.support.store_rig import Rig

NO_TEXT = b"\xff\xfe"
LISTS = ("rq_queue", "rq_intermediate", "runs")
SORTED_SETS = ("due", "jobs", "queued", "leases", "retries", "rq_finished", "rq_failed", "workers", "schedulers")


def turn(rig: Rig) -> None:
    """Lets a new scheduler do all that it does, its reaper and its sweep included."""
    rig.client.delete(rig.keys.leader)  # else it would wait for the end of another one's lease
    scheduler = rig.scheduler()
    scheduler.run(burst=True)


@pytest.mark.parametrize("name", [*LISTS, *SORTED_SETS])
def test_an_entry_that_is_no_text_stops_nobody(rig: Rig, name: str) -> None:
    """The scheduler and its reaper go on, lists are answered, and the next run is taken."""
    job_id = rig.make_job()
    rig.pretend_due(job_id, 1)
    if name in LISTS:
        rig.client.rpush(getattr(rig.keys, name), NO_TEXT)
    else:
        rig.client.zadd(getattr(rig.keys, name), {NO_TEXT: 1})
    turn(rig)
    assert [run["status"] for run in rig.history(job_id)] == ["queued"]
    assert [job["id"] for job in rig.jobs.list(limit=10).data] == [job_id]
    assert len(rig.use.all_runs(limit=10).data) == 1
    wait = QueueWait(rig.client, rig.keys)
    popped = [wait.pop() for _ in range(len(rig.client.lrange(rig.keys.rq_queue, 0, -1)))]
    claims = [rig.runs.claim(one[0], "a token", "worker-1", 1000) for one in popped if one]
    assert sum(claim is not None for claim in claims) == 1


@pytest.mark.parametrize(
    "damage", [{"held": "1000000000000"}, {"held": "inf"}, {"open": "7", "held": "1"}, {"open": "x", "held": "0x10"}]
)
def test_counts_that_are_too_high_are_counted_anew(rig: Rig, damage: dict[str, str]) -> None:
    """A run that waits for a slot that nobody holds gets it."""
    job_id = rig.make_job()
    for name, value in damage.items():
        rig.client.hset(rig.keys.job(job_id), name, value)
    run_id = rig.use.run_now(job_id)
    assert rig.queue() == []
    turn(rig)
    assert (rig.queue(), rig.counts(job_id)) == ([run_id], (1, 1))


def test_a_queued_run_that_has_lost_its_slot_gets_one_again(rig: Rig) -> None:
    """It keeps its place ahead of those that came later, and no delayed retry is mistaken for one."""
    job_id = rig.make_job(options={"max_retries": 1, "max_concurrent_runs": 1})
    first, second = rig.use.run_now(job_id), rig.use.run_now(job_id)
    rig.client.hdel(rig.keys.run(first), "slot")
    rig.client.delete(rig.keys.rq_queue)
    turn(rig)
    assert (rig.queue(), rig.counts(job_id)) == ([first], (2, 1))
    assert rig.runs.finish(first, rig.start(first), Outcome("success"))
    assert rig.queue() == [second]


def test_right_counts_stay(rig: Rig) -> None:
    """With runs that are queued, wait, are under way, and await their delay."""
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    ids = [rig.use.run_now(job_id) for _ in range(4)]
    rig.start(ids[0])
    before = rig.client.hgetall(rig.keys.job(job_id))
    turn(rig)
    assert rig.client.hgetall(rig.keys.job(job_id)) == before
    assert (rig.queue(), rig.counts(job_id)) == ([ids[1]], (4, 2))


def test_a_run_under_way_that_has_lost_its_lease_gets_another(rig: Rig) -> None:
    """So the reaper ends it, unless its worker is alive."""
    run_id = rig.use.run_now(rig.make_job())
    rig.start(run_id)
    rig.client.delete(rig.keys.leases)
    turn(rig)
    assert rig.client.zscore(rig.keys.leases, run_id) > time.time() * 1000  # type: ignore[operator]


def test_a_limit_that_is_no_number_counts_as_one(rig: Rig) -> None:
    """Its runs end, and the next one gets the slot."""
    job_id = rig.make_job()
    rig.client.hset(rig.keys.job(job_id), "max_concurrent_runs", "many")
    first, second = rig.use.run_now(job_id), rig.use.run_now(job_id)
    assert rig.runs.finish(first, rig.start(first), Outcome("success"))
    assert (rig.queue(), rig.counts(job_id)) == ([second], (1, 1))


@pytest.mark.parametrize("name", ["last_decided", "anchor"])
def test_a_damaged_job_does_not_hold_up_the_look_for_a_wrong_clock(rig: Rig, name: str) -> None:
    """Its field counts as 0."""
    job_id = rig.make_job()
    rig.client.hset(rig.keys.job(job_id), name, "x")
    assert rig.scripts.run("read_ahead", 7200, "", "", 1000, job_id)[1:] == []


def test_the_end_of_a_run_without_a_bot_is_known(rig: Rig) -> None:
    """It has no retry, and its worker goes on."""
    run_id = rig.use.run_now(rig.make_job())
    rig.client.hdel(rig.keys.run(run_id), "bot_type")
    claim = rig.runs.claim(run_id, "a token", "worker-1", 1000)
    assert claim is not None
    assert retry_after(claim, Outcome("failed", "no bot"), {}) is None


def test_an_occurrence_whose_run_has_a_key_of_another_type_is_not_lost(rig: Rig) -> None:
    """Its job is set aside, and decides the occurrence once the key is gone; others go on."""
    job_id, other = rig.make_job(options={"max_concurrent_runs": 5}), rig.make_job()
    first = rig.run_due(job_id)
    occurrence = rig.pretend_due(job_id, 0)
    rig.pretend_due(other, 0)
    planted = rig.keys.run(f"{first[:24]}{occurrence:012x}")
    rig.client.set(planted, "planted")
    rig.scheduler().enqueue_jobs()
    assert len(rig.history(other)) == 1
    assert (rig.client.hget(rig.keys.job(job_id), "state"), rig.counts(job_id)) == (b"broken", (1, 1))
    rig.client.delete(planted)
    turn(rig)
    assert rig.job_store.get(job_id).plan.next_occurrence == occurrence  # type: ignore[union-attr]


def test_a_registry_that_rq_cannot_read_stops_no_scheduler(rig: Rig) -> None:
    """Its clean-up is left out."""
    rig.client.sadd(f"rq:workers:{rig.keys.queue_name}", NO_TEXT)
    job_id = rig.make_job()
    rig.pretend_due(job_id, 1)
    turn(rig)
    assert len(rig.history(job_id)) == 1


@pytest.mark.parametrize("score", ["-inf", "half"])
def test_a_place_in_the_due_index_that_is_not_whole_stops_nobody(rig: Rig, score: str) -> None:
    """The index is mended from the job, whose occurrence is decided; others go on."""
    job_id, other = rig.make_job(), rig.make_job()
    for one in (job_id, other):
        rig.pretend_due(one, 1)
    if score == "half":
        rig.client.zincrby(rig.keys.due, 0.5, job_id)
    else:
        rig.client.zadd(rig.keys.due, {job_id: score})
    turn(rig)
    turn(rig)
    assert [len(rig.history(one)) for one in (job_id, other)] == [1, 1]


def test_a_next_occurrence_that_is_not_whole_sets_its_job_aside(rig: Rig) -> None:
    """It says so; others go on."""
    job_id, other = rig.make_job(), rig.make_job()
    for one in (job_id, other):
        rig.pretend_due(one, 1)
    score = f"{rig.client.zincrby(rig.keys.due, 0.5, job_id):.1f}"
    rig.client.hset(rig.keys.job(job_id), "next_due", score)
    rig.scheduler().enqueue_jobs()
    assert rig.client.hmget(rig.keys.job(job_id), "state", "next_due") == [b"broken", None]
    assert len(rig.history(other)) == 1
    turn(rig)
    assert rig.job_store.get(job_id).plan.state == "scheduled"  # type: ignore[union-attr]


@pytest.mark.parametrize("overlap", ["queue", "skip", "latest"])
def test_a_job_that_is_set_back_while_its_slot_is_taken_repeats_nothing(rig: Rig, overlap: str) -> None:
    """The occurrence has its run: that stays as it is, and the job moves on."""
    job_id = rig.make_job(options={"overlap": overlap})
    rig.pretend_due(job_id, 1)
    before, due = rig.client.hgetall(rig.keys.job(job_id)), rig.client.zscore(rig.keys.due, job_id)
    (run_id,) = [rig.run_due(job_id)]
    rig.runs.finish(run_id, rig.start(run_id), Outcome("success"))
    ended, other = rig.use.run(job_id, run_id).data, rig.use.run_now(job_id)
    open_and_held = rig.client.hmget(rig.keys.job(job_id), "open", "held")
    rig.client.hset(rig.keys.job(job_id), mapping={**before, "open": open_and_held[0], "held": open_and_held[1]})  # type: ignore[dict-item]
    rig.client.hdel(rig.keys.job(job_id), "last_decided")
    rig.client.zadd(rig.keys.due, {job_id: due})  # type: ignore[dict-item]
    turn(rig)
    assert rig.use.run(job_id, run_id).data == ended
    assert [run["id"] for run in rig.history(job_id)] == [other, run_id]
    assert rig.client.zscore(rig.keys.due, job_id) > due  # type: ignore[operator]


def test_a_run_that_is_queued_nowhere_comes_into_the_queue_again(rig: Rig) -> None:
    """It has its slot, and its job counts it, but neither list has it."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    rig.client.delete(rig.keys.rq_queue, rig.keys.queued)
    turn(rig)
    rig.client.zadd(rig.keys.queued, {run_id: 1}, xx=True)
    turn(rig)
    assert (rig.queue(), rig.counts(job_id)) == ([run_id], (1, 1))
