"""Pauses: what they keep back, what becomes of it, and that nothing else changes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from service.alerting.alert_texts import words_of_the_service
from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import ALL
from service.domain.run_records import Outcome, Retry
from service.errors import Conflict, NotFound, StoreUnavailable, ValidationFailed
from service.scheduler.pauses import PauseEnds
from service.store.pauses.pause_store import MOST_ACTIVE
from service.store.scripts import Limits
from service.store.server.redis_clock import RedisClock
from service.usecases.fates.occurrences import Occurrences
from service.usecases.foresight.feeds import Feeds
from service.usecases.foresight.timelines import Timelines
from service.usecases.pauses import Pauses
from service.web.console.timeline import timeline
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig
from tests.support.virtual_time import MONOTONIC_KEY, NOW_KEY, VirtualRedis, virtual_time

START_MS = 1_800_000_000_000
MINUTE = 60_000
DAY = 86_400_000


class World:
    """An installation whose clock the test sets."""

    def __init__(self, client: VirtualRedis) -> None:
        self.client = client
        self.now = START_MS
        self.rig = Rig.on(client, Limits(history=5_000))
        self.keys = self.rig.keys
        self.pauses = Pauses(self.rig.scripts, ("echo", "birthday"))
        self.ends = PauseEnds(self.rig.scripts)
        self.scheduler = self.rig.scheduler()

    def set(self, ms: int) -> None:
        """Let the clock show `ms`, and as much time pass, if it is later."""
        passed = int(self.client.get(MONOTONIC_KEY) or 0) + max(0, ms - self.now)
        self.now = ms
        self.client.mset({NOW_KEY: ms, MONOTONIC_KEY: passed})

    def after(self, ms: int) -> None:
        self.set(self.now + ms)

    def tick(self) -> None:
        while self.scheduler.enqueue_jobs():
            pass

    def minutes(self, count: int) -> None:
        """Let minutes pass, each of them looked at."""
        for _ in range(count):
            self.after(MINUTE)
            self.tick()

    def resume(self) -> None:
        while self.ends.step() == 0.0:
            pass

    def pause(self, scope: Any = "all", on_resume: str = "skip", **more: Any) -> str:
        body = {"scope": scope, "reason": "maintenance", "on_resume": on_resume, **more}
        return str(self.pauses.create(body)["id"])

    def end(self, pause_id: str) -> None:
        self.pauses.end(pause_id)

    def instant(self, ms: int) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime((self.now + ms) // 1000))

    def statuses(self, job_id: str) -> list[tuple[str, str | None]]:
        """Status and reason of each run, the oldest first."""
        return [(run["status"], run["reason"]) for run in reversed(self.rig.history(job_id))]

    def held(self, job_id: str) -> list[str]:
        found: Any = self.client.lrange(self.keys.on_hold(job_id), 0, -1)
        return [one.decode() for one in found]

    def work_off(self) -> list[str]:
        """Let a worker carry out whatever is queued. Return the runs in the order in which they ran."""
        ran = []
        while queue := self.rig.queue():
            token = self.rig.start(queue[0])
            assert self.rig.runs.finish(queue[0], token, Outcome("success"))
            ran.append(queue[0])
        return ran

    def is_clean(self) -> bool:
        """Whether nothing of a pause is left but the ended pauses themselves."""
        left = self.client.keys(f"{self.keys.prefix}:pause:*") + self.client.keys("*:hold")
        return not left and not self.client.exists(self.keys.held, self.keys.resuming)


@pytest.fixture
def world(light_server: ValkeyServer) -> Iterator[World]:
    client = VirtualRedis(port=light_server.port)
    client.flushall()
    client.set(NOW_KEY, START_MS)
    person = act_for(Caller("k1", "Ada's key", ALL))
    with virtual_time(client):
        yield World(client)
    act_as_before(person)
    client.flushall()
    client.close()


# what it keeps back


def test_occurrences_within_a_pause_are_skipped_and_say_by_which(world: World) -> None:
    job_id = world.rig.make_job()
    pause_id = world.pause()
    world.minutes(3)
    (entry,) = world.rig.history(job_id)
    assert (entry["status"], entry["reason"], entry["occurrences"]) == ("skipped", "paused", 3)
    assert entry["pause"] == {
        "id": pause_id, "reason": "maintenance", "by": {"actor": "k1", "name": "Ada's key"}, "on_resume": "skip",
    }  # fmt: skip
    assert world.rig.queue() == [] and world.rig.counts(job_id) == (0, 0)
    world.end(pause_id)
    world.minutes(1)
    assert world.statuses(job_id) == [("skipped", "paused"), ("queued", None)]


def test_skips_of_two_pauses_are_two_entries(world: World) -> None:
    job_id = world.rig.make_job()
    for _ in range(2):
        pause_id = world.pause()
        world.minutes(2)
        world.end(pause_id)
    assert [run["occurrences"] for run in world.rig.history(job_id)] == [2, 2]


def test_nothing_is_let_through_a_millisecond_after_the_answer(world: World) -> None:
    """By a scheduler that has planned the occurrence before; and it is let through a millisecond before."""
    before, after = world.rig.make_job(name="a"), world.rig.make_job(name="b")
    world.after(MINUTE - 10)
    world.scheduler._plan(25)
    world.after(10)
    world.pause({"job_id": after})
    world.after(1)
    world.tick()
    assert world.statuses(before) == [("queued", None)]
    assert world.statuses(after) == [("skipped", "paused")]


def test_one_that_was_late_when_the_pause_began_does_not_slip_through(world: World) -> None:
    job_id = world.rig.make_job()
    world.after(MINUTE + 1_000)
    world.pause()
    world.tick()
    assert world.statuses(job_id) == [("skipped", "paused")]


@pytest.mark.parametrize(
    ("scope", "is_paused"),
    [
        ("all", True),
        ({"bot_type": "echo"}, True),
        ({"bot_type": "birthday"}, False),
        ({"label": {"team": "crm"}}, True),
        ({"label": {"team": "crm", "tier": "one"}}, True),
        ({"label": {"team": "crm", "tier": "two"}}, False),
        ({"label": {"team": "erp"}}, False),
    ],
)
def test_a_pause_is_for_the_jobs_of_its_scope(world: World, scope: Any, is_paused: bool) -> None:
    job_id = world.rig.make_job(labels={"team": "crm", "tier": "one"})
    world.pause(scope)
    world.minutes(1)
    assert world.statuses(job_id) == [("skipped", "paused") if is_paused else ("queued", None)]


def test_a_pause_of_one_job_leaves_the_others(world: World) -> None:
    paused, other = world.rig.make_job(), world.rig.make_job()
    world.pause({"job_id": paused})
    world.minutes(1)
    assert world.statuses(paused) == [("skipped", "paused")]
    assert world.statuses(other) == [("queued", None)]


def test_nothing_else_of_a_job_changes(world: World) -> None:
    """Its plan, revision and state go on as without a pause."""
    paused, other = world.rig.make_job(), world.rig.make_job()
    world.pause({"job_id": paused})
    world.minutes(3)
    names = ("next_occurrence", "next_due", "last_decided", "revision", "state", "enabled", "kind", "updated_at")
    jobs = [world.client.hmget(world.keys.job(job_id), names) for job_id in (paused, other)]
    assert jobs[0] == jobs[1]


def test_a_job_says_which_pauses_cover_it_as_long_as_they_do(world: World) -> None:
    """First the one that decides; also before the scheduler has noted that one is over."""
    jobs = world.rig.jobs
    job_id, other = world.rig.make_job(labels={"team": "crm"}), world.rig.make_job()
    whole = jobs.get(job_id).data

    def paused() -> list[Any]:
        listed = jobs.list(limit=5).data
        assert [jobs.get(one["id"]).data for one in listed] == listed
        filtered = jobs.list(limit=5, q="a job").data
        chunks = [json.loads(job) for some in jobs.all() for job in some]
        assert listed == filtered == chunks
        by_id = {one["id"]: one.get("paused") for one in listed}
        return [by_id[job_id], by_id[other]]

    assert paused() == [None, None] and "paused" not in whole
    held = world.pause(on_resume="all")
    skipped = world.pause({"label": {"team": "crm"}}, until=world.instant(MINUTE))
    assert paused() == [[skipped, held], [held]]
    assert jobs.get(job_id).data["paused_until"] is None
    world.rig.jobs.update(job_id, jobs.get(job_id).data | {"description": "sent back"})
    assert jobs.get(job_id).data["description"] == "sent back"
    world.after(MINUTE)
    assert paused() == [[held], [held]]
    world.rig.jobs.toggle(other, {"enabled": False})
    assert paused() == [[held], [held]]
    world.end(held)
    assert paused() == [None, None] and "paused_until" not in jobs.get(job_id).data
    ends = [world.instant(MINUTE), world.instant(2 * MINUTE)]
    for until in ends:
        world.pause(until=until)
    assert jobs.get(job_id).data["paused_until"] == ends[1]


def test_runs_by_hand_go_through_and_say_so(world: World) -> None:
    job_id = world.rig.make_job()
    pause_id = world.pause()
    run_id = world.rig.use.run_now(job_id)
    assert world.rig.history(job_id)[0]["during_pause"] == pause_id
    assert world.work_off() == [run_id]
    world.end(pause_id)
    world.rig.use.run_now(job_id)
    assert "during_pause" not in world.rig.history(job_id)[0]


def test_a_run_for_later_says_so_if_a_pause_lasts_until_it_starts(world: World) -> None:
    """Not because one covered its job when somebody asked for it."""
    job_id = world.rig.make_job()
    world.pause(until=world.instant(MINUTE))
    run_ids = [world.rig.use.run_now(job_id, {"at": world.instant(ms)}) for ms in (2 * MINUTE, 4 * MINUTE, 9 * MINUTE)]
    assert not any("during_pause" in run for run in world.rig.history(job_id))
    world.after(3 * MINUTE)
    lasting = world.pause()
    for run_id in run_ids[:2]:
        world.rig.runs.release_delayed(run_id)
    world.after(2 * MINUTE)
    world.rig.runs.release_delayed(run_ids[1])
    world.end(lasting)
    world.rig.use.start(job_id, run_ids[2])
    found = {run["id"]: run.get("during_pause") for run in world.rig.history(job_id)}
    assert [found[run_id] for run_id in run_ids] == [lasting, lasting, None]


def test_thousands_of_held_runs_are_let_in_while_their_jobs_are_due(world: World) -> None:
    """More than Lua hands on to one command. Each is queued once, and no call of the script lets in all of them."""
    jobs = [world.rig.make_job(options={"max_concurrent_runs": 1000}) for _ in range(45)]
    pause_id = world.pause(on_resume="all")
    world.minutes(100)
    assert world.client.zcard(world.keys.held) == 4500
    world.end(pause_id)
    world.after(MINUTE)
    world.tick()
    queued = world.rig.queue()
    assert len(queued) == len(set(queued)) == world.client.zcard(world.keys.queued)
    world.resume()
    assert len(world.rig.queue()) == 45 * 101
    assert [world.rig.counts(job_id) for job_id in jobs] == [(101, 101)] * 45
    assert world.is_clean()


@pytest.mark.parametrize("overlap", ["replace", "latest", "queue", "skip"])
def test_a_run_that_is_let_in_and_replaced_at_once_is_in_no_queue(world: World, overlap: str) -> None:
    """The occurrence that lets it in is the one that replaces it."""
    job_id = world.rig.make_job(options={"overlap": overlap})
    pause_id = world.pause(on_resume="latest")
    world.minutes(1)
    world.end(pause_id)
    world.minutes(1)
    world.resume()
    newest, held = world.rig.history(job_id)
    queued = [run["id"] for run in (held, newest) if run["status"] == "queued"]
    assert (held["status"] == "cancelled") == (overlap == "replace")
    listed: Any = world.client.zrange(world.keys.queued, 0, -1)
    assert world.rig.queue() == queued[:1] == [one.decode() for one in listed]
    assert world.rig.counts(job_id) == (len(queued), 1)


def test_a_held_run_names_a_pause_that_still_holds_it(world: World) -> None:
    """Where several do, and the one that was named first is over; also in the sentence that explains it."""
    job_id = world.rig.make_job()
    first = world.pause(on_resume="all")
    world.minutes(1)
    second, third = world.pause({"job_id": job_id}, on_resume="all"), world.pause(on_resume="all")
    (run_id,) = world.held(job_id)

    def holder() -> str:
        run = world.rig.use.run(job_id, run_id).data
        (item,) = (one for one in Occurrences(world.rig.scripts).page(job_id)["items"] if one.get("run_id") == run_id)
        assert item["pause"]["id"] == run["held_by"]
        return str(run["held_by"])

    assert holder() == first
    world.end(third)
    world.resume()
    assert holder() == first
    world.end(first)
    world.resume()
    assert holder() == second
    world.end(second)
    world.resume()
    assert world.work_off() == [run_id] and world.is_clean()


def test_retries_and_queued_runs_go_through(world: World) -> None:
    world.rig.make_job(options={"max_retries": 1, "retry_delay_seconds": 10, "max_concurrent_runs": 2})
    world.minutes(2)
    first, second = world.rig.queue()
    token = world.rig.start(first)
    world.pause()
    retry = "00000000-0000-4000-8000-000000000001"
    assert world.rig.runs.finish(first, token, Outcome("failed", "no"), retry=Retry(retry, 2, 10_000))
    world.after(11_000)
    for run_id in world.rig.runs.delayed_until(world.now, 10):
        world.rig.runs.release_delayed(run_id)
    assert world.work_off() == [second, retry]


# what becomes of it


def test_all_of_them_run_at_the_end_in_their_order(world: World) -> None:
    job_id = world.rig.make_job()
    pause_id = world.pause(on_resume="all")
    world.minutes(3)
    held = world.held(job_id)
    assert len(held) == 3 and world.rig.queue() == [] and world.rig.counts(job_id) == (3, 0)
    assert [run["held_by"] for run in world.rig.history(job_id)] == [pause_id] * 3
    world.end(pause_id)
    world.resume()
    assert world.rig.counts(job_id) == (3, 1)
    assert all("held_by" not in run for run in world.rig.history(job_id))
    assert world.work_off() == held
    assert world.is_clean()


def test_the_latest_alone_runs_at_the_end(world: World) -> None:
    job_id = world.rig.make_job()
    pause_id = world.pause(on_resume="latest")
    world.minutes(3)
    assert world.statuses(job_id) == [("skipped", "coalesced"), ("skipped", "coalesced"), ("queued", None)]
    world.end(pause_id)
    world.resume()
    (run_id,) = world.work_off()
    newest = world.rig.history(job_id)[0]
    assert newest["id"] == run_id and newest["lateness_ms"] == 0, "a held run is due when its pause ends"
    assert world.is_clean()


def test_a_thousand_are_held_the_newest(world: World) -> None:
    job_id = world.rig.make_job(schedule_config={"seconds": 1}, options={"catch_up": "all"})
    world.pause(on_resume="all")
    for _ in range(1_003):
        world.after(1_000)
        world.tick()
    statuses = world.client.llen(world.keys.history(job_id))
    held = world.held(job_id)
    assert (statuses, len(held)) == (1_003, 1_000)
    fields = world.client.hmget(world.keys.run(held[0]), "scheduled_for", "status")
    assert fields == [str(START_MS // 1000 + 4).encode(), b"queued"]
    assert world.rig.counts(job_id) == (1_000, 0) and world.client.zcard(world.keys.held) == 1_000


@pytest.mark.parametrize("on_resume", ["skip", "latest", "all"])
def test_it_ends_by_itself(world: World, on_resume: str) -> None:
    job_id = world.rig.make_job()
    pause_id = world.pause(on_resume=on_resume, until=world.instant(150_000))
    assert world.ends.step() == pytest.approx(150)
    world.minutes(2)
    assert world.pauses.get(pause_id)["is_active"]
    world.after(30_000)
    assert not world.pauses.get(pause_id)["is_active"], "whether the scheduler has noted it or not"
    world.resume()
    assert len(world.work_off()) == {"skip": 0, "latest": 1, "all": 2}[on_resume]
    told = world.pauses.get(pause_id)
    assert told["ended_at"] == told["until"] and told["ended_by"] is None
    world.minutes(1)
    assert world.statuses(job_id)[-1] == ("queued", None) and world.is_clean()


def test_a_later_occurrence_never_overtakes(world: World) -> None:
    """Though the leading scheduler has not let in what was held."""
    job_id = world.rig.make_job(options={"overlap": "queue"})
    pause_id = world.pause(on_resume="all")
    world.minutes(2)
    held = world.held(job_id)
    world.end(pause_id)
    world.minutes(1)
    live = world.rig.history(job_id)[0]["id"]
    assert world.work_off() == [*held, live]
    world.resume()
    assert world.is_clean()


@pytest.mark.parametrize(
    ("on_resume", "ran"), [("skip", ["after"]), ("latest", ["2", "after"]), ("all", ["1", "2", "after"])]
)
@pytest.mark.parametrize("is_noted", [False, True])
def test_an_outage_longer_than_the_pause(world: World, on_resume: str, ran: list[str], is_noted: bool) -> None:
    """What came due within is still paused, and what came due before and after is not.

    Whether the end of the pause was noted before, or is after.
    """
    job_id = world.rig.make_job(options={"catch_up": "all", "max_concurrent_runs": 3})
    world.after(90_000)
    world.pause(on_resume=on_resume, until=world.instant(120_000))
    world.after(240_000)
    if is_noted:
        world.resume()
    world.tick()
    world.resume()
    first = START_MS // 1000 + 60
    names = {first: "before", first + 60: "1", first + 120: "2", first + 180: "after", first + 240: "after too"}
    occurrences = [int(world.client.hget(world.keys.run(run_id), "scheduled_for") or 0) for run_id in world.work_off()]
    assert [names[one] for one in occurrences] == ["before", *ran, "after too"]
    assert world.is_clean()
    assert world.rig.history(job_id)


def test_the_strictest_of_several_decides(world: World) -> None:
    job_id = world.rig.make_job()
    everything = world.pause(on_resume="all")
    world.minutes(1)
    latest = world.pause({"job_id": job_id}, on_resume="latest")
    world.minutes(2)
    skips = world.pause({"bot_type": "echo"})
    world.minutes(1)
    runs = list(reversed(world.rig.history(job_id)))
    assert [run["pause"]["id"] for run in runs] == [everything, latest, latest, skips]
    assert world.statuses(job_id) == [
        ("queued", None), ("skipped", "coalesced"), ("queued", None), ("skipped", "paused"),
    ]  # fmt: skip
    held = world.held(job_id)
    assert held == [runs[0]["id"], runs[2]["id"]]
    for pause_id in (everything, skips):
        world.end(pause_id)
        world.resume()
        assert world.held(job_id) == held, "a pause still covers the job"
    world.end(latest)
    world.resume()
    assert world.work_off() == held and world.is_clean()


# the job meanwhile


def held_job(world: World, scope: Any = "all", **fields: Any) -> tuple[str, str, list[str]]:
    job_id = world.rig.make_job(**fields)
    pause_id = world.pause(job_id and scope, on_resume="all")
    world.minutes(2)
    return job_id, pause_id, world.held(job_id)


def test_a_held_run_can_be_cancelled(world: World) -> None:
    job_id, pause_id, held = held_job(world)
    world.rig.use.cancel(job_id, held[0])
    assert world.statuses(job_id) == [("cancelled", None), ("queued", None)]
    assert "held_by" not in world.rig.use.run(job_id, held[0]).data
    world.end(pause_id)
    world.resume()
    assert world.work_off() == held[1:] and world.is_clean()


def test_a_deleted_job_takes_its_held_runs_along(world: World) -> None:
    job_id, pause_id, held = held_job(world)
    world.rig.jobs.delete(job_id)
    assert world.client.zcard(world.keys.held) == 0
    assert not world.client.exists(world.keys.on_hold(job_id), *map(world.keys.run, held))
    world.end(pause_id)
    world.resume()
    assert world.rig.queue() == [] and world.is_clean()


def test_a_disabled_job_runs_nothing_at_the_end(world: World) -> None:
    """As the retries that await their delay, its held runs are cancelled."""
    job_id, pause_id, _ = held_job(world)
    world.rig.jobs.toggle(job_id, {"enabled": False})
    assert {status for status, _ in world.statuses(job_id)} == {"cancelled"}
    world.end(pause_id)
    world.resume()
    assert world.rig.queue() == [] and world.rig.counts(job_id) == (0, 0) and world.is_clean()


def test_a_changed_job_keeps_its_held_runs(world: World) -> None:
    job_id, pause_id, held = held_job(world)
    world.rig.jobs.update(job_id, {"schedule_config": {"hours": 1}, "options": {"max_concurrent_runs": 2}})
    assert world.held(job_id) == held
    world.end(pause_id)
    world.resume()
    assert world.rig.queue() == held


def test_a_job_that_leaves_the_pauses_label_runs_what_is_held(world: World) -> None:
    job_id, _, held = held_job(world, {"label": {"team": "crm"}}, labels={"team": "crm"})
    assert len(held) == 2
    world.rig.jobs.update(job_id, {"labels": {"team": "erp"}})
    assert world.work_off() == held
    assert world.client.zcard(world.keys.held) == 0


def test_an_ended_job_is_not_deleted_with_a_held_run(world: World) -> None:
    once = {"schedule_type": "once", "schedule_config": {"at": world.instant(60_000)}}
    job_id = world.rig.make_job(**once, options={"delete_after_seconds": 1})
    pause_id = world.pause(on_resume="all")
    world.minutes(3)
    assert world.rig.job_store.delete_ended(10) == []
    (run_id,) = world.held(job_id)
    world.end(pause_id)
    world.resume()
    assert world.work_off() == [run_id]
    world.after(MINUTE)
    assert world.rig.job_store.delete_ended(10) == [job_id]


# what is to come


def test_what_is_to_come_within_a_pause_with_an_end_is_marked(world: World) -> None:
    """In the preview, the timeline and the feed; without an end, nobody knows: the timeline marks all of them."""
    job_id = world.rig.make_job(labels={"team": "crm"})
    world.pause({"job_id": job_id})
    jobs, now = world.rig.jobs.sorted, world.now // 1000
    upcoming = Timelines(world.rig.scripts, world.rig.jobs.sorted).upcoming

    def marks() -> list[str]:
        drawn = timeline(now, jobs.due_until(now + DAY // 1000), [], jobs.named, upcoming, world.pauses.over)
        return [mark.status for mark in drawn.lanes[0].marks]

    assert set(marks()) == {"paused"}
    world.end(world.pauses.active()[0].id)
    world.pause({"label": {"team": "crm"}}, until=world.instant(150_000))
    details = world.rig.jobs.preview_job(job_id, from_=None, count=4)["details"]
    assert [one.get("paused", False) for one in details] == [True, True, False, False]
    assert marks()[0] == "paused" and marks()[-1] == "upcoming"
    feed = Feeds(world.rig.scripts, world.rig.use, RedisClock(world.client)).calendar()
    assert feed.count(b"SUMMARY:a job: paused") == 2 and feed.count(b"STATUS:CANCELLED") == 2
    past = world.rig.jobs.preview_job(job_id, from_=world.instant(-300_000), count=2)["details"]
    assert not any("paused" in one for one in past if one["at"] <= world.instant(0))


# the clock


def test_a_pause_holds_when_the_clock_is_set_back_to_before_it(world: World) -> None:
    job_id = world.rig.make_job()
    world.minutes(1)
    world.pause()
    world.set(world.now - 3_600_000)
    for _ in range(62):
        world.minutes(1)
    assert {reason for _, reason in world.statuses(job_id)[1:]} == {"paused"}


def test_a_pause_that_ended_by_a_clock_that_was_ahead_is_in_force_again(world: World) -> None:
    """Unless a person has ended it."""
    job_id, other = world.rig.make_job(), world.rig.make_job()
    by_itself = world.pause({"job_id": job_id}, until=world.instant(1_800_000))
    by_a_person = world.pause({"job_id": other})
    world.after(3_600_000)
    world.resume()
    world.end(by_a_person)
    assert not world.pauses.get(by_itself)["is_active"]
    world.set(world.now - 3_590_000)
    assert world.pauses.get(by_itself)["is_active"]
    assert not world.pauses.get(by_a_person)["is_active"]
    world.minutes(1)
    assert world.statuses(job_id) == [("skipped", "paused")]
    assert world.statuses(other) == [("queued", None)]
    world.resume()
    assert world.client.hexists(world.keys.pauses, by_itself)
    world.minutes(1)
    assert world.statuses(job_id) == [("skipped", "paused")]


def test_a_person_ends_a_pause_that_ended_by_a_clock_that_was_ahead(world: World) -> None:
    """It would be in force again at the leader's next look, and hold what it holds."""
    job_id = world.rig.make_job()
    pause_id = world.pause({"job_id": job_id}, on_resume="all", until=world.instant(1_800_000))
    world.after(3_600_000)
    world.resume()
    world.set(world.now - 3_590_000)
    world.minutes(1)
    assert len(world.held(job_id)) == 1
    world.end(pause_id)
    with pytest.raises(Conflict, match="has ended already"):
        world.end(pause_id)
    world.resume()
    assert world.is_clean() and world.work_off()


def test_what_such_a_pause_holds_is_let_in_though_nobody_looked_until_it_was_over_again(world: World) -> None:
    job_id = world.rig.make_job()
    world.pause({"job_id": job_id}, on_resume="all", until=world.instant(1_800_000))
    world.after(3_600_000)
    world.resume()
    world.set(world.now - 3_590_000)
    world.minutes(1)
    assert len(world.held(job_id)) == 1
    world.after(7_200_000)
    world.resume()
    assert world.is_clean() and world.work_off()


# making and ending


def test_a_pause_and_its_end_are_audited_in_their_steps(world: World) -> None:
    pause_id = world.pause({"label": {"team": "crm"}}, until=world.instant(DAY))
    world.end(pause_id)
    audited: Any = world.client.xrange(world.keys.audit)
    entries = [fields for _, fields in audited]
    made, ended = ({name.decode(): value.decode() for name, value in entry.items()} for entry in entries[-2:])
    assert '"action":"pause.create"' in made["entry"] and f'"object":"{pause_id}"' in made["entry"]
    assert '"reason":[null,"maintenance"]' in made["entry"] and '"team":"crm"' in made["entry"]
    assert '"action":"pause.end"' in ended["entry"]


def test_a_pause_that_has_ended_cannot_be_ended(world: World) -> None:
    pause_id = world.pause(until=world.instant(2_000))
    world.after(2_000)
    with pytest.raises(Conflict, match="has ended already"):
        world.end(pause_id)
    other = world.pause()
    world.end(other)
    with pytest.raises(Conflict, match="has ended already"):
        world.end(other)
    with pytest.raises(NotFound):
        world.end("00000000-0000-4000-8000-000000000000")


def test_both_scripts_are_safe_to_repeat(world: World) -> None:
    pause = '{"id":"a","scope":"all","reason":"r","on_resume":"skip"}'
    made = [world.rig.scripts.run("make_pause", "a", pause, "", 10, '{"actor":"x"}', "", "") for _ in range(2)]
    assert made[0] == made[1] and made[0][0] == b"made"
    ended = [world.rig.scripts.run("end_pause", "a", '{"actor":"x"}', '{"actor":"x"}', "mark") for _ in range(2)]
    assert [one[0] for one in ended] == [b"ended", b"ended"] and ended[0][1] == ended[1][1]
    assert world.rig.scripts.run("end_pause", "a", "{}", "", "another")[0] == b"over"
    assert world.client.xlen(world.keys.audit) == 2


def test_there_are_at_most_200(world: World) -> None:
    for _ in range(MOST_ACTIVE):
        first = world.pause()
    with pytest.raises(Conflict, match="200 pauses are in force already"):
        world.pause()
    world.end(first)
    world.pause()


def test_ended_ones_are_kept_for_thirty_days_and_a_thousand_at_most(world: World) -> None:
    for _ in range(1_002):
        world.after(1)
        world.end(world.pause())
    assert len(world.pauses.page(2_000, state="ended").data) == 1_000
    world.after(31 * DAY)
    world.resume()
    assert not world.client.exists(world.keys.pauses, world.keys.ended_pauses)


@pytest.mark.parametrize("until", ["2020-01-01T00:00:00", "soon", 5])
def test_an_end_that_is_no_time_to_come_is_refused(world: World, until: Any) -> None:
    with pytest.raises(ValidationFailed, match="until must"):
        world.pause(until=until)


def test_no_pause_beside_an_older_scheduler(world: World) -> None:
    world.client.zadd(world.keys.schedulers, {"old-one": time.time() * 1000})
    world.client.hset(world.keys.scheduler_versions, "old-one", 4)
    with pytest.raises(StoreUnavailable, match="old-one is of an older release and does not know pauses"):
        world.pause()
    assert not world.client.exists(world.keys.pauses)


def test_a_pause_without_an_end_reminds_once_a_day(world: World) -> None:
    world.pause(until=world.instant(10 * DAY))
    world.pause({"bot_type": "echo"})
    world.after(DAY - 1)
    world.resume()
    assert world.rig.told() == []
    for _ in range(2):
        world.after(DAY)
        world.resume()
        world.resume()
        (alert,) = world.rig.told()
        assert (alert["kind"], alert["since"], alert["reason"]) == ("pause_lasts", START_MS, "maintenance")
    subject, body = words_of_the_service(alert)
    assert subject == "A pause has lasted for 3 d"
    assert "jobs of the bot echo" in body and "maintenance" in body and "bot-scheduler resume " in body


# runs that were there before


def test_runs_that_were_there_are_cancelled_if_asked_for(world: World) -> None:
    jobs = [world.rig.make_job(options={"max_concurrent_runs": 1, "overlap": "queue"}) for _ in range(2)]
    world.minutes(3)
    paused, other = jobs
    running = next(run["id"] for run in reversed(world.rig.history(paused)))
    token = world.rig.start(running)
    world.pause({"job_id": paused}, cancel_running=True)
    world.after(1)
    by_hand = world.rig.use.run_now(paused)
    world.ends.step()
    assert world.statuses(paused) == [("running", None), ("cancelled", None), ("cancelled", None), ("queued", None)]
    assert world.rig.runs.renew(running, token, 30_000) == "cancel"
    assert {status for status, _ in world.statuses(other)} == {"queued"}
    assert world.rig.use.run(paused, world.rig.history(paused)[1]["id"]).data["error"] == (
        "cancelled by a pause: maintenance"
    )
    world.rig.runs.finish(running, token, Outcome("cancelled"))
    assert by_hand in world.work_off()
    world.minutes(1)
    world.ends.step()
    assert world.statuses(paused)[-1] == ("skipped", "paused"), "it cancels once"


# outside hands


@pytest.mark.parametrize("lost", ["on_hold", "held", "pause_jobs"])
def test_what_outside_hands_lose_of_held_runs_is_mended(world: World, lost: str) -> None:
    job_id, pause_id, held = held_job(world)
    names = {
        "on_hold": world.keys.on_hold(job_id), "held": world.keys.held, "pause_jobs": world.keys.pause_jobs(pause_id),
    }  # fmt: skip
    world.client.delete(names[lost])
    assert world.rig.scripts.run("mend_counts", job_id) == int(lost == "on_hold")
    assert world.held(job_id) == held and world.client.zcard(world.keys.held) == 2
    assert world.rig.queue() == []
    world.end(pause_id)
    world.resume()
    assert world.work_off() == held and world.is_clean()


def test_the_sweep_changes_nothing_of_right_ones(world: World) -> None:
    job_id, _, held = held_job(world)
    world.rig.use.run_now(job_id)
    world.rig.use.run_now(job_id)
    counts = world.rig.counts(job_id)
    assert world.rig.scripts.run("mend_counts", job_id) == 0
    assert (world.rig.counts(job_id), world.held(job_id)) == (counts, held) == ((4, 1), held)


def test_a_recount_leaves_held_runs_on_hold(world: World) -> None:
    """As the take-over from an older release counts."""
    job_id, _, held = held_job(world)
    assert world.rig.scripts.run("recount_job", job_id, "") == [b"1"]
    assert (world.rig.counts(job_id), world.held(job_id), world.rig.queue()) == ((2, 0), held, [])


@pytest.mark.parametrize("damage", ["no JSON", "[]", "{}", '{"id":"x","scope":5,"on_resume":"skip","from":1}'])
def test_a_damaged_pause_stops_nothing(world: World, damage: str) -> None:
    job_id = world.rig.make_job()
    world.client.hset(world.keys.pauses, "x", damage)
    world.minutes(1)
    world.resume()
    assert world.statuses(job_id) == [("queued", None)]
    assert world.pauses.page(10).data == [] and world.pauses.active() == []


def test_a_key_of_another_type_concerns_one_job(world: World) -> None:
    job_id, pause_id, held = held_job(world)
    broken = world.rig.make_job()
    world.client.set(world.keys.on_hold(broken), "text")
    world.client.sadd(world.keys.pause_jobs(pause_id), broken)
    world.minutes(1)
    world.end(pause_id)
    world.resume()
    assert world.work_off()[:2] == held


def test_void_decisions_know_held_runs(world: World) -> None:
    """Those of instants to come, which were decided by a clock that was ahead."""
    job_id, pause_id, held = held_job(world)
    record = world.rig.job_store.get(job_id)
    assert record is not None
    decided, due = (int(world.client.hget(world.keys.job(job_id), name) or 0) for name in ("last_decided", "next_due"))
    stands = int(world.client.hget(world.keys.run(held[0]), "scheduled_for") or 0)
    fields = ('{"next_due": "%d"}' % due, "[]", due, 100, "")
    assert world.rig.scripts.run("void_decisions", job_id, record.revision, decided, due, stands, *fields) == 1
    assert world.statuses(job_id) == [("queued", None), ("skipped", "clock")]
    world.end(pause_id)
    world.resume()
    assert world.work_off() == held[:1] and world.is_clean()


def test_no_pause_costs_one_command(redis_client: Redis) -> None:
    """Each call of the script that decides reads the pauses once, and each job of it nothing more."""
    rig = Rig.on(redis_client)

    def calls() -> dict[str, int]:
        stats: Any = redis_client.info("commandstats")
        return {name: one["calls"] for name, one in stats.items()}

    def decide() -> dict[str, int]:
        for job_id in jobs:
            rig.pretend_due(job_id, 1)
        plans = rig.scheduler()
        plans._plan()
        plans._due_jobs.plan()
        redis_client.config_resetstat()
        found = plans._due_jobs.decide()
        assert found.decided == len(jobs)
        return calls()

    jobs = [rig.make_job() for _ in range(20)]
    spent = decide()
    assert spent["cmdstat_hgetall"] <= spent["cmdstat_evalsha"]
    assert "cmdstat_hget" not in spent or spent["cmdstat_hget"] <= 1
