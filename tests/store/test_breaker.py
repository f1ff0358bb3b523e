"""Attempts to break what SPEC promises of jobs and runs, on a real server: races, edges and unhappy turns."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import (
    RedisError,
)

from service.domain.run_records import Outcome, Retry
from service.domain.timestamps import format_timestamp
from service.errors import StoreUnavailable
from service.secrecy.redaction import Redaction
from service.store.scripts import Limits
from service.store.server.redis_clock import RedisClock
from service.worker.notes import LINE_LIMIT, Notes, RunLog
from tests.support.store_rig import Rig

# changes that race the scheduler


def test_a_change_that_was_read_before_a_tick_and_written_after_it_decides_nothing_twice(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tick in between decides the occurrence; the change's older plan neither repeats it nor loses the next."""
    job_id = rig.make_job(options={"catch_up": "all", "max_concurrent_runs": 5})
    occurrence = rig.pretend_due(job_id, 1)
    replace = rig.jobs._jobs.replace

    def tick_first(*args: Any) -> bool:
        rig.scheduler().enqueue_jobs()
        return replace(*args)

    monkeypatch.setattr(rig.jobs._jobs, "replace", tick_first)
    rig.jobs.update(job_id, {"name": "another"})
    assert len(rig.history(job_id)) == 1
    rig.scheduler().enqueue_jobs()
    assert len(rig.history(job_id)) == 1
    assert rig.client.zscore(rig.keys.due, job_id) == (occurrence + 60) * 1000


@pytest.mark.parametrize("options", [{"ends_at": "2999-01-01T00:00:00"}, {"jitter_seconds": 1}])
def test_a_change_of_the_end_or_the_jitter_keeps_an_intervals_occurrence(rig: Rig, options: dict[str, Any]) -> None:
    """An interval's anchor moves when the schedule changes, and with nothing else."""
    job_id = rig.make_job(schedule_config={"hours": 1})
    rig.client.hincrby(rig.keys.job(job_id), "anchor", -1800)
    for field, factor in (("next_occurrence", 1), ("next_due", 1000)):
        rig.client.hincrby(rig.keys.job(job_id), field, -1800 * factor)
    before = rig.job_store.get(job_id)
    rig.jobs.update(job_id, {"options": options})
    after = rig.job_store.get(job_id)
    assert before is not None and after is not None
    assert (after.plan.anchor, after.plan.next_occurrence) == (before.plan.anchor, before.plan.next_occurrence)


def test_a_change_of_the_end_forgets_no_occurrence_that_is_due(rig: Rig) -> None:
    """What came due while no scheduler was up is decided also after its job's end or jitter was changed."""
    job_id = rig.make_job()
    rig.pretend_due(job_id, 90)
    rig.jobs.update(job_id, {"options": {"ends_at": "2999-01-01T00:00:00"}})
    rig.scheduler().enqueue_jobs()
    assert sorted((run["status"], run["occurrences"]) for run in rig.history(job_id)) == [("queued", 1), ("skipped", 1)]


def test_an_end_that_is_moved_ends_a_job_and_lets_it_go_on(rig: Rig) -> None:
    """An end before the next occurrence ends the job; taken away again, the job goes on in its old rhythm."""
    job_id = rig.make_job(schedule_config={"hours": 1})
    before = rig.jobs.get(job_id).data["next_run_at"]
    ended = rig.jobs.update(job_id, {"options": {"ends_at": "2001-01-01T00:00:00"}}).data
    assert (ended["state"], ended["next_run_at"], ended["enabled"]) == ("ended", None, True)
    again = rig.jobs.update(job_id, {"options": {}}).data
    assert (again["state"], again["state_reason"], again["next_run_at"]) == ("scheduled", None, before)


# Redis refuses


@pytest.mark.parametrize(
    "error",
    [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.",
        "NOREPLICAS Not enough good replicas to write.",
        "MISCONF Redis is configured to save RDB snapshots, but cannot persist.",
    ],
    ids=lambda error: error.split()[0],
)
def test_a_refusal_that_is_not_the_jobs_own_fault_sets_no_job_aside(rig: Rig, error: str) -> None:
    """A commit that Redis refuses for reasons of its own is tried again later; the job keeps its schedule."""
    job_id = rig.make_job()
    occurrence = rig.pretend_due(job_id, 1)
    with pytest.raises((StoreUnavailable, RedisError)):
        rig.scheduler()._due_jobs._refused(job_id, error)
    assert rig.jobs.get(job_id).data["state"] == "scheduled"
    assert rig.client.zscore(rig.keys.due, job_id) == occurrence * 1000


def test_a_commit_that_fails_over_a_jobs_own_keys_sets_that_job_aside(rig: Rig) -> None:
    """A history that outside hands made something else stops its own job and nobody else's."""
    poison, healthy = rig.make_job(), rig.make_job()
    for job_id in (poison, healthy):
        rig.pretend_due(job_id, 1)
    rig.client.set(rig.keys.history(poison), "no list")
    rig.scheduler().enqueue_jobs()
    broken = rig.jobs.get(poison).data
    assert (broken["state"], broken["next_run_at"]) == ("broken", None)
    assert "WRONGTYPE" in broken["state_reason"]
    assert len(rig.history(healthy)) == 1


@pytest.mark.parametrize("damaged", ["history", "waiting"])
def test_no_occurrence_is_lost_over_a_damaged_key(rig: Rig, damaged: str) -> None:
    """The job keeps its undecided occurrence, and once the key is right again the occurrence runs."""
    job_id = rig.make_job(schedule_type="cron", schedule_config={"cron_expression": "* * * * *"})
    occurrence = rig.pretend_due(job_id, 61) // 60 * 60
    rig.client.hset(rig.keys.job(job_id), "last_decided", occurrence - 60)
    key = getattr(rig.keys, damaged)(job_id)
    rig.client.set(key, "another type")
    rig.scheduler().enqueue_jobs()
    assert rig.client.hget(rig.keys.job(job_id), "last_decided") == str(occurrence - 60).encode()
    assert (rig.counts(job_id), rig.queue()) == ((0, 0), [])
    rig.client.delete(key)
    scheduler = rig.scheduler()
    scheduler._due.mend()
    scheduler.enqueue_jobs()
    entries = rig.history(job_id)
    assert format_timestamp(occurrence) in {entry["scheduled_for"] for entry in entries}
    assert entries[0]["status"] == "queued"


def test_a_queue_full_of_runs_that_are_gone_is_cleared_in_bounded_steps(rig: Rig) -> None:
    """Redis is never busy with all of them at once, and the run behind them is claimed in the end."""
    gone = [f"{number:08d}-aaaa-4aaa-8aaa-aaaaaaaaaaaa" for number in range(250)]
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    first = rig.runs.claim(rig.use.run_now(job_id), "token", "worker", 30_000)
    assert first is not None
    rig.client.delete(rig.keys.rq_queue)
    rig.client.rpush(rig.keys.rq_queue, *gone)
    run_id = rig.use.run_now(job_id)
    success, lengths = Outcome("success", None, {}), []
    while (claim := rig.runs.finish_and_claim(first, success, None, (), "next", "worker", 30_000)) is None:
        lengths.append(rig.client.llen(rig.keys.rq_queue))
    assert lengths == [151, 51]
    assert claim.run_id == run_id


def test_a_backlog_keeps_no_retry_waiting(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two reads of due jobs, the reaper has its turn."""
    monkeypatch.setattr("service.scheduler.batch.READ_AT_ONCE", 2)
    failing = rig.make_job(options={"max_retries": 1, "retry_delay_seconds": 1})
    first = rig.use.run_now(failing)
    rig.runs.finish(first, rig.start(first), Outcome("failed", "no"), retry=Retry(retry := str(uuid.uuid4()), 2, 1))
    rig.pass_ms(5)
    for _ in range(7):
        rig.pretend_due(rig.make_job(), 1)
    scheduler = rig.scheduler()
    scheduler.heartbeat()
    scheduler.enqueue_jobs()
    assert len(rig.queue()) == 8
    assert rig.queue().index(retry) < 7


def test_an_index_that_disagrees_with_a_disabled_job_is_mended_at_once(rig: Rig) -> None:
    """A job that outside hands switched off in its hash leaves the due index instead of being planned for ever."""
    job_id = rig.make_job()
    rig.pretend_due(job_id, 1)
    rig.client.hset(rig.keys.job(job_id), "enabled", "0")
    rig.scheduler().enqueue_jobs()
    assert rig.client.zscore(rig.keys.due, job_id) is None
    assert rig.history(job_id) == []


# lists


def test_all_runs_go_on_past_those_of_a_deleted_job(rig: Rig) -> None:
    """Hundreds of runs that went with their job hide none of the older ones."""
    kept, deleted = rig.make_job(), rig.make_job(options={"max_concurrent_runs": 1000})
    oldest = rig.use.run_now(kept)
    for _ in range(450):
        rig.use.run_now(deleted)
    rig.jobs.delete(deleted)
    page = rig.use.all_runs(limit=50)
    assert ([run["id"] for run in page.data], page.next_cursor) == ([oldest], None)


def test_a_history_page_with_gone_records_still_leads_on(rig: Rig) -> None:
    """A record that went between the reading of the list and of the records does not end the history."""
    job_id = rig.make_job()
    asked = [rig.use.run_now(job_id) for _ in range(6)][::-1]
    rig.client.delete(rig.keys.run(asked[1]))
    page = rig.use.history(job_id, limit=3)
    assert [run["id"] for run in page.data] == [asked[0], asked[2]]
    rest = rig.use.history(job_id, limit=10, cursor=page.next_cursor)
    assert ([run["id"] for run in rest.data], rest.next_cursor) == (asked[3:], None)


def test_logs_are_kept_of_the_newest_runs_in_whatever_order_they_end(redis_client: Redis) -> None:
    """Runs that were still waiting when newer ones came lose their logs all the same, the oldest first."""
    rig = Rig.on(redis_client, Limits(logs=3))
    job_id = rig.make_job()
    asked = [rig.use.run_now(job_id) for _ in range(8)]
    for run_id in asked:
        token = rig.start(run_id)
        rig.runs.note(run_id, token, 1, progress=None, lines=['{"message": "hello"}'])
        assert rig.log(run_id), "a run under way has its log, however many are asked for after it"
        rig.runs.finish(run_id, token, Outcome("success", None, {}))
    assert [run_id for run_id in asked if rig.log(run_id)] == asked[-3:]
    rig.jobs.delete(job_id)
    left = {key.decode() for key in redis_client.scan_iter("*")} - {rig.keys.deleted_job(job_id)}
    assert not [key for key in left if job_id in key or ":log" in key]


def test_skipped_occurrences_push_no_log_out(redis_client: Redis) -> None:
    """Only runs that say something count for how many logs are kept."""
    rig = Rig.on(redis_client, Limits(logs=1))
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    rig.runs.note(run_id, token, 1, progress=None, lines=['{"message": "hello"}'])
    rig.runs.finish(run_id, token, Outcome("success", None, {}))
    for _ in range(3):
        rig.use.cancel(job_id, rig.use.run_now(job_id))
    assert rig.log(run_id)


# waiting, retries, cancels


def test_a_lowered_limit_holds_back_and_a_raised_one_lets_in(rig: Rig) -> None:
    """Three run; lowered to one, nothing starts until two have ended; raised to two, one more starts at once."""
    job_id = rig.make_job(options={"max_concurrent_runs": 3})
    asked = [rig.use.run_now(job_id) for _ in range(6)]
    tokens = [rig.start(run_id) for run_id in asked[:3]]
    rig.jobs.update(job_id, {"options": {"max_concurrent_runs": 1}})
    for run_id, token in list(zip(asked, tokens, strict=False))[:2]:
        rig.runs.finish(run_id, token, Outcome("success", None, {}))
        assert rig.queue() == []
    rig.jobs.update(job_id, {"options": {"max_concurrent_runs": 2}})
    assert rig.queue() == [asked[3]]
    rig.runs.finish(asked[2], tokens[2], Outcome("success", None, {}))
    assert rig.queue() == asked[3:5]


@pytest.mark.parametrize("way", ["cancel", "disable", "delete"])
def test_a_retry_that_awaits_its_delay_can_be_called_off(rig: Rig, way: str) -> None:
    """Cancelled, disabled or deleted, it never comes, also if it is released at that very moment."""
    job_id = rig.make_job()
    run_id = rig.run_due(job_id)
    retry = Retry("0b7f7a1e-0000-4000-8000-000000000001", 2, 20)
    rig.runs.finish(run_id, rig.start(run_id), Outcome("failed", "no"), retry=retry)
    if way == "cancel":
        assert rig.use.cancel(job_id, retry.run_id)[0]
    elif way == "disable":
        rig.jobs.toggle(job_id, {"enabled": False})
    else:
        rig.jobs.delete(job_id)
    rig.pass_ms(retry.delay_ms)
    rig.runs.release_delayed(retry.run_id)
    assert rig.queue() == []
    assert (rig.client.zcard(rig.keys.retries), rig.counts(job_id)[1]) == (0, 0)
    if way != "delete":
        assert rig.use.run(job_id, retry.run_id).data["status"] == "cancelled"


def test_a_run_that_fails_after_its_job_was_disabled_is_not_tried_again(rig: Rig) -> None:
    """Disabling calls off the retries to come, too."""
    job_id = rig.make_job()
    run_id = rig.run_due(job_id)
    token = rig.start(run_id)
    rig.jobs.toggle(job_id, {"enabled": False})
    rig.runs.finish(run_id, token, Outcome("failed", "no"), retry=Retry("again", 2, 1000))
    assert [run["status"] for run in rig.history(job_id)] == ["failed"]


def test_deleting_a_job_with_many_waiting_runs_does_not_search_the_queue_for_each(rig: Rig) -> None:
    """Runs that wait for a slot are not in the queue, so a long queue of others does not make the delete slow."""
    others = rig.make_job(options={"max_concurrent_runs": 1000})
    for _ in range(500):
        rig.use.run_now(others)
    job_id = rig.make_job()
    for _ in range(500):
        rig.use.run_now(job_id)
    rig.client.config_resetstat()
    rig.jobs.delete(job_id)
    removals = rig.client.info("commandstats").get("cmdstat_lrem", {"calls": 0})["calls"]
    assert removals <= 4
    assert len(rig.queue()) == 500


# the clock


def test_a_scheduler_that_takes_over_after_a_jump_of_the_clock_ends_nobody_who_is_alive(rig: Rig) -> None:
    """A jump lets the leader's lease end as well: who stood by has seen the clock, and settles first."""
    from service.scheduler.reaper import Reaper

    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    rig.start(run_id)
    stand_by = Reaper(rig.runs, rig.job_store, rig.keys, rig.client)
    now_ms = RedisClock(rig.client).now_ms()
    stand_by.watch_clock(now_ms)
    # The lease, taken before the clock was set an hour forward.
    rig.client.zadd(rig.keys.leases, {run_id: now_ms - 3_590_000})
    stand_by._last_seen = (now_ms - 3_600_000, time.monotonic())
    stand_by.watch_clock(now_ms)
    stand_by.pass_over(now_ms)
    assert rig.use.run(job_id, run_id).data["status"] == "running"


# a run's log


def test_a_bot_that_says_much_at_once_and_ends_loses_no_line() -> None:
    """What is left at the end is written down to the last line, in order, in as many notes as it takes."""
    written: list[str] = []

    def write(number: int, progress: tuple[int, int] | None, lines: list[str]) -> bool:
        written.extend(lines)
        return True

    notes = Notes(write, lambda: 1_700_000_000.0)
    for number in range(1800):
        notes.line("info", f"line {number}")
    notes.close()
    lines = [json.loads(line) for line in written]
    assert [line["message"] for line in lines] == [f"line {number}" for number in range(1800)]
    assert {line["at"] for line in lines} == {"2023-11-14T22:13:20"}, "by the clock that it was given, Redis'"


def test_a_line_of_a_runs_log_is_rid_of_secrets_before_it_is_cut() -> None:
    """One that stands where the line is cut leaves no half behind; a line that cannot be put together shows nothing."""
    written: list[str] = []

    def write(number: int, progress: tuple[int, int] | None, lines: list[str]) -> bool:
        written.extend(lines)
        return True

    known = Redaction.of({"BOT_SECRET_X": "0123456789" * 10})
    notes = Notes(write, lambda: 1_700_000_000.0, known.applied)
    log = RunLog("a-run", notes).logger
    log.propagate = False
    for before in range(LINE_LIMIT - 200, LINE_LIMIT + 10, 7):
        log.error("x" * before + "0123456789" * 10)
    log.error("%d of %s", "0123456789" * 10)
    notes.close()
    messages = [json.loads(line)["message"] for line in written]
    assert len(messages) > 20 and not any("0123" in message for message in messages)
    assert all(len(message.encode()) <= LINE_LIMIT for message in messages)
    assert messages[-1] == "A line of the log could not be written (TypeError)"
