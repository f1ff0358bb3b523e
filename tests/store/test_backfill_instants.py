"""Which instants a backfill means, case by case: as docs/backfill.md says it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import ALL
from service.domain.backfilling.instants import RULES
from service.domain.run_records import Outcome, Retry
from service.errors import Conflict, ValidationFailed
from service.scheduler.backfill_feed import BackfillFeed
from service.scheduler.pauses import PauseEnds
from service.store.presence import Presence
from service.store.scripts import Limits
from service.usecases.backfilling.backfills import Backfills
from service.usecases.fates.explaining import Explanations
from service.usecases.pauses import Pauses
from tests.store.test_occurrences import MINUTELY, START, World, stamp
from tests.support.store_rig import EchoConfig
from tests.support.virtual_time import VirtualRedis, virtual_time

DAY = 86_400
RETRY = "0b7f7a1e-0000-4000-8000-000000000001"
DAILY: dict[str, Any] = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}


class Filled(World):
    """A world in which backfills can be asked for, and in which the test is the worker."""

    def __init__(self, client: Redis, limits: Limits | None = None) -> None:
        super().__init__(client, limits)
        self.backfills = Backfills(self.rig.scripts, self.occurrences, {"echo": EchoConfig})

    def plan(self, job_id: str, since: float = START, until: float | None = None, **more: Any) -> dict[str, Any]:
        body = {"since": stamp(since), "until": stamp(until or self.now + 1), **more}
        return self.backfills.start(job_id, {"dry_run": True, **body})

    def fill(self, job_id: str, since: float = START, **more: Any) -> dict[str, Any]:
        asked = self.plan(job_id, since, dry_run=False, **more)
        while self.backfills.get(job_id, asked["backfill_id"])["state"] == "active":
            Presence(self.rig.scripts).beat_worker("w")
            BackfillFeed(self.rig.scripts).step()
            self.work()
        return asked

    def work(self, status: str = "success") -> None:
        error = "no" if status == "failed" else None
        while self.rig.queue():
            run_id = self.rig.queue()[0]
            self.rig.runs.finish(run_id, self.rig.start(run_id), Outcome(status, error, {}))

    def pause(self, job_id: str, on_resume: str, until: str | None = None) -> str:
        body = {"scope": {"job_id": job_id}, "reason": "moving house", "on_resume": on_resume, "until": until}
        return str(Pauses(self.rig.scripts, ("echo",)).create(body)["id"])

    def resume(self, pause_id: str) -> None:
        Pauses(self.rig.scripts, ("echo",)).end(pause_id)
        while PauseEnds(self.rig.scripts).step() == 0.0:
            pass


@pytest.fixture
def world(redis_client: Redis) -> Iterator[Filled]:
    """An empty installation on 22 March 2027, 00:00 UTC."""
    client = VirtualRedis(connection_pool=redis_client.connection_pool)
    with virtual_time(client):
        yield Filled(client)


def minutes(*numbers: int) -> list[str]:
    return [stamp(START + 60 * number) for number in numbers]


def days(hour: int, *numbers: int) -> list[str]:
    return [stamp(START + number * DAY + hour * 3600) for number in numbers]


def test_what_an_outage_left_out_is_missing_and_the_answer_says_so(world: Filled) -> None:
    """With the rule in words, and why nothing ran."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 300)
    world.live(START + 600, 300)
    world.work()
    told = world.plan(job_id)
    assert told["instants"] == minutes(6, 7, 8, 9)
    assert told["rule"] == RULES["missing"] and told["reasons"] == {"coalesced": 4}


def test_what_is_still_to_be_decided_is_not_missing(world: Filled) -> None:
    """No scheduler is up: the next one decides, and would make the run a second time."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 300)
    world.work()
    world.set(START + 3600)
    assert "overdue" in [one["fate"] for one in world.span(job_id, START, world.now)["items"]]
    assert world.plan(job_id)["total"] == world.plan(job_id, only="all", since=START + 301)["total"] == 0


def test_what_was_dropped_or_never_recorded_is_missing(world: Filled) -> None:
    """By the schedule of that time, and not on days that its calendar closed."""
    world.rig.calendars.create({"name": "works", "weekdays_off": ["wed"]})
    job_id = world.rig.make_job(**DAILY, options={"calendar": "works", "overlap": "queue"})
    world.live(START + DAY, 3600)
    run_id = world.rig.history(job_id)[0]["id"]
    world.work()
    world.client.delete(world.rig.keys.run(run_id))
    world.set(START + 4 * DAY)
    world.rig.jobs.update(job_id, {"schedule_config": {"hour": 9, "minute": 0}, "options": {"calendar": None}})
    world.live(START + 5 * DAY, 3600)
    world.work()
    told = world.plan(job_id)
    assert told["instants"] == days(8, 0, 1, 3) and told["reasons"] == {"unaccounted": 1, "dropped": 2}


@pytest.mark.parametrize(
    ("on_resume", "missing"), [("skip", (2, 3, 4)), ("latest", (2, 3)), ("all", ())]
)  # fmt: skip
def test_what_a_pause_skipped_is_missing_and_what_it_holds_is_not(
    world: Filled, on_resume: str, missing: tuple[int, ...]
) -> None:
    """Neither while it is held, nor when it was let in."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 60)
    pause_id = world.pause(job_id, on_resume)
    world.live(START + 240)
    assert world.plan(job_id)["instants"] == minutes(*missing)
    world.resume(pause_id)
    world.work()
    assert world.plan(job_id)["instants"] == minutes(*missing)


def test_a_backfill_says_that_it_goes_through_a_pause(world: Filled) -> None:
    """Before it starts and while it is under way; of several pauses the last one's end counts."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 60)
    assert "pause" not in world.plan(job_id, only="all")
    skips = world.pause(job_id, "skip", until=stamp(START + 500))
    its = {"id": skips, "reason": "moving house", "on_resume": "skip", "until": stamp(START + 500)}
    assert world.plan(job_id, only="all")["pause"] == its
    holds = world.pause(job_id, "all")
    asked = world.plan(job_id, only="all", dry_run=False)
    assert asked["pause"] == {**its, "until": None} == world.backfills.list(job_id)[0]["pause"]
    world.resume(holds)
    assert world.backfills.get(job_id, asked["backfill_id"])["pause"] == its
    world.resume(skips)
    assert "pause" not in world.backfills.get(job_id, asked["backfill_id"])
    world.pause(job_id, "skip")
    assert "pause" not in world.backfills.cancel(job_id, asked["backfill_id"])


def test_what_was_made_good_is_told_and_not_done_once_more(world: Filled) -> None:
    """By hand, with a retry; or by a backfill. What failed once more is done again."""
    job_id = world.rig.make_job(**MINUTELY)
    for minute in (1, 2, 3, 4):
        world.live(START + 60 * minute)
        world.work("failed")
    first, second, third, _ = (run["id"] for run in world.rig.history(job_id)[::-1])
    for run_id, status in ((first, "success"), (second, "failed")):
        new_id = world.rig.use.again(job_id, run_id)
        retry = Retry(RETRY, 2, 0) if run_id == first else None
        world.rig.runs.finish(new_id, world.rig.start(new_id), Outcome("failed", "no", {}), retry=retry)
        if retry is not None:
            assert world.plan(job_id, only="failed")["instants"] == minutes(2, 3, 4)  # it is under way
            world.rig.runs.finish(RETRY, world.rig.start(RETRY), Outcome(status, None, {}))
    assert world.plan(job_id, only="failed")["instants"] == minutes(2, 3, 4)
    assert world.plan(job_id, START + 180, START + 181, only="failed", dry_run=False)["total"] == 1
    Presence(world.rig.scripts).beat_worker("w")
    BackfillFeed(world.rig.scripts).step()
    world.work()
    assert world.plan(job_id, only="failed")["instants"] == minutes(2, 4)
    items = world.span(job_id, START, START + 241)["items"]
    assert [(one["status"], one.get("again", {}).get("status")) for one in items] == [
        ("failed", "success"), ("failed", "failed"), ("failed", "success"), ("failed", None),
    ]  # fmt: skip
    explain = Explanations(world.occurrences).explain
    assert explain(job_id, "2027-03-22T00:01")["sentence"] == (
        "2027-03-22 00:01 in UTC: it ran on time and failed. It was run again at 2027-03-22 00:04, which succeeded."
    )
    assert "by a backfill, which succeeded." in explain(job_id, "2027-03-22T00:03")["sentence"]


def test_a_run_that_a_person_called_off_is_not_missing(world: Filled) -> None:
    """One that was cancelled by the service before it began is: nobody meant that one."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 180)
    third, second, first = (run["id"] for run in world.rig.history(job_id))
    token = act_for(Caller("k1", "Ada's key", ALL))
    world.rig.use.cancel(job_id, second)
    act_as_before(token)
    world.rig.use.cancel(job_id, third)
    world.work()
    told = world.plan(job_id)
    assert told["instants"] == minutes(3) and told["reasons"] == {"cancelled": 1}
    assert world.rig.use.run(job_id, first).data["status"] == "success"


def test_what_somebody_skipped_or_rehearsed_one_by_one_is_not_missing(world: Filled) -> None:
    """As the entries of such occurrences have it; a rehearsal that nobody asked for there is no run."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 240, 240)
    world.work()
    world.live(START + 480)
    world.work()
    runs = world.rig.history(job_id)
    edit = f'{{"due": {(START + 300) * 1000}, "skip": true, "at": 0}}'
    changes: list[Any] = [
        {"status": "skipped", "reason": "edited", "edit": edit}, {"rehearsal": "1", "edit": edit}, {"rehearsal": "1"},
    ]  # fmt: skip
    for run, change in zip(runs[3::-1], changes, strict=False):
        world.client.hset(world.rig.keys.run(run["id"]), mapping=change)
        if "status" in change:
            world.client.hdel(world.rig.keys.run(run["id"]), "started_at")
    assert world.plan(job_id)["instants"] == minutes(1, 2, 3, 7)


def test_what_was_made_up_for_is_told_and_not_missing_any_more(world: Filled) -> None:
    """A rehearsal makes up for nothing, nor does a run that was cancelled before it began."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 180, 180)
    world.work()
    world.fill(job_id, bot_config={"dry_run": True})
    assert world.plan(job_id)["instants"] == minutes(1, 2)
    asked = world.plan(job_id, dry_run=False)
    BackfillFeed(world.rig.scripts).step()
    world.rig.use.cancel(job_id, world.rig.queue()[0])
    world.backfills.cancel(job_id, asked["backfill_id"])
    assert world.plan(job_id)["instants"] == minutes(1, 2)
    world.fill(job_id)
    assert world.plan(job_id)["total"] == 0
    page = world.span(job_id, START, world.now + 1)
    made_up = [one["made_up_by"]["status"] for one in page["items"] if "made_up_by" in one]
    assert [one["fate"] for one in page["items"]] == ["skipped", "skipped", "ran"] and made_up == ["success"] * 2
    assert (page["unaccounted"], page["doubled"], page["strays"]) == (0, 0, 0)
    told = Explanations(world.occurrences).explain(job_id, "2027-03-22T00:01")
    assert told["sentence"].endswith("A backfill makes up for it: its run succeeded.")


def test_a_repetition_gets_the_backfill_that_has_made_up_for_all(world: Filled) -> None:
    """Though nothing is missing any more; the same key with another body is refused."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 300)
    world.live(START + 600, 300)
    body = {"since": stamp(START), "until": stamp(world.now + 1)}
    first = world.backfills.start(job_id, body, "once")
    while world.backfills.get(job_id, first["backfill_id"])["state"] == "active":
        Presence(world.rig.scripts).beat_worker("w")
        BackfillFeed(world.rig.scripts).step()
        world.work()
    again = world.backfills.start(job_id, body, "once")
    assert (again["backfill_id"], again["total"]) == (first["backfill_id"], 4)
    with pytest.raises(Conflict, match="another body"):
        world.backfills.start(job_id, {**body, "only": "all"}, "once")


def test_each_schedule_names_the_instants_of_its_own_time(world: Filled) -> None:
    """A change neither adds instants to what was before, nor takes any away; nor does switching the job off."""
    job_id = world.rig.make_job(**DAILY, options={"overlap": "queue", "misfire_grace_seconds": DAY})
    world.live(START + 2 * DAY, 3600)
    world.work("failed")
    world.rig.jobs.update(job_id, {"schedule_config": {"hour": 17, "minute": 0}})
    world.set(START + 4 * DAY)
    world.live(START + 5 * DAY, 3600)
    world.work("failed")
    world.rig.jobs.toggle(job_id, {"enabled": False})
    world.live(START + 7 * DAY, 3600)
    world.rig.jobs.update(job_id, {"schedule_config": {"hour": 3, "minute": 0}, "enabled": True})
    world.live(START + 8 * DAY, 3600)
    world.work()
    assert world.plan(job_id)["instants"] == days(17, 2)
    assert world.plan(job_id, only="failed")["instants"] == days(8, 0, 1) + days(17, 3, 4)
    every = world.plan(job_id, since=START - 2 * DAY, only="all")
    assert every["instants"] == days(8, -2, -1, 0, 1) + days(17, 2, 3, 4, 5, 6) + days(3, 7)
    assert every["reasons"] == {}


def test_all_leaves_out_what_the_calendar_closed_then(world: Filled) -> None:
    """Also before the job was created, by the first schedule and calendar that it had."""
    world.rig.calendars.create({"name": "works", "weekdays_off": ["sat", "sun"]})
    job_id = world.rig.make_job(**DAILY, options={"calendar": "works"})
    world.live(START + DAY, 3600)
    world.work()
    world.rig.jobs.update(job_id, {"options": {"calendar": None}})
    world.live(START + 7 * DAY, 3600)
    told = world.plan(job_id, since=START - 5 * DAY, only="all")
    assert told["instants"] == days(8, -5, -4, -3, 0, 1, 2, 3, 4, 5, 6)


def test_what_is_not_complete_is_refused_with_its_reason(world: Filled) -> None:
    """The answer says from when on, and why."""
    job_id = world.rig.make_job(**MINUTELY)
    with pytest.raises(ValidationFailed, match=f"before {stamp(START)}: the job was created then"):
        world.plan(job_id, since=START - 1)
    world.live(START + DAY, 3600)
    world.client.hset(world.rig.keys.data, "lost_at", int(world.now * 1000))
    with pytest.raises(ValidationFailed, match=f"before {stamp(world.now)}: the data in Redis went back"):
        world.plan(job_id)
    world.client.hdel(world.rig.keys.data, "lost_at")
    world.rig.jobs.update(job_id, {"schedule_config": {"minutes": 2}})
    epochs = world.rig.keys.epochs(job_id)
    kept: Any = world.client.lindex(epochs, 0)
    world.client.lset(epochs, 0, kept.replace(b'"interval"', b'"moon"'))
    with pytest.raises(ValidationFailed, match=f"before {stamp(world.now + 1)}: .* cannot be worked out any more"):
        world.plan(job_id, only="all")


def test_another_backfill_in_between_makes_the_instants_be_found_anew(world: Filled) -> None:
    """Whoever has found them before it began would run them again."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 180, 180)
    world.work()
    asked: list[dict[str, Any]] = []
    read = world.occurrences.read

    def read_late(job_id: str) -> Any:
        found = read(job_id)
        if not asked:
            asked.append({})
            asked.append(world.fill(job_id))
        return found

    world.occurrences.read = read_late  # type: ignore[method-assign]
    assert world.plan(job_id, dry_run=False)["backfill_id"] is None
    assert len(world.backfills.list(job_id)) == 1 and asked[1]["total"] == 2


def test_a_union_of_then_tells_its_runs_what_made_them(world: Filled) -> None:
    """Although the present schedule is another one."""
    members = [{**DAILY, "name": "early"}, {**DAILY, "schedule_config": {"hour": 9, "minute": 0}, "name": "late"}]
    job_id = world.rig.make_job(schedule_type="any", schedule_config={"schedules": members})
    world.set(START + DAY)
    world.rig.jobs.update(job_id, DAILY)
    world.fill(job_id)
    world.fill(job_id, only="all")
    assert [run["names"] for run in world.rig.history(job_id)[::-1]] == [["early"], ["late"]] * 2


def test_too_many_are_refused(world: Filled) -> None:
    """More than a backfill has, and more than an account looks at."""
    job_id = world.rig.make_job(schedule_type="interval", schedule_config={"seconds": 1})
    world.set(START + 3 * DAY)
    world.scheduler.enqueue_jobs()
    with pytest.raises(ValidationFailed, match="10,000"):
        world.plan(job_id, only="all")
    with pytest.raises(ValidationFailed, match="10,000"):
        world.plan(job_id)


def test_no_more_are_looked_at_than_by_an_account(world: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few of them are missing."""
    monkeypatch.setattr("service.usecases.backfilling.instants.MOST_WALKED", 5)
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 360)
    assert world.plan(job_id, until=START + 360)["total"] == 0
    with pytest.raises(ValidationFailed, match="100,000"):
        world.plan(job_id)
