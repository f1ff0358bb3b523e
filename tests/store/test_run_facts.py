"""What a run knows of its occurrence, and of what its job decided and did before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.domain import schedules
from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import ALL
from service.domain.run_records import Claim, Outcome, Retry
from service.store.calendars.calendar_store import CalendarStore
from service.store.ledger import RedisLedger
from service.store.runs.past_runs import PastRuns
from service.store.scripts import Limits
from service.worker.facts.run_facts import RunFacts
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig
from tests.support.virtual_time import NOW_KEY, VirtualRedis, virtual_time

START = datetime(2026, 10, 24, 20, 30, tzinfo=UTC)
"""Some hours before clocks in Berlin go back."""
RETRY = "0b7f7a1e-0000-4000-8000-000000000001"
SUCCESS = Outcome("success", None, {"seen": 1})


def facts_of(rig: Rig, claim: Claim) -> RunFacts:
    """Its facts, as a horse makes them."""
    record = claim.record
    zone = ZoneInfo(record.definition.schedule.timezone)
    ledger = RedisLedger(rig.client, rig.keys, "echo", claim.run_id)
    return RunFacts(claim, record, zone, PastRuns(rig.scripts), CalendarStore(rig.scripts), ledger.first_run)


def claim(rig: Rig, run_id: str) -> Claim:
    """Claims a run as a worker would."""
    found = rig.runs.claim(run_id, f"token-{run_id}", "worker-1", 30_000)
    assert found is not None
    rig.client.lrem(rig.keys.rq_queue, 0, run_id)
    return found


def end(rig: Rig, its: Claim, outcome: Outcome = SUCCESS, retry: Retry | None = None) -> None:
    assert rig.runs.finish(its.run_id, its.token, outcome, retry=retry)


class World:
    """One installation in virtual time."""

    def __init__(self, client: VirtualRedis, limits: Limits | None = None) -> None:
        client.flushall()
        client.set(NOW_KEY, int(START.timestamp() * 1000))
        self.client, self.rig = client, Rig.on(client, limits)
        self.schedulers = [self.rig.scheduler() for _ in range(2)]
        self.turn = 0

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(int(self.client.get(NOW_KEY) or 0) / 1000, UTC)

    def tick(self, seconds: int) -> None:
        """Let time pass, and one of the schedulers look."""
        self.client.incrby(NOW_KEY, seconds * 1000)
        self.turn += 1
        self.schedulers[self.turn % 2].enqueue_jobs()

    def next_run(self) -> Claim | None:
        """Claim the next run in the queue."""
        run_id: Any = self.client.lpop(self.rig.keys.rq_queue)
        return None if run_id is None else claim(self.rig, run_id.decode())


@pytest.fixture
def world(valkey_server: ValkeyServer) -> Any:
    with VirtualRedis(port=valkey_server.port) as client, virtual_time(client):
        yield World(client)


SCHEDULES = st.sampled_from([
    {"schedule_type": "interval", "schedule_config": {"minutes": 20}},
    {"schedule_type": "cron", "schedule_config": {"cron_expression": "*/30 * * * *", "timezone": "Europe/Berlin"}},
    {"schedule_type": "cron", "schedule_config": {"cron_expression": "5,50 0-4 * * *", "timezone": "Europe/Berlin"}},
    {"schedule_type": "daily", "schedule_config": {"hour": 2, "minute": 30, "timezone": "Europe/Berlin"}},
])  # fmt: skip
OPTIONS = st.fixed_dictionaries({
    "catch_up": st.sampled_from(["latest", "all", "none"]), "overlap": st.sampled_from(["skip", "queue"]),
    "misfire_grace_seconds": st.sampled_from([600, 7200, 86400]), "jitter_seconds": st.sampled_from([0, 0, 200]),
})  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(["tick", "tick", "work", "by hand", "skip"]), st.integers(1, 11_000)), max_size=25
)


@pytest.mark.slow(reason="plays many stories of an installation")
@settings(
    max_examples=20, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(schedule=SCHEDULES, options=OPTIONS, steps=STEPS)
def test_windows_follow_on_each_other_whatever_became_of_the_occurrences_between(
    valkey_server: ValkeyServer, schedule: dict[str, Any], options: dict[str, Any], steps: list[tuple[str, int]]
) -> None:
    """Run, skipped, coalesced, late, queued behind others: each window begins at the schedule's occurrence before."""
    with VirtualRedis(port=valkey_server.port) as client, virtual_time(client):
        world = World(client)
        job_id = world.rig.make_job(**schedule, options=options)
        record = world.rig.job_store.get(job_id)
        assert record is not None
        definition, anchor = record.definition, record.plan.anchor

        def before(instant: int) -> int | None:
            """The latest occurrence of the job before an instant, found by walking from its beginning."""
            found, at = None, record.created_at // 1000
            while True:
                following = schedules.next_occurrence(definition.schedule, definition.options, at, anchor)
                if following is None or following >= instant:
                    return found
                found = at = following

        for step, number in [*steps, ("tick", 4_000), ("work", 1), ("work", 1)]:
            if step in ("tick", "skip"):
                world.tick(number)
            elif step == "by hand":
                world.rig.use.run_now(job_id)
            elif (its := world.next_run()) is not None:
                facts = facts_of(world.rig, its)
                occurrence = its.run.get("scheduled_for")
                window = facts.window
                assert window.is_known
                start = None if window.start is None else int(window.start.timestamp())
                if occurrence is not None:
                    assert start == before(int(occurrence))
                    assert window.end == facts.scheduled_for
                    assert window.end.timestamp() == int(occurrence)
                else:
                    decided = world.rig.client.hget(world.rig.keys.job(job_id), "last_decided")
                    assert start == (None if decided is None else int(decided))
                    assert window.end.timestamp() * 1000 == its.started_at
                end(world.rig, its)


def test_a_run_knows_its_occurrence(world: World) -> None:
    """In the job's time zone, with its jitter in `due` alone."""
    rig = world.rig
    rig.make_job(
        name="Close the books",
        schedule_type="any",
        schedule_config={
            "schedules": [
                {"name": "night", "schedule_type": "daily",
                 "schedule_config": {"hour": 23, "minute": 0, "timezone": "Europe/Berlin"}},
                {"name": "day", "schedule_type": "daily",
                 "schedule_config": {"hour": 11, "minute": 0, "timezone": "Europe/Berlin"}},
            ],
        },
        options={"jitter_seconds": 120},
    )  # fmt: skip
    world.tick(3600)
    its = world.next_run()
    assert its is not None
    facts = facts_of(rig, its)
    zone = ZoneInfo("Europe/Berlin")
    assert (facts.trigger, facts.attempt, facts.job_name) == ("schedule", 1, "Close the books")
    assert facts.scheduled_for is not None and facts.due is not None
    assert facts.scheduled_for.isoformat() == "2026-10-24T23:00:00+02:00"
    assert 0 <= (facts.due - facts.scheduled_for).total_seconds() <= 120
    assert (facts.names, facts.requested_by) == (("night",), None)
    assert facts.window == type(facts.window)(None, datetime(2026, 10, 24, 23, 0, tzinfo=zone))
    assert [one.isoformat() for one in facts.upcoming(2)] == ["2026-10-25T11:00:00+01:00", "2026-10-25T23:00:00+01:00"]


def test_a_run_by_hand_has_no_occurrence(world: World) -> None:
    """Its window ends at its start; it knows who asked for it, and so does its retry."""
    rig = world.rig
    job_id = rig.make_job()
    world.tick(130)
    ran = world.next_run()
    assert ran is not None
    end(rig, ran)
    token = act_for(Caller("k1", "Ada's key", ALL))
    run_id = rig.use.run_now(job_id)
    act_as_before(token)
    its = claim(rig, run_id)
    facts = facts_of(rig, its)
    assert (facts.trigger, facts.scheduled_for, facts.requested_by) == ("manual", None, "Ada's key")
    assert facts.due == world.now
    assert facts.window.end == world.now
    assert facts.window.start is not None
    assert facts.window.start.timestamp() == int(ran.run["scheduled_for"])
    end(rig, its, Outcome("failed", "no answer"), Retry(RETRY, 2, 0))
    again = facts_of(rig, claim(rig, RETRY))
    assert (again.trigger, again.attempt, again.requested_by) == ("retry", 2, "Ada's key")
    assert again.window.start == facts.window.start


def test_an_occurrence_at_the_very_start_of_a_run_by_hand_is_before_it(world: World) -> None:
    """A window ends with its end."""
    job_id = world.rig.make_job()
    world.tick(60)
    ran = world.next_run()
    assert ran is not None
    end(world.rig, ran)
    facts = facts_of(world.rig, claim(world.rig, world.rig.use.run_now(job_id)))
    assert facts.window.start == facts.window.end == world.now


def test_a_retry_has_the_window_of_the_first_attempt(world: World) -> None:
    """Though later occurrences are decided by then."""
    rig = world.rig
    job_id = rig.make_job(options={"overlap": "skip"})
    world.tick(60)
    first = world.next_run()
    assert first is not None
    end(rig, first)
    world.tick(60)
    second = world.next_run()
    assert second is not None
    expected = facts_of(rig, second).window
    end(rig, second, Outcome("failed", "no answer"), Retry(RETRY, 2, 90_000))
    for _ in range(3):
        world.tick(60)
        its = world.next_run()
        if its is not None:
            end(rig, its)
    rig.runs.release_delayed(RETRY)
    again = facts_of(rig, claim(rig, RETRY))
    assert again.window == expected
    assert (again.scheduled_for, again.attempt) == (expected.end, 2)
    assert again.due is not None and again.due > expected.end
    assert len([run for run in rig.history(job_id) if run["trigger"] == "schedule"]) == 5


def test_a_window_says_when_its_start_is_not_known(valkey_server: ValkeyServer) -> None:
    """The history that would tell is trimmed; a job's first occurrence has none before, which is known."""
    with VirtualRedis(port=valkey_server.port) as client, virtual_time(client):
        world = World(client, Limits(history=2, logs=1))
        job_id = world.rig.make_job(options={"max_concurrent_runs": 9})
        world.tick(60)
        first = world.next_run()
        assert first is not None
        assert facts_of(world.rig, first).window.is_known
        end(world.rig, first)
        world.tick(60)
        second = world.next_run()
        assert second is not None
        for _ in range(3):
            end(world.rig, claim(world.rig, world.rig.use.run_now(job_id, {"bot_config": {"dry_run": True}})))
        window = facts_of(world.rig, second).window
        assert (window.start, window.is_known) == (None, False)
        assert window.end.timestamp() == int(second.run["scheduled_for"])
        assert facts_of(world.rig, second).previous_success is None


def test_a_stretch_of_skips_that_goes_on_past_a_run_by_hand_is_told_apart(world: World) -> None:
    """The entry names its first and its last; what lies between follows from the schedule."""
    rig = world.rig
    day = world.now.date()
    rig.calendars.create({"name": "closed", "ranges": [
        {"from": str(day - timedelta(days=1)), "to": str(day + timedelta(days=5)), "why": "away"},
    ]})  # fmt: skip
    job_id = rig.make_job(options={"calendar": "closed"})
    run_id = rig.use.run_now(job_id)
    for _ in range(4):
        world.tick(60)
    its = claim(rig, run_id)
    expected = world.now
    for _ in range(4):
        world.tick(60)
    (entry,) = [run for run in rig.history(job_id) if run["status"] == "skipped"]
    assert entry["occurrences"] == 8
    facts = facts_of(rig, its)
    assert facts.window.start == expected
    assert facts.upcoming(1)[0].date() == day + timedelta(days=6)


def test_the_previous_success_is_the_one_that_ended_last_before(world: World) -> None:
    """Whatever started it; no failure, no skip, no rehearsal; with its result as the history keeps it."""
    rig = world.rig
    job_id = rig.make_job(options={"max_concurrent_runs": 3})
    assert facts_of(rig, claim(rig, rig.use.run_now(job_id))).previous_success is None

    def run(outcome: Outcome, body: dict[str, Any] | None = None) -> Claim:
        its = claim(rig, rig.use.run_now(job_id, body))
        world.client.incrby(NOW_KEY, 1000)
        end(rig, its, outcome)
        return its

    run(Outcome("success", None, {"seen": 1}))
    slow = claim(rig, rig.use.run_now(job_id))
    world.client.incrby(NOW_KEY, 1000)
    run(Outcome("success", None, {"seen": 2}))
    world.client.incrby(NOW_KEY, 1000)
    end(rig, slow, Outcome("success", None, {"seen": 3}))
    run(Outcome("failed", "no answer"))
    run(Outcome("skipped", None, {}, reason="nothing new"))
    run(Outcome("success", None, {"seen": 4}), {"bot_config": {"dry_run": True}})
    its = claim(rig, rig.use.run_now(job_id))
    facts = facts_of(rig, its)
    world.client.incrby(NOW_KEY, 5000)
    run(Outcome("success", None, {"seen": 5}))
    found = facts.previous_success
    assert found is not None
    assert (found.run_id, found.result, found.scheduled_for) == (slow.run_id, {"seen": 3}, None)
    assert found.started_at.timestamp() * 1000 == slow.started_at
    assert found.finished_at > found.started_at
    rig.client.delete(rig.keys.run(slow.run_id))
    again = facts_of(rig, its).previous_success
    assert again is not None and again.result == {"seen": 2}


def test_what_is_to_come_is_bounded_and_follows_the_job(world: World) -> None:
    """A job that is off has nothing to come; `n` is from 0 to 100."""
    rig = world.rig
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    facts = facts_of(rig, claim(rig, rig.use.run_now(job_id)))
    upcoming = facts.upcoming(100)
    assert [int((one - upcoming[0]).total_seconds()) for one in upcoming] == [60 * n for n in range(100)]
    assert upcoming[0].timestamp() * 1000 == rig.job_store.get(job_id).plan.next_due  # type: ignore[union-attr]
    assert facts.upcoming(0) == []
    odd: list[Any] = [-1, 101, 1.0, True, "3"]
    for n in odd:
        with pytest.raises(ValueError, match="0 to 100"):
            facts.upcoming(n)
    rig.jobs.toggle(job_id, {"enabled": False})
    assert facts_of(rig, claim(rig, rig.use.run_now(job_id))).upcoming(5) == []


def test_nothing_is_read_before_a_bot_asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a run whose bot does not ask costs nothing more; and what was read stays as it was."""
    rig = world.rig
    job_id = rig.make_job()
    its = claim(rig, rig.use.run_now(job_id))
    asked: list[str] = []

    def count(name: str) -> Callable[..., Any]:
        real = getattr(PastRuns, name)

        def counted(self: PastRuns, *args: Any) -> Any:
            asked.append(name)
            return real(self, *args)

        return counted

    for name in ("pages", "is_trimmed", "result", "requested_by"):
        monkeypatch.setattr(PastRuns, name, count(name))
    facts = facts_of(rig, its)
    assert (facts.trigger, facts.attempt, facts.scheduled_for, facts.names) == ("manual", 1, None, ())
    assert facts.job_name == "a job" and facts.requested_by is None and facts.due is not None
    assert asked == []
    assert facts.window == facts.window
    assert asked == ["pages", "is_trimmed"]


def test_what_outside_hands_have_damaged_is_passed_over(world: World) -> None:
    """As history does."""
    rig = world.rig
    job_id = rig.make_job()
    for _ in range(3):
        world.tick(60)
        its = world.next_run()
        assert its is not None
        end(rig, its)
    its = claim(rig, rig.use.run_now(job_id))
    newest = rig.history(job_id)[1]["id"]
    rig.client.hset(rig.keys.run(newest), "scheduled_for", "yesterday")
    facts = facts_of(rig, its)
    assert facts.window.start is not None
    assert int(facts.window.start.timestamp()) == int(START.timestamp()) + 120
    rig.client.delete(rig.keys.history(job_id))
    rig.client.set(rig.keys.history(job_id), "no list")
    facts = facts_of(rig, its)
    assert facts.previous_success is None
    assert (facts.window.start, facts.window.is_known) == (None, False)
