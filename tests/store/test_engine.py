"""What the atomic steps promise, on a real server."""

from __future__ import annotations

import time
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer

from service import logs
from service.domain.run_records import Outcome, Retry, ids_of
from service.errors import Conflict, NotFound, StoreFull, StoreUnavailable
from service.scheduler.plans import Plans
from service.store.jobs.due import read_due
from service.store.scripts import Limits, Scripts
from service.store.server.translation import translate_errors
from tests.support.store_rig import Rig


def test_a_due_occurrence_becomes_one_queued_run_and_the_job_moves_on(rig: Rig) -> None:
    """One tick enqueues the occurrence, records it, and advances the job by its schedule, not by now."""
    job_id = rig.make_job()
    occurrence = rig.pretend_due(job_id, 2)
    assert rig.scheduler().enqueue_jobs() == 1
    (run,) = rig.history(job_id)
    assert (run["status"], run["trigger"], rig.queue()) == ("queued", "schedule", [run["id"]])
    assert run["scheduled_for"] == datetime.fromtimestamp(occurrence, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert rig.client.zscore(rig.keys.due, job_id) == (occurrence + 60) * 1000


def test_nothing_is_enqueued_early(rig: Rig) -> None:
    """A job that is due later is left alone."""
    job_id = rig.make_job()
    assert rig.scheduler().enqueue_jobs() == 0
    assert rig.history(job_id) == []


Pairs = list[bytes]


def planned(rig: Rig) -> Pairs:
    """What a scheduler plans now: names and plans by turns."""
    plans = Plans()
    now_ms, due = read_due(rig.scripts, 100, 0)
    for entry in due:
        plans.add(entry.read(), now_ms)
    return plans.take(100)


def committed(rig: Rig, plans: Pairs) -> tuple[int, int, list[bytes]]:
    """What becomes of it: how many jobs were decided, how many had no plan, and what is wrong with the others."""
    _, decided, unplanned, _, *troubles = rig.scripts.run("decide", 100, *plans)
    return decided, unplanned, [trouble for _, _, trouble in troubles]


def test_two_schedulers_that_planned_the_same_occurrence_make_one_run(rig: Rig) -> None:
    """The second commit of the same plan finds the due score gone by."""
    job_id = rig.make_job()
    rig.pretend_due(job_id, 1)
    commits = planned(rig)
    assert [committed(rig, commits) for _ in range(3)] == [(1, 0, []), (0, 0, []), (0, 0, [])]
    assert len(rig.history(job_id)) == len(rig.queue()) == 1


def test_a_plan_of_an_older_revision_is_refused(rig: Rig) -> None:
    """A job that was changed between planning and commit is planned anew."""
    job_id = rig.make_job()
    rig.pretend_due(job_id, 1)
    commits = planned(rig)
    rig.jobs.update(job_id, {"name": "another name"})
    assert committed(rig, commits) == (0, 0, [b"stale"])
    assert rig.history(job_id) == []


def test_a_batch_larger_than_one_reading_is_decided_whole_while_it_is_planned(rig: Rig) -> None:
    """1,203 due jobs, among them one that is gone, one that cannot be read and one changed: each of the others once."""
    jobs = [rig.make_job() for _ in range(1203)]
    for job_id in jobs:
        rig.pretend_due(job_id, 3)
    gone, unreadable, moved = jobs[0], jobs[601], jobs[1202]
    rig.client.delete(rig.keys.job(gone))
    rig.client.hset(rig.keys.job(unreadable), "options", "{")
    rig.client.hset(rig.keys.job(moved), "next_due", 9_999_999_999_000)
    assert rig.scheduler().enqueue_jobs() == 1200
    assert len(rig.queue()) == len(set(rig.queue())) == 1200
    assert rig.client.zscore(rig.keys.due, gone) is rig.client.zscore(rig.keys.due, unreadable) is None


def test_a_batch_is_decided_also_when_redis_has_forgotten_the_scripts_or_closed_the_connection(rig: Rig) -> None:
    """What was sent without waiting is sent again where its answer says so, or never comes."""

    def kill_connections() -> None:
        rig.client.client_kill_filter(skipme=True, _type="normal")

    def forget_scripts() -> None:
        rig.client.script_flush()

    for forget in (forget_scripts, kill_connections):
        job_id = rig.make_job()
        rig.pretend_due(job_id, 1)
        scheduler = rig.scheduler()
        plans = planned(rig)
        forget()
        begun = scheduler._scripts.begin("decide", 100, *plans)
        assert begun()[1] == 1
        assert len(rig.history(job_id)) == 1


def test_an_answer_that_does_not_come_is_waited_for_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting again would read what is somebody else's; the batches that follow are decided at the next tick."""
    for _ in range(250):
        rig.pretend_due(rig.make_job(), 1)
    scheduler = rig.scheduler()
    waited: list[int] = []
    begin = Scripts.begin

    def lose_the_first(*args: Any) -> Any:
        answer, number = begin(*args), len(waited)
        waited.append(0)

        def wait() -> Any:
            waited[number] += 1
            found = answer()
            if number == 0:
                raise StoreUnavailable("Redis did not answer in time")
            return found

        return wait

    monkeypatch.setattr(Scripts, "begin", lose_the_first)
    with pytest.raises(StoreUnavailable):
        scheduler.enqueue_jobs()
    assert set(waited) == {1}
    scheduler.enqueue_jobs()
    assert len(rig.queue()) == len(set(rig.queue())) == 250


def test_an_occurrence_that_was_decided_is_not_decided_again_when_the_index_steps_back(rig: Rig) -> None:
    """A due index set back by outside hands does not repeat an occurrence."""
    job_id = rig.make_job()
    occurrence = rig.pretend_due(job_id, 1)
    rig.scheduler().enqueue_jobs()
    rig.client.hset(rig.keys.job(job_id), mapping={"next_occurrence": occurrence, "next_due": occurrence * 1000})
    rig.client.zadd(rig.keys.due, {job_id: occurrence * 1000})
    rig.scheduler().enqueue_jobs()
    assert len(rig.history(job_id)) == 1
    assert rig.client.zscore(rig.keys.due, job_id) == (occurrence + 60) * 1000, "and the job goes on"


def test_overlap_skip_records_the_occurrence_and_neighbours_fold(rig: Rig) -> None:
    """While a run holds the only slot, occurrences are recorded as one growing skip."""
    job_id = rig.make_job(options={"catch_up": "all"})
    for seconds_ago in (3, 2, 1):
        rig.pretend_due(job_id, seconds_ago)
        rig.client.hdel(rig.keys.job(job_id), "last_decided")
        rig.scheduler().enqueue_jobs()
    newest, oldest = rig.history(job_id)
    assert (newest["status"], newest["reason"], newest["occurrences"]) == ("skipped", "overlap", 2)
    assert (newest["started_at"], oldest["status"]) == (None, "queued")
    assert newest["finished_at"] and newest["last_scheduled_for"]


def test_overlap_queue_makes_the_occurrence_wait_and_its_turn_comes(rig: Rig) -> None:
    """With `overlap: queue` the second run waits, and takes the slot when the first ends."""
    job_id = rig.make_job(options={"overlap": "queue"})
    for seconds_ago in (2, 1):
        rig.pretend_due(job_id, seconds_ago)
        rig.scheduler().enqueue_jobs()
    second, first = rig.history(job_id)
    assert [first["status"], second["status"], rig.queue()] == ["queued", "queued", [first["id"]]]
    token = rig.start(first["id"])
    assert rig.runs.finish(first["id"], token, Outcome("success", None, {}))
    assert rig.queue() == [second["id"]]


def test_catch_up_latest_runs_the_newest_and_folds_the_others(rig: Rig) -> None:
    """Ten missed minutes become one run and one skipped entry that counts nine."""
    job_id = rig.make_job()
    rig.pretend_due(job_id, 9 * 60 + 40)
    rig.scheduler().enqueue_jobs()
    history = rig.history(job_id)
    assert sorted((run["status"], run["reason"], run["occurrences"]) for run in history) == [
        ("queued", None, 1),
        ("skipped", "coalesced", 9),
    ]


def test_runs_by_hand_wait_their_turn_in_order(rig: Rig) -> None:
    """Three runs asked for at once: one is queued, two wait, and each takes the slot in order."""
    job_id = rig.make_job()
    asked = [rig.use.run_now(job_id) for _ in range(3)]
    assert rig.queue() == asked[:1]
    for run_id, following in zip(asked, [[asked[1]], [asked[2]], []], strict=True):
        rig.runs.finish(run_id, rig.start(run_id), Outcome("success", None, {"messages_sent": 3}))
        assert rig.queue() == following
    assert [run["status"] for run in rig.history(job_id)] == ["success"] * 3
    assert rig.history(job_id)[0]["messages_sent"] == 3


def test_too_many_waiting_runs_are_a_conflict(redis_client: Redis) -> None:
    """Beyond the limit a run by hand is refused, not dropped in silence."""
    rig = Rig.on(redis_client, Limits(waiting=2))
    job_id = rig.make_job()
    for _ in range(3):
        rig.use.run_now(job_id)
    with pytest.raises(Conflict):
        rig.use.run_now(job_id)


def test_a_run_is_claimed_once(rig: Rig) -> None:
    """A duplicate in the queue meets a run that is taken; the same claim, repeated, is the same."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    assert rig.runs.claim(run_id, "one", "w1", 1000) is not None
    assert rig.runs.claim(run_id, "two", "w2", 1000) is None
    assert rig.runs.claim(run_id, "one", "w1", 1000) is not None


def test_an_end_with_another_token_writes_nothing(rig: Rig) -> None:
    """A worker that was frozen past its lease cannot write over what was decided without it."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    assert not rig.runs.finish(run_id, "stolen", Outcome("success", None, {}))
    assert rig.history(job_id)[0]["status"] == "running"
    assert rig.runs.finish(run_id, token, Outcome("failed", "it broke"))
    assert rig.runs.finish(run_id, token, Outcome("success", None, {})), "a repetition is answered, not written"
    job = rig.jobs.get(job_id).data
    assert (job["last_run_status"], job["last_run_error"]) == ("failed", "it broke")
    assert job["last_run_at"] == rig.history(job_id)[0]["started_at"]


def test_rq_agrees_from_the_queue_to_the_end(rig: Rig) -> None:
    """RQ's own classes see a queued, a started and a finished job, and nothing is left started. RQ hears that a run has
    started by the first renewal of its lease.
    """
    job_id = rig.make_job(name="Greet")
    run_id = rig.use.run_now(job_id)
    queue = Queue(rig.keys.queue_name, connection=rig.client, serializer=JSONSerializer)
    assert queue.job_ids == [run_id]

    def rq_job() -> RQJob:
        return RQJob.fetch(run_id, connection=rig.client, serializer=JSONSerializer)

    assert (rq_job().get_status(), rq_job().description, rq_job().args) == ("queued", "Greet", [])
    token = rig.start(run_id)
    assert (rq_job().get_status(), queue.job_ids) == ("queued", [])
    assert rig.runs.renew(run_id, token, 30_000) == "kept"
    assert rq_job().get_status() == "started"
    assert queue.started_job_registry.get_job_ids(cleanup=False) == [run_id]
    rig.runs.finish(run_id, token, Outcome("success", None, {}))
    assert rq_job().get_status() == "finished"
    assert queue.finished_job_registry.get_job_ids() == [run_id]
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []
    assert not list(rig.client.scan_iter("rq:execution*"))


def test_history_keeps_the_newest_ended_runs_and_every_open_one(redis_client: Redis) -> None:
    """Open runs are never trimmed, however old; ended ones beyond the limit go with their records."""
    rig = Rig.on(redis_client, Limits(history=3))
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    oldest = rig.use.run_now(job_id)
    rig.start(oldest)
    ended = []
    for _ in range(6):
        ended.append(run_id := rig.use.run_now(job_id))
        rig.runs.finish(run_id, rig.start(run_id), Outcome("success", None, {}))
    assert [run["id"] for run in rig.history(job_id)] == [*reversed(ended[-3:]), oldest]
    assert not rig.client.exists(rig.keys.run(ended[0]))


def test_history_pages_without_gaps(rig: Rig) -> None:
    """A page's cursor leads to exactly what follows, also when newer runs came in between."""
    job_id = rig.make_job()
    asked = [rig.use.run_now(job_id) for _ in range(5)]
    first = rig.use.history(job_id, limit=2)
    rig.use.run_now(job_id)
    second = rig.use.history(job_id, limit=10, cursor=first.next_cursor)
    assert [run["id"] for run in first.data + second.data] == asked[::-1]
    assert second.next_cursor is None


def test_deleting_leaves_nothing_and_the_running_run_brings_nothing_back(rig: Rig) -> None:
    """After a delete no key of the job is left, also once its run under way has ended."""
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    running = rig.use.run_now(job_id)
    token = rig.start(running)
    queued, waiting = rig.use.run_now(job_id), rig.use.run_now(job_id)
    rig.jobs.delete(job_id)
    assert rig.queue() == []
    assert rig.runs.renew(running, token, 30_000) == "gone"
    assert not rig.runs.finish(running, token, Outcome("success", None, {}), retry=Retry("again", 2, 0))
    left = {key.decode() for key in rig.client.scan_iter("*")} - {rig.keys.deleted_job(job_id)}
    assert not [key for key in left if any(part in key for part in (job_id, running, queued, waiting))]
    assert rig.client.zcard(rig.keys.leases) == 0
    assert rig.job_store.counts() == (0, 0)
    with pytest.raises(NotFound):
        rig.jobs.get(job_id)


def test_a_job_whose_hash_is_of_another_type_can_be_deleted(rig: Rig) -> None:
    """With its queued run."""
    job_id = rig.make_job()
    rig.use.run_now(job_id)
    rig.client.delete(rig.keys.job(job_id))
    rig.client.set(rig.keys.job(job_id), "no hash")
    rig.jobs.delete(job_id)
    assert rig.queue() == []
    assert not [key for key in rig.client.scan_iter("*") if job_id in key.decode()]
    assert rig.client.zcard(rig.keys.queued) == 0


def test_an_expired_lease_is_reaped_once_and_the_slot_is_free(rig: Rig) -> None:
    """A run whose worker died fails, says why, and the next in line starts; the dead worker's end is refused."""
    from service.scheduler.reaper import Reaper

    job_id = rig.make_job()
    run_id, following = rig.use.run_now(job_id), rig.use.run_now(job_id)
    token = rig.start(run_id, lease_ms=1)
    rig.pass_ms(1)
    reaper = Reaper(rig.runs, rig.job_store, rig.keys, rig.client)
    reaper.pass_over(int(time.time() * 1000))
    ended = rig.use.run(job_id, run_id).data
    assert (ended["status"], "lease" in ended["error"]) == ("failed", True)
    assert rig.queue() == [following]
    assert rig.runs.renew(run_id, token, 1000) == "lost"


def test_a_popped_run_that_never_started_is_put_back(rig: Rig) -> None:
    """What a worker took from the queue and died with is run, not failed."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    rig.client.lmove(rig.keys.rq_queue, rig.keys.rq_intermediate)
    assert rig.runs.requeue(run_id)
    assert (rig.queue(), rig.runs.popped()) == ([run_id], [])
    assert not rig.runs.requeue(run_id), "one that stands in the queue needs nothing"


def test_a_full_redis_refuses_whole_and_lets_ends_through(rig: Rig) -> None:
    """At maxmemory nothing advances half; what is under way can still end; room made, all goes on."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    occurrence = rig.pretend_due(job_id, 1)
    before = rig.client.hgetall(rig.keys.job(job_id))
    rig.client.config_set("maxmemory", "1")
    try:
        with pytest.raises(StoreFull), translate_errors():
            rig.scheduler().enqueue_jobs()
        with pytest.raises(StoreFull):
            rig.use.run_now(job_id)
        with pytest.raises(StoreFull):
            rig.make_job()
        assert rig.client.hgetall(rig.keys.job(job_id)) == before
        assert rig.client.zscore(rig.keys.due, job_id) == occurrence * 1000
        assert rig.runs.renew(run_id, token, 30_000) == "kept"
        assert rig.runs.finish(run_id, token, Outcome("success", None, {}))
    finally:
        rig.client.config_set("maxmemory", "0")
    assert rig.scheduler().enqueue_jobs() == 1
    assert [run["status"] for run in rig.history(job_id)] == ["queued", "success"]


def test_a_poison_job_is_set_aside_and_stops_nobody(rig: Rig) -> None:
    """A hash that does not parse leaves the due index and says why; its neighbour runs."""
    poison, healthy = rig.make_job(), rig.make_job()
    for job_id in (poison, healthy):
        rig.pretend_due(job_id, 1)
    rig.client.hset(rig.keys.job(poison), "schedule_config", "{no json")
    rig.scheduler().enqueue_jobs()
    assert len(rig.history(healthy)) == 1
    assert rig.client.zscore(rig.keys.due, poison) is None
    assert rig.client.hget(rig.keys.job(poison), "state") == b"broken"


def test_a_lost_due_index_is_rebuilt_from_the_jobs(rig: Rig) -> None:
    """Delete the index by hand: the next steps of the sweep bring it all back."""
    for _ in range(5):
        rig.make_job()
    before = rig.client.zrange(rig.keys.due, 0, -1, withscores=True)
    rig.client.delete(rig.keys.due)
    index = rig.scheduler()._due
    while index.mend():
        pass
    assert rig.client.zrange(rig.keys.due, 0, -1, withscores=True) == before


def test_toggling_to_the_same_state_changes_nothing(rig: Rig) -> None:
    """Neither revision nor updated_at nor the plan move; switching off and on plans anew."""
    job_id = rig.make_job()
    before = rig.client.hgetall(rig.keys.job(job_id))
    rig.jobs.toggle(job_id, {"enabled": True})
    assert rig.client.hgetall(rig.keys.job(job_id)) == before
    off = rig.jobs.toggle(job_id, {"enabled": False}).data
    assert (off["state"], off["next_run_at"]) == ("disabled", None)
    assert rig.jobs.toggle(job_id, {"enabled": True}).data["next_run_at"] is not None


def test_two_installations_share_a_database(redis_client: Redis) -> None:
    """What one prefix does is not seen by the other."""
    one, two = Rig.on(redis_client, prefix="one"), Rig.on(redis_client, prefix="two")
    job_id = one.make_job()
    one.use.run_now(job_id)
    assert (one.health.now()["total_jobs"], two.health.now()["total_jobs"]) == (1, 0)
    assert (len(one.queue()), two.queue()) == (1, [])


def test_raising_the_limit_promotes_at_once(rig: Rig) -> None:
    """A run that waits for a slot takes the one that an update makes."""
    job_id = rig.make_job()
    asked = [rig.use.run_now(job_id) for _ in range(2)]
    rig.jobs.update(job_id, {"options": {"max_concurrent_runs": 2}})
    assert rig.queue() == asked


def test_a_cancelled_waiting_run_ends_at_once(rig: Rig) -> None:
    """It is in no list but the history, and the one before it is untouched."""
    job_id = rig.make_job()
    first, second = rig.use.run_now(job_id), rig.use.run_now(job_id)
    assert rig.runs.cancel(job_id, second, "cancelled by request") == "cancelled"
    assert rig.runs.cancel(job_id, second, "again") == "ended"
    assert [run["status"] for run in rig.history(job_id)] == ["cancelled", "queued"]
    assert (rig.queue(), rig.client.llen(rig.keys.waiting(job_id))) == ([first], 0)


def test_a_cancel_that_came_first_wins_over_success(rig: Rig) -> None:
    """A run that was told to stop is cancelled, whatever its bot says afterwards."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    assert rig.runs.cancel(job_id, run_id, "cancelled by request") == "told"
    assert rig.runs.renew(run_id, token, 30_000) == "cancel"
    rig.runs.finish(run_id, token, Outcome("success", None, {"messages_sent": 1}))
    assert rig.use.run(job_id, run_id).data["status"] == "cancelled"


def test_a_retry_waits_its_delay_and_runs(rig: Rig) -> None:
    """A failed run's retry holds no slot while it waits, and then is queued with its attempt."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    retry = Retry("0b7f7a1e-0000-4000-8000-000000000001", 2, 50)
    rig.runs.finish(run_id, rig.start(run_id), Outcome("failed", "no"), retry=retry)
    assert rig.counts(job_id) == (1, 0)
    rig.pass_ms(retry.delay_ms)
    rig.runs.release_delayed(retry.run_id)
    again = rig.use.run(job_id, retry.run_id).data
    assert (again["trigger"], again["attempt"], again["retry_of"]) == ("retry", 2, run_id)
    assert rig.queue() == [retry.run_id]


def _run_now_within(request_id: str, rig: Rig, job_id: str) -> str:
    logs.begin(request_id)
    return rig.use.run_now(job_id)


def test_a_run_is_logged_with_its_job_its_occurrence_and_the_request_that_asked_for_it_or_its_first_try(
    rig: Rig,
) -> None:
    job_id = rig.make_job()
    asked_for = copy_context().run(_run_now_within, "the-request", rig, job_id)
    retry = Retry("0b7f7a1e-0000-4000-8000-000000000002", 2, 0)
    rig.runs.finish(asked_for, rig.start(asked_for), Outcome("failed", "no"), retry=retry)
    for run_id in (asked_for, retry.run_id):
        run = rig.runs.get(run_id)
        assert run is not None
        assert ids_of(run_id, run) == {"job_id": job_id, "run_id": run_id, "request_id": "the-request"}
    by_schedule = rig.make_job()
    rig.pretend_due(by_schedule, 2)
    rig.scheduler().enqueue_jobs()
    (scheduled,) = rig.history(by_schedule)
    run = rig.runs.get(scheduled["id"])
    assert run is not None
    assert ids_of(scheduled["id"], run) == {
        "job_id": by_schedule, "run_id": scheduled["id"], "occurrence": scheduled["scheduled_for"],
    }  # fmt: skip


def test_a_clock_set_forward_does_not_end_runs_that_are_alive(rig: Rig) -> None:
    """After a jump leases are judged anew only when their workers have had the time to renew them."""
    from service.scheduler.reaper import Reaper

    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    reaper = Reaper(rig.runs, rig.job_store, rig.keys, rig.client)
    now_ms = int(time.time() * 1000)
    reaper.pass_over(now_ms)
    reaper._next_pass = 0.0
    reaper.pass_over(now_ms + 3_600_000)
    assert rig.use.run(job_id, run_id).data["status"] == "running"
    assert rig.runs.renew(run_id, token, 30_000) == "kept"


def test_a_lease_from_before_the_clock_was_set_back_is_cut_short(rig: Rig) -> None:
    """A worker that died at that moment is known as dead in seconds, not when the clock gets there again."""
    from service.scheduler.reaper import SETTLE_SECONDS, Reaper

    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    rig.start(run_id, lease_ms=3_600_000)
    now_ms = int(time.time() * 1000)
    Reaper(rig.runs, rig.job_store, rig.keys, rig.client).pass_over(now_ms)
    assert rig.client.zscore(rig.keys.leases, run_id) == now_ms + SETTLE_SECONDS * 1000


def test_a_heartbeat_from_the_future_is_no_sign_of_life(rig: Rig) -> None:
    """Health does not take a scheduler for alive because the clock was set back since it was."""
    rig.client.zadd(rig.keys.schedulers, {"dead": (time.time() + 3600) * 1000})
    assert not rig.health.now()["scheduler_running"]


def test_a_clock_set_back_decides_nothing_twice(rig: Rig) -> None:
    """Planning anew when the clock is behind what was decided goes on after that, not after now."""
    job_id = rig.make_job(schedule_type="cron", schedule_config={"cron_expression": "* * * * *"})
    ahead = (int(time.time()) // 60 + 60) * 60
    rig.client.hset(rig.keys.job(job_id), "last_decided", ahead)
    rig.jobs.toggle(job_id, {"enabled": False})
    job = rig.jobs.toggle(job_id, {"enabled": True}).data
    assert job["next_run_at"] == datetime.fromtimestamp(ahead + 60, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_an_enabled_job_that_lost_its_plan_is_planned_again(rig: Rig) -> None:
    """The sweep gives it back its first undecided occurrence, so that nothing is forgotten."""
    job_id = rig.make_job()
    occurrence = rig.pretend_due(job_id, 130)
    rig.client.hset(rig.keys.job(job_id), "last_decided", occurrence - 60)
    rig.client.hdel(rig.keys.job(job_id), "next_occurrence", "next_due")
    rig.client.zrem(rig.keys.due, job_id)
    scheduler = rig.scheduler()
    scheduler._due.mend()
    scheduler.enqueue_jobs()
    assert sorted((run["status"], run["occurrences"]) for run in rig.history(job_id)) == [("queued", 1), ("skipped", 2)]


def test_a_job_that_was_set_aside_is_taken_up_when_it_can_be_read_again(rig: Rig) -> None:
    """What an older release did not understand, a newer one plans; one that is still damaged stays aside."""
    job_id, damaged = rig.make_job(), rig.make_job()
    intact = rig.client.hget(rig.keys.job(job_id), "options")
    assert isinstance(intact, bytes)
    for each in (job_id, damaged):
        rig.pretend_due(each, 1)
        rig.client.hset(rig.keys.job(each), "options", "{")
    rig.scheduler().enqueue_jobs()
    assert rig.client.hget(rig.keys.job(job_id), "state") == b"broken"
    rig.client.hset(rig.keys.job(job_id), "options", intact)
    rig.scheduler()._due.mend()
    assert rig.jobs.get(job_id).data["state"] == "scheduled"
    assert rig.client.hget(rig.keys.job(damaged), "state") == b"broken"


def test_a_damaged_run_is_ended_all_the_same(rig: Rig) -> None:
    """A run under way with a field that cannot be read fails when its lease ends, and stops nobody."""
    from service.scheduler.reaper import Reaper

    job_id = rig.make_job(options={"max_retries": 1})
    run_id = rig.use.run_now(job_id)
    rig.start(run_id, lease_ms=1)
    rig.client.hset(rig.keys.run(run_id), "attempt", "many")
    rig.pass_ms(1)
    Reaper(rig.runs, rig.job_store, rig.keys, rig.client).pass_over(int(time.time() * 1000))
    assert rig.client.hget(rig.keys.run(run_id), "status") == b"failed"
    assert rig.counts(job_id) == (0, 0)
