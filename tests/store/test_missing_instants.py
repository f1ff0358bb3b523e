"""What is missing, by an oracle that asks neither epochs nor history: what schedules named, and what was carried out.

Schedules that change, pauses, outages, runs that overlap, and processes that die in the middle of a backfill, in random
orders. Afterwards nothing is missing: each instant was carried out once, and nothing else was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import ALL
from service.domain.run_records import Outcome
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import Conflict
from service.scheduler.backfill_feed import BackfillFeed
from service.scheduler.pauses import PauseEnds
from service.scheduler.reaper import Reaper
from service.store.jobs.epochs import note_planning
from service.store.presence import Presence
from service.store.scripts import Limits
from service.usecases.backfilling.backfills import Backfills
from service.usecases.fates.occurrences import Occurrences
from service.usecases.pauses import Pauses
from tests.support.store_rig import EchoConfig, Rig
from tests.support.virtual_time import MONOTONIC_KEY, NOW_KEY, VirtualRedis, virtual_time

START = int(datetime(2027, 3, 22, 8, 0, 0, tzinfo=UTC).timestamp())
LEASE_MS = 30_000


@dataclass
class Oracle:
    """What schedules name: a plain walk over the seconds since each change."""

    named: set[int] = field(default_factory=set)
    kind: str = "off"
    minutes: int = 0
    since: int = START

    def change(self, now: int, kind: str, minutes: int) -> None:
        """Another schedule from now on; what came due up to now was the former's."""
        self.pass_until(now)
        self.kind, self.minutes, self.since = kind, minutes, now

    def pass_until(self, now: int) -> None:
        if self.kind == "interval":
            self.named |= set(range(self.since + 60 * self.minutes, now + 1, 60 * self.minutes))
        elif self.kind == "cron":
            self.named |= {
                at for at in range(self.since + 1, now + 1)
                if at % 60 == 0 and at // 60 % 60 % self.minutes == 0
            }  # fmt: skip
        if self.kind != "interval":
            self.since = max(self.since, now)
        else:
            self.since += (now - self.since) // (60 * self.minutes) * 60 * self.minutes


class World:
    """One job, in a time that the test sets; the test is its worker, and notes what it carries out."""

    def __init__(self, client: Redis, options: dict[str, Any]) -> None:
        client.flushall()
        self.client, self.now = client, START
        self.set(START)
        self.rig = Rig.on(client, Limits(history=10_000))
        note_planning(self.rig.scripts)
        self.scheduler = self.rig.scheduler()
        self.reaper = Reaper(self.rig.runs, self.rig.job_store, self.rig.keys, client)
        self.occurrences = Occurrences(self.rig.scripts)
        self.backfills = Backfills(self.rig.scripts, self.occurrences, {"echo": EchoConfig})
        self.pauses = Pauses(self.rig.scripts, ("echo",))
        self.oracle = Oracle()
        self.done: dict[int, list[str]] = defaultdict(list)
        self.failed: set[int] = set()
        self.meant: set[int] = set()
        self.held_up: str | None = None
        self.tokens = 0
        self.job_id = self.rig.make_job(**_schedule("interval", 2), options={"max_retries": 0, **options})
        self.oracle.change(START, "interval", 2)

    def set(self, now: int) -> None:
        self.now = now
        self.client.mset({NOW_KEY: now * 1000, MONOTONIC_KEY: (now - START) * 1000})

    # what the test does as a worker

    def claim(self) -> str | None:
        """Pops and starts the next run. Returns its id."""
        popped: Any = self.client.lmove(self.rig.keys.rq_queue, self.rig.keys.rq_intermediate)
        if popped is None:
            return None
        self.tokens += 1
        claim = self.rig.runs.claim(popped.decode(), f"token-{self.tokens}", "w", LEASE_MS)
        if claim is None:
            return None
        self.done[int(claim.run["scheduled_for"])].append(claim.run_id)
        self.token = claim.token
        return claim.run_id

    def work(self, fails: bool = False) -> None:
        """Carries out whatever stands in the queue."""
        while self.client.llen(self.rig.keys.rq_queue):
            if (run_id := self.claim()) is not None:
                instant = int(self.client.hget(self.rig.keys.run(run_id), "scheduled_for") or 0)
                (self.failed.add if fails else self.failed.discard)(instant)
                self.rig.runs.finish(run_id, self.token, _outcome(fails))

    # what happens

    def live(self, minutes: int, fails: bool = False) -> None:
        """Everything is up."""
        for _ in range(minutes * 2):
            self.set(self.now + 30)
            self.scheduler.enqueue_jobs()
            self.work(fails)

    def outage(self, minutes: int) -> None:
        """Nothing is up; then another scheduler is."""
        self.set(self.now + minutes * 60 + 7)
        self.scheduler = self.rig.scheduler()

    def no_worker(self, minutes: int) -> None:
        """What is due waits, overlaps, or is coalesced, as the options say."""
        for _ in range(minutes * 2):
            self.set(self.now + 30)
            self.scheduler.enqueue_jobs()

    def change(self, kind: str, minutes: int) -> None:
        """To another schedule, if it is another; to none: the job is switched off."""
        if (kind, minutes) == (self.oracle.kind, self.oracle.minutes):
            return
        if kind == "off":
            self.rig.jobs.toggle(self.job_id, {"enabled": False})
        else:
            self.rig.jobs.update(self.job_id, {**_schedule(kind, minutes), "enabled": True})
        self.oracle.change(self.now, kind, minutes)

    def pause(self, on_resume: str, minutes: int) -> None:
        """For a while, in which everything is up."""
        body = {"scope": {"job_id": self.job_id}, "reason": "why not", "on_resume": on_resume}
        made = self.pauses.create(body)["id"]
        self.live(minutes)
        self.pauses.end(made)
        while PauseEnds(self.rig.scripts).step() == 0.0:
            pass
        self.work()

    def withdraw(self, by: str) -> None:
        """A run that is queued is cancelled: by a person, who means this one, or by the service."""
        for _ in range(10):
            self.set(self.now + 30)
            self.scheduler.enqueue_jobs()
            queued = [run for run in self.rig.history(self.job_id) if run["status"] == "queued"]
            if queued:
                instant = parse_timestamp(queued[0]["scheduled_for"], "")
                if by == "person":
                    token = act_for(Caller("k1", "Ada's key", ALL))
                    self.rig.use.cancel(self.job_id, queued[0]["id"])
                    act_as_before(token)
                    self.meant.add(instant)
                else:
                    self.rig.use.cancel(self.job_id, queued[0]["id"])
                return

    # backfills

    def plan(self, only: str) -> list[int]:
        """The instants of a dry run over all time since the job began."""
        answer = self.backfills.start(self.job_id, {**self.span(only), "dry_run": True})
        assert sum(answer["reasons"].values()) == (answer["total"] if only == "missing" else 0)
        return [parse_timestamp(at, "") for at in answer["instants"]]

    def span(self, only: str) -> dict[str, Any]:
        return {"since": format_timestamp(START), "until": format_timestamp(self.now + 1), "only": only}

    def fill(self, only: str, kills: list[str]) -> list[int]:
        """A backfill, while live runs go on and processes die. Returns its instants."""
        asked = self.backfills.start(self.job_id, {**self.span(only), "max_parallel": 2})
        if asked["backfill_id"] is None:
            return []
        left: Any = self.client.lrange(self.rig.keys.backfill_left(asked["backfill_id"]), 0, -1)
        deaths = iter(kills)
        for _ in range(2000):
            if self.backfills.get(self.job_id, asked["backfill_id"])["state"] != "active":
                return [int(one.split()[0]) for one in left]
            self.set(self.now + 1)
            Presence(self.rig.scripts).beat_worker("w")
            BackfillFeed(self.rig.scripts).step()
            match next(deaths, ""):
                case "popped":  # a worker dies before it claims
                    self.client.lmove(self.rig.keys.rq_queue, self.rig.keys.rq_intermediate)
                case "claimed":  # or in the middle
                    self.claim()
                case "scheduler":
                    self.scheduler = self.rig.scheduler()
                    BackfillFeed(self.rig.scripts).step()
                case "repeats":  # asked for twice at once
                    self._start_another(only)
            self.work()
            if self.client.exists(self.rig.keys.leases) or self.client.llen(self.rig.keys.rq_intermediate):
                self.set(self.now + 31)
                for _ in range(3):
                    self.reaper.pass_over(self.now * 1000)
                    self.set(self.now + 5)
            self.scheduler.enqueue_jobs()
        raise AssertionError("the backfill does not end")

    def _start_another(self, only: str) -> None:
        """It is refused, unless there is nothing left for it."""
        try:
            assert self.backfills.start(self.job_id, self.span(only))["backfill_id"] is None
        except Conflict as refusal:
            assert "under way" in str(refusal)


def _outcome(fails: bool) -> Outcome:
    return Outcome("failed", "no") if fails else Outcome("success", None, {})


def _schedule(kind: str, minutes: int) -> dict[str, Any]:
    if kind == "cron":
        return {"schedule_type": "cron", "schedule_config": {"cron_expression": f"*/{minutes} * * * *"}}
    return {"schedule_type": "interval", "schedule_config": {"minutes": minutes}}


@pytest.fixture
def client(redis_client: Redis) -> Iterator[Redis]:
    """A server that tells the test's time."""
    client = VirtualRedis(connection_pool=redis_client.connection_pool)
    with virtual_time(client):
        yield client


events = st.one_of(
    st.tuples(st.just("live"), st.integers(1, 8), st.booleans()),
    st.tuples(st.just("outage"), st.integers(1, 20)),
    st.tuples(st.just("no_worker"), st.integers(1, 12)),
    st.tuples(st.just("change"), st.sampled_from(["interval", "cron", "off"]), st.sampled_from([1, 2, 3, 5])),
    st.tuples(st.just("pause"), st.sampled_from(["skip", "latest", "all"]), st.integers(1, 8)),
    st.tuples(st.just("withdraw"), st.sampled_from(["person", "service"])),
)
options = st.fixed_dictionaries({
    "catch_up": st.sampled_from(["latest", "all", "none"]),
    "overlap": st.sampled_from(["skip", "queue", "latest"]),
    "misfire_grace_seconds": st.sampled_from([60, 86_400]),
})  # fmt: skip
kills = st.lists(st.sampled_from(["", "popped", "claimed", "scheduler", "repeats"]), max_size=8)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(options, st.lists(events, min_size=1, max_size=8), kills)
def test_after_a_backfill_nothing_is_missing_and_nothing_ran_twice(
    client: Redis, options: dict[str, Any], events: list[tuple[Any, ...]], kills: list[str]
) -> None:
    """Each instant that was named and that nobody has called off ran once, whoever made its run."""
    world = World(client, options)
    for name, *arguments in events:
        getattr(world, name)(*arguments)
    while world.scheduler.enqueue_jobs():
        pass
    world.work()
    world.oracle.pass_until(world.now)
    expected = sorted(world.oracle.named - set(world.done) - world.meant)
    assert world.plan("missing") == expected
    assert world.fill("missing", kills) == expected
    world.live(1)
    world.oracle.pass_until(world.now)
    left = world.plan("missing")
    # What came due while live runs waited behind the backfill's may be missing in turn; all of it is newer.
    assert not set(left) & set(expected) and all(one not in world.done for one in left)
    world.fill("missing", [])
    for instant in expected:
        assert len(world.done[instant]) == 1, instant
    assert all(len(runs) == 1 for runs in world.done.values())
    world.oracle.pass_until(world.now)
    assert set(world.done) <= world.oracle.named
    page = world.occurrences.page(world.job_id, since=format_timestamp(START), until=format_timestamp(world.now))
    assert (page["unaccounted"], page["doubled"], page["strays"]) == (0, 0, 0)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(events, min_size=1, max_size=8))
def test_failed_ones_are_named_as_they_were_then(client: Redis, events: list[tuple[Any, ...]]) -> None:
    """Also where the present schedule names them no more; done again, none is failed."""
    world = World(client, {"overlap": "queue", "catch_up": "all"})
    for name, *arguments in events:
        getattr(world, name)(*arguments)
    world.work()
    expected = sorted(world.failed)
    assert world.plan("failed") == expected
    assert world.fill("failed", []) == expected
    assert world.plan("failed") == []
    assert all(len(world.done[at]) == 2 for at in expected)
