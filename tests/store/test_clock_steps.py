"""What becomes of jobs when Redis' clock is set, on a real server whose time is the test's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from service.domain.notices import Step
from service.domain.run_records import Outcome, Retry
from service.scheduler.reaper import Reaper
from service.scheduler.scheduler import Scheduler
from service.store.counters import read
from service.store.scripts import Limits
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig
from tests.support.virtual_time import MONOTONIC_KEY, NOW_KEY, VirtualRedis, virtual_time

START_MS = 1_800_000_000_000
MINUTE, HOUR, DAY, YEAR = 60, 3_600, 86_400, 365 * 86_400
IN_TWO_HOURS = (datetime.fromtimestamp(START_MS / 1000, UTC).hour + 2) % 24


class Clocked:
    """An installation with a scheduler, and the two clocks that it goes by."""

    def __init__(self, client: VirtualRedis) -> None:
        self.client = client
        self.now, self.passed = START_MS, 0
        self._set()
        self.rig = Rig.on(client)
        self.scheduler: Scheduler = self.rig.scheduler()

    def _set(self) -> None:
        self.client.mset({NOW_KEY: self.now, MONOTONIC_KEY: self.passed})

    def pass_time(self, seconds: float) -> None:
        """Both clocks go on."""
        self.now += int(seconds * 1000)
        self.passed += int(seconds * 1000)
        self._set()

    def step(self, seconds: float) -> None:
        """Redis' clock is set."""
        self.now += int(seconds * 1000)
        self._set()

    def work(self, scheduler: Scheduler | None = None) -> None:
        """A heartbeat, and whatever there is to do now."""
        acting = scheduler or self.scheduler
        acting.heartbeat()
        for _ in range(500):
            if acting._act() > 0:
                return
        raise AssertionError("there is always more to do")

    def a_year_ahead_for_four_seconds(self) -> None:
        """As it happened."""
        self.work()
        self.pass_time(2)
        self.step(YEAR)
        self.work()
        self.pass_time(4)
        self.step(-YEAR)
        self.work()

    def told(self) -> list[dict[str, Any]]:
        """The alerts of the service."""
        return [alert for alert in self.rig.told() if alert["kind"] == "clock_stepped"]

    def shown(self) -> list[Step]:
        """The clock's steps that are shown."""
        return list(read(self.rig.scripts).notices.steps)

    def seconds_to_next(self, job_id: str) -> float:
        """How far away a job's next run is, by its hash and by the due index alike."""
        due = self.client.zscore(self.rig.keys.due, job_id)
        assert due == float(self.client.hget(self.rig.keys.job(job_id), "next_due") or 0)
        return (float(due) - self.now) / 1000


@pytest.fixture
def clocked(valkey_server: ValkeyServer) -> Iterator[Clocked]:
    """An installation on an empty server with virtual time."""
    client = VirtualRedis(port=valkey_server.port)
    client.flushall()
    client.set(NOW_KEY, START_MS)
    with virtual_time(client):
        yield Clocked(client)
    client.close()


SCHEDULES: list[dict[str, Any]] = [
    {"schedule_type": "interval", "schedule_config": {"minutes": 1}},
    {"schedule_type": "interval", "schedule_config": {"hours": 7}},
    {"schedule_type": "daily", "schedule_config": {"hour": IN_TWO_HOURS, "minute": 0}},
    {"schedule_type": "weekly", "schedule_config": {"hour": 8, "minute": 0, "day_of_week": "tue"}},
    {"schedule_type": "cron", "schedule_config": {"cron_expression": "*/5 * * * *"}},
    {"schedule_type": "cron", "schedule_config": {"cron_expression": "0 0 1 1 *"}},
]


@pytest.mark.slow(reason="occurrences of a year ahead are decided, and become void")
@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda one: str(one["schedule_config"]))
def test_a_clock_a_year_ahead_for_four_seconds_leaves_every_job_its_next_run(
    clocked: Clocked, schedule: dict[str, Any]
) -> None:
    """The next run is the one that it was before the clock went ahead."""
    job_id = clocked.rig.make_job(**schedule)
    before = clocked.client.hget(clocked.rig.keys.job(job_id), "next_due")
    clocked.a_year_ahead_for_four_seconds()
    assert clocked.client.hget(clocked.rig.keys.job(job_id), "next_due") == before
    assert clocked.seconds_to_next(job_id) > 0


def test_what_was_queued_by_a_clock_that_was_ahead_is_skipped_and_comes_again_under_another_id(
    clocked: Clocked,
) -> None:
    """Nothing of it is left in RQ, its slot is free, and the next run is made when its time comes."""
    job_id = clocked.rig.make_job(options={"overlap": "queue", "catch_up": "all"})
    clocked.work()
    clocked.pass_time(2)
    clocked.step(3 * MINUTE)
    clocked.work()
    first = clocked.rig.history(job_id)
    assert [run["status"] for run in first] == ["queued"] * 3 and len(clocked.rig.queue()) == 1
    clocked.pass_time(4)
    clocked.step(-3 * MINUTE)
    clocked.work()
    assert [(run["status"], run["reason"]) for run in clocked.rig.history(job_id)] == [("skipped", "clock")] * 3
    keys = clocked.rig.keys
    assert clocked.rig.queue() == []
    assert not clocked.client.exists(keys.waiting(job_id), keys.queued)
    assert clocked.rig.counts(job_id) == (0, 0)
    assert not clocked.client.keys("rq:job:*")
    clocked.pass_time(MINUTE)
    clocked.work()
    again = clocked.rig.history(job_id)[0]
    assert (again["status"], again["scheduled_for"]) == ("queued", first[-1]["scheduled_for"])
    assert again["id"] not in {run["id"] for run in first}
    assert clocked.rig.queue() == [again["id"]]


def test_what_has_started_or_ended_by_a_clock_that_was_ahead_stays_as_it_is(clocked: Clocked) -> None:
    """One is under way, one has ended: neither is touched."""
    options = {"overlap": "queue", "catch_up": "all", "max_concurrent_runs": 2}
    job_id = clocked.rig.make_job(options=options)
    clocked.work()
    clocked.step(3 * MINUTE)
    clocked.work()
    ended, running = clocked.rig.queue()
    assert clocked.rig.runs.finish(ended, clocked.rig.start(ended), Outcome("success", None, {}))
    clocked.rig.start(running)
    clocked.step(-3 * MINUTE)
    clocked.work()
    assert {run["id"]: run["status"] for run in clocked.rig.history(job_id)} == {
        ended: "success", running: "running", **{run["id"]: "skipped" for run in clocked.rig.history(job_id)[:1]}
    }  # fmt: skip
    assert clocked.rig.counts(job_id)[1] == 1 and clocked.client.hget(clocked.rig.keys.run(running), "slot") == b"1"


def test_an_occurrence_of_the_while_that_is_over_is_not_decided_twice_if_it_ran(clocked: Clocked) -> None:
    """Ahead by ten minutes for five: those that ran for instants that are over by now stay; the others come."""
    options = {"overlap": "queue", "catch_up": "all"}
    job_id = clocked.rig.make_job(options=options)
    clocked.work()
    clocked.step(10 * MINUTE)
    clocked.work()
    clocked.pass_time(5 * MINUTE + 30)
    clocked.step(-10 * MINUTE)
    clocked.work()
    queued = [run["scheduled_for"] for run in clocked.rig.history(job_id) if run["status"] == "queued"]
    assert len(queued) == len(set(queued)) == 5
    for _ in range(10):
        clocked.pass_time(MINUTE)
        clocked.work()
    queued = [run["scheduled_for"] for run in clocked.rig.history(job_id) if run["status"] == "queued"]
    assert len(queued) == len(set(queued)) == 15


def test_a_plain_step_back_of_an_hour_stands_still_runs_nothing_twice_and_is_told(clocked: Clocked) -> None:
    """What was decided stays decided; the alert says it once, though two schedulers saw it."""
    job_id = clocked.rig.make_job(schedule_config={"minutes": 10}, options={"overlap": "queue"})
    other = clocked.rig.scheduler()
    for _ in range(3):
        clocked.pass_time(10 * MINUTE)
        clocked.work()
        other.heartbeat()
    ran = [run["id"] for run in clocked.rig.history(job_id)]
    due = clocked.client.hget(clocked.rig.keys.job(job_id), "next_due")
    clocked.step(-HOUR)
    clocked.work()
    other.heartbeat()
    for _ in range(6):
        clocked.pass_time(10 * MINUTE - 1)
        clocked.work()
        other.heartbeat()
    assert [run["id"] for run in clocked.rig.history(job_id)] == ran
    assert clocked.client.hget(clocked.rig.keys.job(job_id), "next_due") == due
    (alert,) = clocked.told()
    assert alert["by"] == -HOUR * 1000
    clocked.pass_time(11 * MINUTE)
    clocked.work()
    assert len(clocked.rig.history(job_id)) == len(ran) + 1


def test_a_step_within_a_minute_is_nothing_to_tell(clocked: Clocked) -> None:
    """Clocks are disciplined all the time."""
    clocked.work()
    for seconds in (50, -50):
        clocked.pass_time(2)
        clocked.step(seconds)
        clocked.work()
    assert clocked.told() == []
    assert clocked.shown() == []


def test_a_step_back_that_nobody_watched_is_seen_by_the_next_scheduler(clocked: Clocked) -> None:
    """The last heartbeat lies in the future then."""
    clocked.work()
    clocked.pass_time(HOUR)
    clocked.work()
    clocked.step(-HOUR)
    clocked.work(clocked.rig.scheduler())
    (alert,) = clocked.told()
    assert alert["by"] == -HOUR * 1000


def test_a_pause_is_no_step(clocked: Clocked) -> None:
    """An hour without any scheduler, and an hour in which one did not get a turn."""
    clocked.work()
    clocked.pass_time(HOUR)
    clocked.work(clocked.rig.scheduler())
    clocked.pass_time(HOUR)
    clocked.work()
    assert clocked.told() == []


def test_decisions_far_ahead_that_nobody_saw_being_made_are_void_once_the_clock_has_kept_going(
    clocked: Clocked,
) -> None:
    """As an older release left them: nothing for a minute, in which the clock might come back; then they are void."""
    job_id = clocked.rig.make_job()
    job = clocked.rig.keys.job(job_id)
    far = START_MS // 1000 + YEAR
    clocked.client.hset(job, mapping={"last_decided": far, "next_occurrence": far + 60, "next_due": (far + 60) * 1000})
    clocked.client.zadd(clocked.rig.keys.due, {job_id: (far + 60) * 1000})
    clocked.work()
    clocked.pass_time(59)
    clocked.work()
    assert clocked.seconds_to_next(job_id) > YEAR - 100
    clocked.pass_time(2)
    clocked.work()
    assert 0 < clocked.seconds_to_next(job_id) <= 60


def test_a_clock_a_day_back_for_a_moment_makes_nothing_run_twice(clocked: Clocked) -> None:
    """It is the clock that is wrong now, and is back before anything is void."""
    job_id = clocked.rig.make_job(schedule_type="daily", schedule_config={"hour": IN_TWO_HOURS, "minute": 0})
    clocked.work()
    clocked.pass_time(3 * HOUR)
    clocked.work()
    (run,) = clocked.rig.history(job_id)
    clocked.pass_time(2)
    clocked.step(-DAY)
    clocked.work()
    clocked.pass_time(4)
    clocked.step(DAY)
    clocked.work()
    clocked.pass_time(120)
    clocked.work()
    assert [one["id"] for one in clocked.rig.history(job_id)] == [run["id"]]
    assert 20 * HOUR < clocked.seconds_to_next(job_id) < DAY
    assert len(clocked.told()) == 2


@pytest.mark.parametrize("what", ["create", "toggle", "reschedule"])
def test_an_interval_that_was_anchored_while_the_clock_was_ahead_does_not_sleep_for_a_year(
    clocked: Clocked, what: str
) -> None:
    """Made, switched on, or given another schedule then, it counts from now."""
    job_id = None if what == "create" else clocked.rig.make_job(schedule_config={"minutes": 7})
    clocked.work()
    clocked.step(YEAR)
    clocked.work()
    if job_id is None:
        job_id = clocked.rig.make_job(schedule_config={"minutes": 10})
    elif what == "toggle":
        clocked.rig.jobs.toggle(job_id, {"enabled": False})
        clocked.rig.jobs.toggle(job_id, {"enabled": True})
    else:
        clocked.rig.jobs.update(job_id, {"schedule_config": {"minutes": 10}})
    clocked.pass_time(4)
    clocked.step(-YEAR)
    clocked.work()
    assert 0 < clocked.seconds_to_next(job_id) <= 10 * MINUTE + 1


def test_a_job_that_was_switched_off_while_the_clock_was_ahead_is_due_soon_once_it_is_on_again(
    clocked: Clocked,
) -> None:
    """What was decided about later instants is void for it as well, and it stays off until then."""
    job_id = clocked.rig.make_job()
    clocked.work()
    clocked.step(YEAR)
    clocked.work()
    clocked.rig.jobs.toggle(job_id, {"enabled": False})
    clocked.step(-YEAR)
    clocked.work()
    assert clocked.rig.jobs.get(job_id).data["state"] == "disabled"
    assert clocked.client.zscore(clocked.rig.keys.due, job_id) is None
    clocked.rig.jobs.toggle(job_id, {"enabled": True})
    assert 0 < clocked.seconds_to_next(job_id) <= 61


def test_a_job_that_ended_only_since_the_clock_was_past_its_end_comes_back(clocked: Clocked) -> None:
    """Its state is `scheduled` again."""
    ends = datetime.fromtimestamp(START_MS / 1000 + 10 * DAY, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    job_id = clocked.rig.make_job(schedule_config={"hours": 1}, options={"ends_at": ends})
    clocked.work()
    clocked.step(YEAR)
    clocked.work()
    assert clocked.rig.jobs.get(job_id).data["state"] == "ended"
    clocked.step(-YEAR)
    clocked.work()
    assert clocked.rig.jobs.get(job_id).data["state"] == "scheduled"
    assert 0 < clocked.seconds_to_next(job_id) <= HOUR


def test_jobs_about_which_nothing_was_decided_ahead_are_untouched(clocked: Clocked) -> None:
    """A yearly job, one that starts next year, one that is off, one that has ended: their hashes stay as they are."""
    start = datetime.fromtimestamp(START_MS / 1000 + 2 * YEAR, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    jobs = [
        clocked.rig.make_job(schedule_type="cron", schedule_config={"cron_expression": "0 0 29 2 *"}),
        clocked.rig.make_job(options={"starts_at": start}),
        clocked.rig.make_job(enabled=False),
    ]
    before = [clocked.client.hgetall(clocked.rig.keys.job(job_id)) for job_id in jobs]
    clocked.a_year_ahead_for_four_seconds()
    assert [clocked.client.hgetall(clocked.rig.keys.job(job_id)) for job_id in jobs] == before


def test_the_walk_is_taken_up_by_the_next_leader_and_changes_nothing_twice(clocked: Clocked) -> None:
    """Whoever ordered it died before it looked at a job."""
    jobs = [clocked.rig.make_job() for _ in range(3)]
    clocked.work()
    clocked.step(YEAR)
    clocked.work()
    clocked.step(-YEAR)
    clocked.scheduler.heartbeat()
    clocked.client.delete(clocked.rig.keys.leader)
    successor = clocked.rig.scheduler()
    clocked.work(successor)
    once = [clocked.client.hgetall(clocked.rig.keys.job(job_id)) for job_id in jobs]
    assert all(0 < clocked.seconds_to_next(job_id) <= 60 for job_id in jobs)
    assert not clocked.client.hexists(clocked.rig.keys.clock, "void_sound")
    clocked.client.delete(clocked.rig.keys.leader)
    clocked.work()
    assert [clocked.client.hgetall(clocked.rig.keys.job(job_id)) for job_id in jobs] == once


def test_a_change_that_was_read_before_a_job_was_planned_anew_does_not_bring_the_old_plan_back(
    clocked: Clocked,
) -> None:
    """Its revision has moved on."""
    job_id = clocked.rig.make_job()
    clocked.work()
    clocked.step(YEAR)
    clocked.work()
    read = clocked.rig.job_store.get(job_id)
    assert read is not None
    clocked.step(-YEAR)
    clocked.work()
    assert not clocked.rig.job_store.replace(read, read)
    assert 0 < clocked.seconds_to_next(job_id) <= 60


def test_a_leader_that_died_while_the_clock_was_ahead_is_replaced_all_the_same(clocked: Clocked) -> None:
    """Redis keeps its lease for as long as it was ahead; a stand-by cuts that short."""
    clocked.work()
    clocked.client.pexpire(clocked.rig.keys.leader, YEAR * 1000)
    clocked.rig.scheduler().heartbeat()
    assert 0 < clocked.client.pttl(clocked.rig.keys.leader) <= 6_000


def test_heartbeats_from_the_future_are_cleared(clocked: Clocked) -> None:
    """A scheduler and a worker that died while the clock was ahead are not counted, and do not stay for a year."""
    keys = clocked.rig.keys
    for key in (keys.schedulers, keys.workers):
        clocked.client.zadd(key, {"dead": START_MS + YEAR * 1000})
    clocked.work()
    clocked.rig.scripts.run("beat_worker", "alive", "1", "", "", "0123456789abcdef")
    assert [clocked.client.zscore(key, "dead") for key in (keys.schedulers, keys.workers)] == [None, None]


def test_retries_and_queued_runs_from_the_future_do_not_wait_for_it(clocked: Clocked) -> None:
    """A retry by hand made while the clock was ahead is let in, and a lost queued run is found."""
    job_id = clocked.rig.make_job()
    run_id = clocked.rig.use.run_now(job_id)
    retry = Retry("0b7f7a1e-0000-4000-8000-000000000001", 2, 60_000)
    clocked.step(YEAR)
    assert clocked.rig.runs.finish(run_id, clocked.rig.start(run_id), Outcome("failed", "no", {}), retry=retry)
    lost = clocked.rig.use.run_now(job_id)
    clocked.step(-YEAR)
    clocked.client.delete(clocked.rig.keys.rq_queue)
    reaper = Reaper(clocked.rig.runs, clocked.rig.job_store, clocked.rig.keys, clocked.client)
    for _ in range(6):
        clocked.pass_time(10)
        reaper.pass_over(clocked.now)
    assert clocked.client.zcard(clocked.rig.keys.retries) == 0
    assert clocked.rig.queue() == [lost]


def test_rqs_records_of_runs_that_ended_while_the_clock_was_ahead_do_not_stay_for_as_long(clocked: Clocked) -> None:
    """They go as if the runs had ended now."""
    clocked.rig.make_job()
    clocked.work()
    clocked.step(YEAR)
    clocked.work()
    (run_id,) = clocked.rig.queue()
    assert clocked.rig.runs.finish(run_id, clocked.rig.start(run_id), Outcome("success", None, {}))
    clocked.step(-YEAR)
    clocked.work()
    ends = clocked.client.zscore(clocked.rig.keys.rq_finished, run_id)
    assert ends is not None and ends <= clocked.now / 1000 + 600


def test_an_answer_that_was_kept_for_a_key_while_the_clock_was_ahead_is_kept_for_a_day_at_most(
    clocked: Clocked,
) -> None:
    """From the first time that it is asked for."""
    keys, call = clocked.rig.keys, clocked.rig.scripts.run
    job_id = clocked.rig.make_job()
    arguments = (job_id, "0b7f7a1e-0000-4000-8000-00000000000", "", "digest", "fingerprint", *[""] * 5, "0", "0", "")
    assert call("request_run", *(part + "1" if part.startswith("0b7f") else part for part in arguments)) == [b"queued"]
    clocked.client.expire(keys.idempotency("digest"), YEAR)
    assert call("request_run", *(part + "2" if part.startswith("0b7f") else part for part in arguments))[0] == b"kept"
    assert clocked.client.ttl(keys.idempotency("digest")) <= DAY


def test_steps_are_shown_for_a_day_or_until_they_are_acknowledged(clocked: Clocked) -> None:
    """Forward and back, the newest first."""
    clocked.a_year_ahead_for_four_seconds()
    assert [step.by_ms // 1000 for step in clocked.shown()] == [-YEAR, YEAR]
    steps = clocked.rig.health.acknowledge()["clock_steps"]
    assert "set back by 365 d" in steps[0]["detail"] and "set forward by 365 d" in steps[1]["detail"]
    assert clocked.shown() == []
    assert clocked.rig.health.acknowledge() == {"data_went_back": None, "clock_steps": []}
    clocked.step(-HOUR)
    clocked.work()
    assert [step.by_ms // 1000 for step in clocked.shown()] == [-HOUR]
    clocked.pass_time(DAY + HOUR)
    clocked.work()
    assert clocked.shown() == []
    assert len(clocked.told()) == 3


def test_what_stands_ahead_since_a_plain_step_back_is_not_void_after_the_clock_was_ahead(clocked: Clocked) -> None:
    """It was decided by a clock that was right, and is not decided twice."""
    job_id = clocked.rig.make_job(options={"overlap": "queue"})
    for _ in range(61):
        clocked.pass_time(MINUTE)
        clocked.work()
    ran = [run["scheduled_for"] for run in clocked.rig.history(job_id)]
    clocked.step(-HOUR)
    clocked.work()
    clocked.rig.make_job()  # which acts on instants before those
    clocked.pass_time(2 * MINUTE)
    clocked.work()
    clocked.step(DAY)
    clocked.work()
    clocked.step(-DAY)
    clocked.work()
    for _ in range(62):
        clocked.pass_time(MINUTE)
        clocked.work()
    queued = [run["scheduled_for"] for run in clocked.rig.history(job_id) if run["status"] == "queued"]
    assert set(ran) < set(queued)
    assert len(queued) == len(set(queued))


@pytest.mark.parametrize("ahead", [10 * MINUTE, DAY])
def test_a_job_made_before_a_plain_step_back_runs_nothing_twice_after_the_clock_was_ahead(
    clocked: Clocked, ahead: int
) -> None:
    """Its interval's anchor lies in the future as well, and stays."""
    job_id = clocked.rig.make_job(options={"overlap": "queue"})
    anchor = clocked.client.hget(clocked.rig.keys.job(job_id), "anchor")
    for _ in range(10):
        clocked.pass_time(MINUTE)
        clocked.work()
    clocked.step(-HOUR)
    clocked.work()
    clocked.step(ahead)
    clocked.work()
    clocked.step(-ahead)
    clocked.work()
    for _ in range(65):
        clocked.pass_time(MINUTE)
        clocked.work()
    queued = [run["scheduled_for"] for run in clocked.rig.history(job_id) if run["status"] == "queued"]
    assert len(queued) == len(set(queued)) == 15
    assert clocked.client.hget(clocked.rig.keys.job(job_id), "anchor") == anchor


IN_A_MINUTE: list[dict[str, Any]] = [
    {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 1}},
    {"schedule_type": "cron", "schedule_config": {"cron_expression": "1 8 * * *"}},
]
"""Due at 08:01, a minute after the start."""


def another_leads(clocked: Clocked) -> Scheduler:
    """The scheduler is killed, its lease ends, and another one is started."""
    clocked.client.delete(clocked.rig.keys.leader)
    return clocked.rig.scheduler()


def goes_ahead_unwatched(clocked: Clocked, seconds: int) -> None:
    """No scheduler sees the clock being set; one works by it for ten seconds and is killed before it is back."""
    clocked.work()
    clocked.pass_time(24)
    clocked.step(seconds)
    ahead = another_leads(clocked)
    clocked.work(ahead)
    clocked.pass_time(10)
    clocked.work(ahead)
    clocked.step(-seconds)


def instants_that_ran(clocked: Clocked, job_id: str) -> list[int]:
    """The occurrences of a job that were enqueued and are not void, the newest first, seconds after the start."""
    return [
        int(datetime.fromisoformat(f"{run['scheduled_for']}+00:00").timestamp()) - START_MS // 1000
        for run in clocked.rig.history(job_id)
        if run["trigger"] == "schedule" and run["status"] != "skipped"
    ]


@pytest.mark.parametrize("ahead", [2 * DAY, 30 * DAY])
@pytest.mark.parametrize("schedule", IN_A_MINUTE, ids=["daily", "cron"])
def test_what_comes_due_before_the_walk_is_caught_up_after_a_clock_that_nobody_saw_go_ahead(
    clocked: Clocked, schedule: dict[str, Any], ahead: int
) -> None:
    """Decisions stand up to the landing: what comes due in the minute after it is late, and not lost."""
    job_id = clocked.rig.make_job(**schedule, options={"catch_up": "latest"})
    goes_ahead_unwatched(clocked, ahead)
    back = another_leads(clocked)
    for _ in range(2):
        clocked.work(back)
        assert MINUTE not in instants_that_ran(clocked, job_id)
        clocked.pass_time(35)
    clocked.work(back)
    assert instants_that_ran(clocked, job_id).count(MINUTE) == 1
    assert 23 * HOUR < clocked.seconds_to_next(job_id) < DAY


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("schedule", IN_A_MINUTE, ids=["daily", "cron"])
def test_a_change_of_the_leader_before_the_walk_loses_nothing(
    clocked: Clocked, schedule: dict[str, Any], recorded: bool
) -> None:
    """The landing is kept; where the step was not recorded, the time at which the walk was first wanted."""
    job_id = clocked.rig.make_job(**schedule, options={"catch_up": "latest"})
    goes_ahead_unwatched(clocked, 30 * DAY)
    if not recorded:  # as an older release left it
        clocked.client.delete(clocked.rig.keys.clock)
    for _ in range(5):
        leader = another_leads(clocked)
        clocked.work(leader)
        clocked.pass_time(50)
        clocked.work(leader)
    assert MINUTE not in instants_that_ran(clocked, job_id)
    clocked.pass_time(11)
    clocked.work(leader)
    assert instants_that_ran(clocked, job_id).count(MINUTE) == 1


def test_a_walk_that_was_ordered_by_an_older_release_starts_from_now(clocked: Clocked) -> None:
    """It did not say where the clock landed; the walk is carried out all the same, and leaves nothing ordered."""
    job_id = clocked.rig.make_job(**IN_A_MINUTE[0])
    goes_ahead_unwatched(clocked, 30 * DAY)
    back = another_leads(clocked)
    clocked.work(back)
    clocked.client.hdel(clocked.rig.keys.clock, "void_landed")
    clocked.work(back)
    clocked.pass_time(70)
    clocked.work(back)
    assert instants_that_ran(clocked, job_id).count(MINUTE) == 0
    assert 23 * HOUR < clocked.seconds_to_next(job_id) < DAY
    assert not {b"void", b"void_landed"} & set(clocked.client.hkeys(clocked.rig.keys.clock))


def test_a_job_that_was_switched_on_after_the_landing_owes_nothing_of_before(clocked: Clocked) -> None:
    """It was off when that came due."""
    job_id = clocked.rig.make_job(**IN_A_MINUTE[0], options={"catch_up": "latest"})
    goes_ahead_unwatched(clocked, 30 * DAY)
    back = another_leads(clocked)
    clocked.work(back)
    clocked.rig.jobs.toggle(job_id, {"enabled": False})
    clocked.pass_time(40)
    clocked.rig.jobs.toggle(job_id, {"enabled": True})
    clocked.pass_time(30)
    clocked.work(back)
    assert MINUTE not in instants_that_ran(clocked, job_id)
    assert 23 * HOUR < clocked.seconds_to_next(job_id) < DAY


@pytest.mark.parametrize("history", [1_000, 5])
def test_what_ran_by_a_clock_that_nobody_saw_go_ahead_and_is_over_does_not_run_again(
    clocked: Clocked, history: int
) -> None:
    """Nor where the history is too short to tell."""
    clocked.rig = Rig.on(clocked.client, Limits(history=history))
    clocked.scheduler = clocked.rig.scheduler()
    job_id = clocked.rig.make_job(options={"overlap": "queue", "catch_up": "all"})
    clocked.work()
    clocked.pass_time(20)
    clocked.step(3 * HOUR)
    ahead = another_leads(clocked)
    clocked.work(ahead)
    ran = []
    while queue := clocked.rig.queue():
        record = clocked.rig.runs.get(queue[0])
        assert record is not None
        ran.append(int(record["scheduled_for"]))
        token = clocked.rig.start(queue[0])
        assert clocked.rig.runs.finish(queue[0], token, Outcome("success", None, {}))
    assert len(ran) == len(set(ran)) == 180
    clocked.step(-3 * HOUR)
    back = another_leads(clocked)
    clocked.work(back)
    clocked.pass_time(110)  # past two of them
    clocked.work(back)
    assert clocked.rig.queue() == []
    assert 0 < clocked.seconds_to_next(job_id) <= MINUTE
    clocked.pass_time(MINUTE)
    clocked.work(back)
    (again,) = clocked.rig.queue()
    record = clocked.rig.runs.get(again)
    assert record is not None and int(record["scheduled_for"]) == START_MS // 1000 + 3 * MINUTE


def test_what_ran_by_a_clock_that_was_seen_ahead_does_not_run_again_if_the_history_is_too_short_to_tell(
    clocked: Clocked,
) -> None:
    """Ahead by an hour for ten minutes: what is over by then had run, and its entries are gone."""
    clocked.rig = Rig.on(clocked.client, Limits(history=5))
    clocked.scheduler = clocked.rig.scheduler()
    clocked.rig.make_job(options={"overlap": "queue", "catch_up": "all"})
    clocked.work()
    clocked.step(HOUR)
    clocked.work()
    while queue := clocked.rig.queue():
        token = clocked.rig.start(queue[0])
        assert clocked.rig.runs.finish(queue[0], token, Outcome("success", None, {}))
    clocked.pass_time(10 * MINUTE + 30)
    clocked.step(-HOUR)
    clocked.work()
    assert clocked.rig.queue() == []
    clocked.pass_time(MINUTE)
    clocked.work()
    (again,) = clocked.rig.queue()
    record = clocked.rig.runs.get(again)
    assert record is not None and int(record["scheduled_for"]) == START_MS // 1000 + 11 * MINUTE


def test_what_ran_while_the_clock_was_ahead_and_is_over_stands_through_the_steps_that_follow_at_once(
    clocked: Clocked,
) -> None:
    """It lies ahead again after a plain step back, before any heartbeat, and then the clock goes ahead and back."""
    job_id = clocked.rig.make_job(options={"overlap": "queue", "catch_up": "all"})
    clocked.work()
    clocked.pass_time(30)
    clocked.step(10 * MINUTE)
    clocked.work()
    clocked.pass_time(35)
    clocked.step(-10 * MINUTE)
    clocked.work()
    assert instants_that_ran(clocked, job_id) == [MINUTE]
    (run_id,) = clocked.rig.queue()
    assert clocked.rig.runs.finish(run_id, clocked.rig.start(run_id), Outcome("success", None, {}))
    for seconds in (-61, 100, -100):
        clocked.step(seconds)
        clocked.work()
    clocked.pass_time(2 * MINUTE)
    clocked.work()
    assert instants_that_ran(clocked, job_id) == [2 * MINUTE, MINUTE]


def test_what_ran_by_a_clock_that_was_seen_ahead_does_not_run_again_after_one_that_was_not_seen(
    clocked: Clocked,
) -> None:
    """How far was acted lies two hours ahead then, and says nothing of what the second clock had decided."""
    job_id = clocked.rig.make_job(options={"overlap": "queue", "catch_up": "all"})
    daily = clocked.rig.make_job(**IN_A_MINUTE[0])
    goes_ahead_unwatched(clocked, 30 * DAY)
    back = another_leads(clocked)
    clocked.work(back)
    clocked.pass_time(61)
    clocked.work(back)
    assert clocked.seconds_to_next(daily) < DAY and clocked.seconds_to_next(job_id) <= MINUTE
    before = len(instants_that_ran(clocked, job_id))
    clocked.step(10 * MINUTE)
    clocked.work(back)
    while queue := clocked.rig.queue():
        token = clocked.rig.start(queue[0])
        assert clocked.rig.runs.finish(queue[0], token, Outcome("success", None, {}))
    clocked.pass_time(5 * MINUTE)
    clocked.step(-10 * MINUTE)
    over = (clocked.now - START_MS) // 1000
    clocked.work(back)
    clocked.pass_time(5 * MINUTE)
    clocked.work(back)
    instants = [instant for instant in instants_that_ran(clocked, job_id) if instant <= over]
    assert len(instants) > before
    assert len(instants) == len(set(instants))


def test_a_day_back_for_good_runs_nothing_again_that_is_over(clocked: Clocked) -> None:
    """What ran in the minute after the landing, a day before, stays decided; the day's other occurrences come again."""
    job_id = clocked.rig.make_job(options={"catch_up": "latest", "overlap": "queue"})
    daily = clocked.rig.make_job(**IN_A_MINUTE[0], options={"catch_up": "latest"})
    for _ in range(4):
        clocked.pass_time(MINUTE)
        clocked.work()
    clocked.pass_time(DAY - 4 * MINUTE + 34)
    clocked.work()
    clocked.step(-DAY)
    clocked.work()
    clocked.pass_time(70)
    clocked.work()
    assert clocked.now == START_MS + 104_000
    for one in (job_id, daily):
        instants = instants_that_ran(clocked, one)
        assert instants.count(MINUTE) == 1
        assert 0 < clocked.seconds_to_next(one) <= DAY
    clocked.pass_time(16)
    clocked.work()
    assert instants_that_ran(clocked, job_id)[0] == 2 * MINUTE


def test_both_walks_are_done_where_the_clock_went_ahead_unwatched_and_then_watched(clocked: Clocked) -> None:
    """The one that can be done at once comes first, and does not replace the other."""
    job_id = clocked.rig.make_job(**IN_A_MINUTE[0], options={"catch_up": "latest"})
    goes_ahead_unwatched(clocked, 30 * DAY)
    back = another_leads(clocked)
    clocked.work(back)
    clocked.pass_time(2)
    clocked.step(10 * MINUTE)
    clocked.work(back)
    clocked.pass_time(4)
    clocked.step(-10 * MINUTE)
    clocked.work(back)
    clocked.pass_time(2)
    clocked.work(back)
    clocked.pass_time(61)
    clocked.work(back)
    assert instants_that_ran(clocked, job_id).count(MINUTE) == 1
    assert 23 * HOUR < clocked.seconds_to_next(job_id) < DAY
