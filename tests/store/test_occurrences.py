"""Accounts of occurrences, on a real server: what the schedule named, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from service.domain.run_records import Outcome
from service.errors import ValidationFailed
from service.store.jobs.epochs import note_planning
from service.store.scripts import Limits
from service.store.server.redis_clock import RedisClock
from service.usecases.deleted_jobs import Deleted
from service.usecases.fates.many_jobs import ManyAccounts
from service.usecases.fates.occurrences import Occurrences
from tests.support.store_rig import EchoConfig, Rig
from tests.support.virtual_time import MONOTONIC_KEY, NOW_KEY, VirtualRedis, virtual_time

START = int(datetime(2027, 3, 22, 0, 0, 0, tzinfo=UTC).timestamp())


class World:
    """An installation whose time a test sets, with a scheduler that is up or down."""

    def __init__(self, client: Redis, limits: Limits | None = None) -> None:
        self.client = client
        self.set(START)
        self.rig = Rig.on(client, limits)
        note_planning(self.rig.scripts)
        self.occurrences = Occurrences(self.rig.scripts)
        self.scheduler = self.rig.scheduler()

    def set(self, now: float) -> None:
        self.client.set(NOW_KEY, int(now * 1000))
        self.client.set(MONOTONIC_KEY, int(now * 1000))
        self.now = now

    def live(self, until: float, step: float = 60.0) -> None:
        """Lets time pass with a scheduler that ticks."""
        while self.now < until:
            self.set(min(until, self.now + step))
            self.scheduler.enqueue_jobs()

    def page(self, job_id: str, **asked: Any) -> dict[str, Any]:
        return self.occurrences.page(job_id, **asked)

    def span(self, job_id: str, since: float, until: float, **asked: Any) -> dict[str, Any]:
        return self.page(job_id, since=stamp(since), until=stamp(until), limit=1000, **asked)


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()[:19]


@pytest.fixture
def world(redis_client: Redis) -> Iterator[World]:
    """An empty installation on 22 March 2027."""
    client = VirtualRedis(connection_pool=redis_client.connection_pool)
    with virtual_time(client):
        yield World(client)


CONFIGS = {"echo": EchoConfig}
MINUTELY: dict[str, Any] = {
    "schedule_type": "interval",
    "schedule_config": {"minutes": 1},
    "options": {"overlap": "queue"},
}


def fates(page: dict[str, Any]) -> list[str]:
    return [item["fate"] for item in page["items"]]


def test_each_instant_of_a_job_has_its_fate(world: World) -> None:
    """Decided ones ran, those to come are coming, and nothing is unaccounted."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 600)
    page = world.span(job_id, START, START + 900)
    assert fates(page) == ["ran"] * 10 + ["coming"] * 4
    assert (page["named"], page["unaccounted"], page["doubled"], page["strays"]) == (9, 0, 0, 0)
    assert page["complete_since"] == stamp(START)


def counts(page: dict[str, Any]) -> tuple[int, int, int]:
    return page["unaccounted"], page["doubled"], page["strays"]


def test_a_planted_loss_is_seen(world: World) -> None:
    """A run that outside hands removed leaves its instant unaccounted, whether its id is still listed or not."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 600)
    runs = {run["scheduled_for"]: run["id"] for run in world.rig.history(job_id)}
    world.client.delete(world.rig.keys.run(runs[stamp(START + 180)]))
    gone = runs[stamp(START + 300)]
    world.client.lrem(world.rig.keys.history(job_id), 0, gone)
    page = world.span(job_id, START, START + 601)
    assert counts(page) == (2, 0, 0)
    assert [item["at"] for item in page["items"] if item["fate"] == "unaccounted"] == [
        stamp(START + 180), stamp(START + 300),
    ]  # fmt: skip


def test_a_planted_double_and_a_planted_stray_are_seen(world: World) -> None:
    """A second decision about an instant, and one about an instant that was never named."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 600)
    (double, stray) = (run["id"] for run in world.rig.history(job_id)[:2])
    for run_id, at in ((double, START + 60), (stray, START + 61)):
        world.client.hset(world.rig.keys.run(run_id), "scheduled_for", at)
    assert counts(world.span(job_id, START, START + 590)) == (1, 1, 1)  # the newest of all is not counted yet


@pytest.mark.parametrize("catch_up", ["latest", "all", "none"])
def test_an_outage_leaves_nothing_unaccounted(world: World, catch_up: str) -> None:
    """Folded entries stand for as many instants as the schedule named in their range, one more or less shows."""
    job_id = world.rig.make_job(
        **{**MINUTELY, "options": {"catch_up": catch_up, "overlap": "queue", "misfire_grace_seconds": 3600}}
    )
    world.live(START + 300)
    world.set(START + 20_000)
    page = world.span(job_id, START, START + 20_000)
    assert page["unaccounted"] == page["named"] - 5 and "overdue" in fates(page)
    world.live(START + 20_300)
    page = world.span(job_id, START, START + 20_300)
    assert counts(page) == (0, 0, 0) and page["named"] == 338
    folded = next(run for run in world.rig.history(job_id) if run["occurrences"] > 1)
    for change, expected in ((-1, (1, 0, 0)), (1, (0, 0, 1))):
        world.client.hset(world.rig.keys.run(folded["id"]), "occurrences", folded["occurrences"] + change)
        assert counts(world.span(job_id, START, START + 20_300)) == expected


def test_what_was_due_when_the_job_changed_is_dropped_by_name(world: World) -> None:
    """With the scheduler down, a change leaves instants that nobody decides; they are told, and not unaccounted."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 300)
    world.set(START + 610)
    world.rig.jobs.update(job_id, {"schedule_config": {"minutes": 2}})
    world.live(START + 1210)
    page = world.span(job_id, START, START + 1210)
    assert fates(page) == ["ran"] * 5 + ["dropped"] * 5 + ["ran"] * 4
    assert counts(page) == (0, 0, 0)
    assert {item["revision"] for item in page["items"]} == {1, 2}


def test_a_disabled_job_names_nothing(world: World) -> None:
    """Between off and on there are no instants; other changes of the job begin no epoch."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 300)
    world.rig.jobs.toggle(job_id, {"enabled": False})
    world.live(START + 900)
    world.rig.jobs.update(job_id, {"name": "another"})
    world.rig.jobs.toggle(job_id, {"enabled": True})
    world.rig.jobs.update(job_id, {"options": {"timeout_seconds": 5, "overlap": "queue"}})
    world.live(START + 1200)
    page = world.span(job_id, START, START + 1200)
    assert len(page["items"]) == 5 + 4 and counts(page) == (0, 0, 0)
    assert world.client.llen(world.rig.keys.epochs(job_id)) == 2


def test_a_job_that_never_changed_pays_nothing(world: World) -> None:
    """It has neither a list of epochs nor a field for them."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 300)
    world.rig.jobs.update(job_id, {"name": "another", "bot_config": {"dry_run": True}})
    assert not world.client.exists(world.rig.keys.epochs(job_id))
    assert world.client.hget(world.rig.keys.job(job_id), "since") is None


def test_each_occurrence_names_the_revision_of_its_time(world: World) -> None:
    """Also where a change touched nothing that an instant follows from, and where older ones are not kept any more."""
    job_id = world.rig.make_job(**MINUTELY)
    changes: list[tuple[int, dict[str, Any]]] = [
        (130, {"labels": {"team": "crm"}}), (190, {"schedule_config": {"seconds": 30}}), (200, {"name": "another"}),
        (250, {"labels": {}}), (305, {"enabled": False}), (370, {"enabled": True, "schedule_config": {"minutes": 1}}),
    ]  # fmt: skip
    for at, change in changes:
        world.live(START + at, 10)
        world.rig.jobs.update(job_id, change)
    world.live(START + 500, 10)

    def revisions() -> list[tuple[int, int]]:
        items = world.span(job_id, START, START + 490)["items"]
        at = [int(datetime.fromisoformat(f"{one['at']}+00:00").timestamp()) - START for one in items]
        return list(zip(at, [one["revision"] for one in items], strict=True))

    found = revisions()
    assert len(found) > 6
    for at, revision in found:
        assert revision == 1 + sum(1 for changed, _ in changes if changed <= at), at
    world.client.delete(world.rig.keys.revisions(job_id))
    assert [at for at, _ in revisions()] == [at for at, _ in found]


def test_a_calendar_as_it_was_then_counts(world: World) -> None:
    """Each instant is named by the calendar's definition of its time, also after the calendar is gone."""
    calendars = world.rig.calendars
    calendars.create({"name": "works", "weekdays_off": ["sat", "sun"]})
    daily = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}
    job_id = world.rig.make_job(**daily, options={"calendar": "works", "on_closed": "next_open", "overlap": "queue"})
    world.live(START + 3 * 86_400, 600)
    calendars.update("works", {"dates": ["2027-03-25"]})
    for _ in range(5):
        world.scheduler._due_jobs.changes.step()
    world.live(START + 7 * 86_400, 600)
    page = world.span(job_id, START, START + 8 * 86_400)
    assert [item["at"][8:10] for item in page["items"]] == ["22", "23", "24", "26", "29"]
    assert counts(page) == (0, 0, 0)
    world.rig.jobs.update(job_id, {"options": {"calendar": None, "on_closed": "skip"}})
    calendars.delete("works")
    assert fates(world.span(job_id, START, START + 7 * 86_400)) == ["ran"] * 4
    assert counts(world.span(job_id, START, START + 7 * 86_400)) == (0, 0, 0)


def test_a_restored_job_is_complete_since_it_came_back(world: World) -> None:
    """Its runs are gone, and so is what its schedule was."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 300)
    world.rig.jobs.delete(job_id)
    world.set(START + 400)
    Deleted(world.rig.scripts, RedisClock(world.client), CONFIGS).restore(job_id)
    world.live(START + 700)
    page = world.span(job_id, START, START + 700)
    assert page["complete_since"] == stamp(START + 401) and counts(page) == (0, 0, 0)
    assert page["items"][0]["at"] > stamp(START + 400)


def test_a_trimmed_history_is_complete_since_its_oldest_entry(redis_client: Redis) -> None:
    """Also once the limit is raised again: what went before that stays unknown."""
    client = VirtualRedis(connection_pool=redis_client.connection_pool)
    with virtual_time(client):
        world = World(client, Limits(history=20))
        job_id = world.rig.make_job(**MINUTELY)
        for _ in range(60):
            world.live(world.now + 60)
            world.rig.use.cancel(job_id, world.rig.history(job_id)[0]["id"])
        for limit in (20, 1000):
            note_planning(Rig.on(client, Limits(history=limit)).scripts)
            page = Occurrences(Rig.on(client, Limits(history=limit)).scripts).page(
                job_id, since=stamp(START), until=stamp(START + 3600), limit=1000
            )
            assert page["complete_since"] == stamp(START + 41 * 60) and counts(page) == (0, 0, 0)
            assert fates(page) == ["unknown"] * 40 + ["ran"] * 19


def test_decisions_of_a_clock_that_was_ahead_are_told_and_made_anew(world: World) -> None:
    """Nothing is lost or doubled where the clock went ahead by hours and came back."""
    job_id = world.rig.make_job(**MINUTELY)
    world.live(START + 300)
    world.scheduler.heartbeat()
    world.client.set(NOW_KEY, int((START + 7 * 3600) * 1000))
    world.scheduler.heartbeat()
    world.scheduler.enqueue_jobs()
    world.client.set(NOW_KEY, int((START + 301) * 1000))
    world.scheduler.heartbeat()
    while world.scheduler._heartbeat.repair():
        pass
    world.now = START + 301
    world.live(START + 900)
    page = world.span(job_id, START, START + 900)
    assert counts(page) == (0, 0, 0) and set(fates(page)) == {"ran"}
    assert "clock" in {run["reason"] for run in world.rig.history(job_id)}


def test_failures_that_switch_a_job_off_end_its_epoch(world: World) -> None:
    """From then on it names nothing, and the epoch says why."""
    job_id = world.rig.make_job(**{**MINUTELY, "options": {"disable_after_failures": 1}})
    world.live(START + 60)
    run_id = world.rig.history(job_id)[0]["id"]
    world.rig.runs.finish(run_id, world.rig.start(run_id), Outcome("failed", "no"))
    world.live(START + 600)
    page = world.span(job_id, START, START + 600)
    assert fates(page) == ["ran"] and counts(page) == (0, 0, 0)
    assert world.occurrences.read(job_id).books.epochs[1].cause == "failures"


def test_an_interval_of_a_second_over_a_year_is_counted_without_a_walk(world: World) -> None:
    """31 million instants: a page of them, and the count of all; a cron schedule of as many is refused clearly."""
    job_id = world.rig.make_job(schedule_type="interval", schedule_config={"seconds": 1})
    other = world.rig.make_job(schedule_type="cron", schedule_config={"cron_expression": "* * * * *"})
    world.set(START + 400 * 86_400)
    page = world.page(job_id, since=stamp(START), until=stamp(START + 365 * 86_400), limit=1000)
    assert page["named"] == page["unaccounted"] == 365 * 86_400 - 1 and len(page["items"]) == 1000
    following = world.page(
        job_id, since=stamp(START), until=stamp(START + 365 * 86_400), limit=1, cursor=page["next_cursor"]
    )
    assert following["items"][0]["at"] == stamp(START + 1001)
    with pytest.raises(ValidationFailed, match="100,000"):
        world.span(other, START, START + 365 * 86_400)


def test_only_the_last_epochs_are_kept(world: World) -> None:
    """What was before them is not known any more, and the account says so."""
    job_id = world.rig.make_job(**MINUTELY)
    for number in range(60):
        world.live(world.now + 120)
        world.rig.jobs.update(job_id, {"schedule_config": {"minutes": 2 if number % 2 else 1}})
    page = world.span(job_id, START, world.now)
    assert page["complete_because"] == "what its schedule was before is not kept"
    assert stamp(START + 9 * 120) < page["complete_since"] < stamp(START + 12 * 120)
    assert counts(page) == (0, 0, 0)


def test_other_rules_lost_data_and_older_releases_are_told(world: World) -> None:
    """Each sets the instant from which on the account is complete."""
    job_id = world.rig.make_job(
        schedule_type="daily", schedule_config={"hour": 8, "minute": 0, "timezone": "Europe/Vienna"}
    )
    world.live(START + 86_400, 3600)
    keys = world.rig.keys
    for key, field, why in (
        (keys.planning, "tzdata_at", "time zones"), (keys.data, "lost_at", "went back"),
        (keys.planning, "epochs_at", "earlier release"),
    ):  # fmt: skip
        world.client.hset(key, field, int(world.now * 1000))
        world.rig.jobs.update(job_id, {"name": why})
        page = world.span(job_id, START, world.now)
        assert why in page["complete_because"] and page["complete_since"] == stamp(world.now)
        world.live(world.now + 86_400, 3600)


def test_the_accounts_of_many_jobs_are_those_of_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By label, a page of jobs at a time; what is not an account says why, and a wrong parameter is refused."""
    monkeypatch.setattr("service.usecases.fates.many_jobs.JOBS_A_PAGE", 2)
    jobs = [
        world.rig.make_job(name=f"{number}", labels={"team": team}, schedule_config={"minutes": 10})
        for number, team in enumerate(["crm", "sales", "crm", "crm"])
    ]
    world.live(START + 3600)
    accounts = ManyAccounts(world.rig.jobs, world.occurrences)
    span = {"since": stamp(START), "until": stamp(START + 3600)}
    found, cursor = [], None
    for _ in range(2):
        page = accounts.page(labels=["team:crm"], limit=3, cursor=cursor, since=span["since"], until=span["until"])
        found += page["jobs"]
        cursor = page["next_cursor"]
    assert cursor is None and sorted(one["job_name"] for one in found) == ["0", "2", "3"], "made at one instant"
    for one in found:
        alone = world.page(one["job_id"], limit=3, **span)
        assert one == {"job_id": one["job_id"], "job_name": one["job_name"], **alone} and len(alone["items"]) == 3
    assert len(accounts.page(since=stamp(START))["jobs"]) == 2 and accounts.page(labels=["team:nobody"])["jobs"] == []
    world.rig.jobs.update(jobs[0], {"schedule_config": {"seconds": 1}})
    none_before = accounts.page(labels=["team:crm"], since=stamp(START + 10**6), fate="ran")["jobs"]
    assert [one["detail"] for one in none_before] == ["until must not be before since"] * 2
    refused: tuple[dict[str, Any], ...] = (
        {"since": "x"},
        {"fate": "x"},
        {"cursor": "x"},
        {"labels": ["x"]},
        {"since": "2027-01-02T00:00:00", "until": "2027-01-01T00:00:00"},
    )
    for wrong in refused:
        with pytest.raises(ValidationFailed):
            accounts.page(**wrong)
