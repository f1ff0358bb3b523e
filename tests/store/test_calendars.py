"""Calendars in Redis, and jobs that are planned by them, planned anew when they change, and decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.errors import Conflict, NotFound, ValidationFailed
from service.scheduler.calendar_changes import CalendarChanges
from service.scheduler.scheduler import Scheduler
from service.store.calendars.calendar_store import CalendarStore
from service.store.server.redis_clock import RedisClock
from service.usecases.deleted_jobs import Deleted
from tests.support.store_rig import EchoConfig, Rig

DAY = 86_400
MINUTELY = {"schedule_type": "cron", "schedule_config": {"cron_expression": "* * * * *"}}
EACH_SECOND = {"schedule_type": "interval", "schedule_config": {"seconds": 1}}


def today(rig: Rig) -> str:
    return day(rig, 0)


def day(rig: Rig, ahead: int) -> str:
    now = datetime.fromtimestamp(RedisClock(rig.client).now_ms() / 1000, UTC)
    return (now.date() + timedelta(days=ahead)).isoformat()


def closing(rig: Rig, *ahead: int, why: str = "works") -> dict[str, Any]:
    return {"ranges": [{"from": day(rig, n), "to": day(rig, n), "why": why} for n in ahead]}


def walk(rig: Rig) -> None:
    """Plans the jobs of changed calendars anew, all of them."""
    changes = CalendarChanges(rig.scripts)
    while changes.step() is not None:
        changes._next_step = 0.0


def stored(rig: Rig, job_id: str) -> dict[str, str]:
    fields: Any = rig.client.hgetall(rig.keys.job(job_id))
    return {name.decode(): value.decode() for name, value in fields.items()}


def decide(rig: Rig, seconds_ago: int = 1, **fields: Any) -> tuple[str, dict[str, Any]]:
    """A job of which one occurrence has just come due. Returns it and its newest run."""
    job_id = rig.make_job(**fields)
    rig.pretend_due(job_id, seconds_ago)
    rig.scheduler().enqueue_jobs()
    return job_id, rig.history(job_id)[0]


@pytest.mark.parametrize("schedule", [MINUTELY, EACH_SECOND])
def test_a_closed_occurrence_is_skipped_by_name_and_an_open_one_runs(rig: Rig, schedule: dict[str, Any]) -> None:
    """With a plan of its own, or one that its kind shares."""
    rig.calendars.create({"name": "closed", **closing(rig, -1, 0, 1)})
    rig.calendars.create({"name": "open", **closing(rig, 7)})
    _, closed = decide(rig, **schedule, options={"calendar": "closed"})
    assert (closed["status"], closed["reason"], closed["closed"]) == ("skipped", "closed", "works")
    assert closed["started_at"] is None and closed["finished_at"] is not None
    _, runs = decide(rig, **schedule, options={"calendar": "open"})
    assert (runs["status"], runs["reason"]) == ("queued", None) and "closed" not in runs


def test_skips_of_one_day_are_one_entry_and_of_two_days_are_two(rig: Rig) -> None:
    rig.calendars.create({"name": "closed", **closing(rig, -1, why="one"), "dates": []})
    midnight = int(datetime.fromisoformat(today(rig)).replace(tzinfo=UTC).timestamp())
    rig.calendars.update("closed", {"ranges": [
        {"from": day(rig, -1), "to": day(rig, -1), "why": "one"},
        {"from": day(rig, 0), "to": day(rig, 1), "why": "two"},
    ]})  # fmt: skip
    job_id = rig.make_job(**MINUTELY, options={"calendar": "closed", "misfire_grace_seconds": 10 * DAY})
    seconds_ago = RedisClock(rig.client).now_ms() // 1000 - (midnight - 180)
    rig.pretend_due(job_id, seconds_ago)
    scheduler = rig.scheduler()
    for _ in range(40):
        scheduler.enqueue_jobs()
    newest, *_, oldest = rig.history(job_id)
    assert (oldest["closed"], oldest["occurrences"]) == ("one", 3)
    assert newest["closed"] == "two"


def test_the_next_run_is_shown_and_not_the_next_closed_occurrence(rig: Rig) -> None:
    """Before and after the next occurrence is decided."""
    rig.calendars.create({"name": "closed", **closing(rig, -1, 0, 1)})
    job_id = rig.make_job(**MINUTELY, options={"calendar": "closed"})
    opening = f"{day(rig, 2)}T00:00:00"
    assert rig.jobs.get(job_id).data["next_run_at"] == opening
    rig.pretend_due(job_id, 1)
    rig.scheduler().enqueue_jobs()
    assert rig.jobs.get(job_id).data["next_run_at"] == opening
    assert rig.job_store.get(job_id).answer()["next_run_at"] == opening  # type: ignore[union-attr]


def test_a_job_of_which_only_closed_occurrences_are_left_has_no_next_run(rig: Rig) -> None:
    """In both of its views, before and after one of them is decided; another calendar gives it one."""
    rig.calendars.create({"name": "closed", "open_hours": {"from": "08:00", "to": "09:00"}})
    rig.calendars.create({"name": "open"})
    nightly = {"schedule_type": "cron", "schedule_config": {"cron_expression": "* 3 * * *"}}
    job_id = rig.make_job(**nightly, options={"calendar": "closed"})

    def shown() -> Any:
        job, record = rig.jobs.get(job_id).data, rig.job_store.get(job_id)
        assert record is not None and record.answer()["next_run_at"] == job["next_run_at"]
        (listed,) = rig.jobs.list(limit=1).data
        assert listed["next_run_at"] == job["next_run_at"] and job["state"] == "scheduled"
        return job["next_run_at"]

    assert shown() is None and "next_due" in stored(rig, job_id)
    rig.pretend_due(job_id, 1)
    rig.scheduler().enqueue_jobs()
    (run,) = rig.history(job_id)
    assert run["reason"] == "closed" and shown() is None
    rig.jobs.update(job_id, {"options": {"calendar": "open"}})
    assert shown().endswith("T03:00:00") or shown()[11:13] == "03"


def test_what_the_first_calendars_stored_of_such_a_job_is_read(rig: Rig) -> None:
    """They left the field out, and showed the next closed occurrence."""
    rig.calendars.create({"name": "closed", "open_hours": {"from": "08:00", "to": "09:00"}})
    job_id = rig.make_job(**{**MINUTELY, "schedule_config": {"cron_expression": "* 3 * * *"}},
                          options={"calendar": "closed"})  # fmt: skip
    rig.client.hdel(rig.keys.job(job_id), "next_run")
    assert rig.jobs.get(job_id).data["next_run_at"] is not None
    rig.pretend_due(job_id, 1)
    rig.scheduler().enqueue_jobs()
    assert rig.jobs.get(job_id).data["next_run_at"] is None


def test_an_unknown_calendar_is_refused(rig: Rig) -> None:
    with pytest.raises(ValidationFailed, match=r"options.calendar must be the name of a calendar that exists"):
        rig.make_job(options={"calendar": "nowhere"})
    job_id = rig.make_job()
    with pytest.raises(ValidationFailed, match=r"options.calendar must be"):
        rig.jobs.update(job_id, {"options": {"calendar": "nowhere"}})
    with pytest.raises(ValidationFailed, match=r"options.calendar must be"):
        rig.jobs.preview({**MINUTELY, "options": {"calendar": "nowhere"}})


# changes


def test_a_changed_calendar_plans_its_jobs_anew(rig: Rig) -> None:
    """Those that are on, and no others; a disabled job only learns of it."""
    rig.calendars.create({"name": "a", "weekdays_off": []})
    noon = {"schedule_type": "daily", "schedule_config": {"hour": 12, "minute": 0}}
    on = rig.make_job(**noon, options={"calendar": "a", "on_closed": "next_open"})
    off = rig.make_job(**noon, options={"calendar": "a"}, enabled=False)
    other = rig.make_job(**noon)
    before = stored(rig, on), stored(rig, other)
    rig.calendars.update("a", closing(rig, 0, 1, 2))
    assert (stored(rig, on), stored(rig, other)) == before
    walk(rig)
    assert rig.jobs.get(on).data["next_run_at"] == f"{day(rig, 3)}T12:00:00"
    assert stored(rig, other) == before[1]
    assert stored(rig, off)["calendar"] == stored(rig, on)["calendar"] != before[0]["calendar"]
    assert "next_due" not in stored(rig, off)
    assert float(rig.client.zscore(rig.keys.due, on)) == float(stored(rig, on)["next_due"])  # type: ignore[arg-type]
    assert stored(rig, on)["revision"] == "1", "no definition has changed"
    assert not rig.client.exists(rig.keys.changed_calendars)


def test_a_change_of_words_alone_plans_nothing_anew(rig: Rig) -> None:
    rig.calendars.create({"name": "a", "weekdays_off": ["sat"]})
    rig.calendars.update("a", {"description": "Ours"})
    assert not rig.client.exists(rig.keys.changed_calendars)


def test_a_walk_that_died_is_begun_anew(rig: Rig) -> None:
    rig.calendars.create({"name": "a"})
    jobs = [rig.make_job(**MINUTELY, options={"calendar": "a"}) for _ in range(5)]
    rig.calendars.update("a", {"weekdays_off": ["sun"]})
    stamp = CalendarStore(rig.scripts).at_work("a").stamp  # type: ignore[union-attr]
    CalendarChanges(rig.scripts).plan_anew(jobs[:2])
    assert sorted(stored(rig, job)["calendar"] == f"a/{stamp}" for job in jobs) == [False] * 3 + [True] * 2
    walk(rig)
    assert all(stored(rig, job)["calendar"] == f"a/{stamp}" for job in jobs)


def test_a_change_during_the_walk_begins_another(rig: Rig) -> None:
    rig.calendars.create({"name": "a"})
    job_id = rig.make_job(**MINUTELY, options={"calendar": "a"})
    rig.calendars.update("a", {"weekdays_off": ["sun"]})
    changes = CalendarChanges(rig.scripts)
    changes._begin()
    rig.calendars.update("a", {"weekdays_off": ["mon"]})
    changes.step()
    assert rig.client.exists(rig.keys.changed_calendars)
    walk(rig)
    stamp = CalendarStore(rig.scripts).at_work("a").stamp  # type: ignore[union-attr]
    assert stored(rig, job_id)["calendar"] == f"a/{stamp}"


@pytest.mark.parametrize("schedule", [MINUTELY, EACH_SECOND])
def test_a_plan_by_the_former_calendar_is_not_committed_once_the_job_is_planned_anew(
    rig: Rig, schedule: dict[str, Any]
) -> None:
    """Planned open, closed meanwhile: the occurrence is decided by the new calendar."""
    rig.calendars.create({"name": "a"})
    job_id = rig.make_job(**schedule, options={"calendar": "a", "misfire_grace_seconds": DAY})
    occurrence = rig.pretend_due(job_id, 60 + RedisClock(rig.client).now_ms() // 1000 % 60)
    scheduler: Scheduler = rig.scheduler()
    scheduler._due_jobs.read(0)
    assert scheduler._due_jobs.plan() == 1
    rig.calendars.update("a", closing(rig, -1, 0, 1))
    walk(rig)
    scheduler.enqueue_jobs()
    first = rig.history(job_id)[-1]
    assert (first["status"], first["reason"]) == ("skipped", "closed")
    assert stored(rig, job_id)["last_decided"] >= str(occurrence)


def test_a_due_job_is_decided_by_its_own_calendar_or_planned_anew_and_never_forgotten(rig: Rig) -> None:
    """The calendar as it was is not at hand any more: the overdue occurrence stays the first undecided one."""
    rig.calendars.create({"name": "a"})
    job_id = rig.make_job(**EACH_SECOND, options={"calendar": "a"})
    occurrence = rig.pretend_due(job_id, 3)
    rig.calendars.update("a", closing(rig, -1, 0, 1))
    scheduler = rig.scheduler()
    for _ in range(3):
        scheduler.enqueue_jobs()
    runs = rig.history(job_id)
    assert {run["reason"] for run in runs} == {"closed"}
    assert min(run["scheduled_for"] for run in runs) == datetime.fromtimestamp(occurrence, UTC).isoformat()[:19]


def test_a_job_whose_calendar_is_gone_is_set_aside_and_stops_no_other(rig: Rig) -> None:
    """Only outside hands can do that."""
    rig.calendars.create({"name": "a"})
    job_id = rig.make_job(**MINUTELY, options={"calendar": "a"})
    rig.client.delete(rig.keys.calendar("a"))
    rig.pretend_due(job_id, 1)
    other = rig.make_job(**MINUTELY)
    rig.pretend_due(other, 1)
    rig.scheduler().enqueue_jobs()
    job = rig.jobs.get(job_id).data
    assert job["state"] == "broken" and "calendar" in job["state_reason"]
    assert rig.history(other)[0]["status"] == "queued"


def test_a_changed_option_of_a_job_keeps_its_plan_by_the_calendar(rig: Rig) -> None:
    rig.calendars.create({"name": "a", **closing(rig, 0, 1)})
    job_id = rig.make_job(**MINUTELY, options={"calendar": "a"})
    before = stored(rig, job_id)
    rig.jobs.update(job_id, {"options": {"calendar": "a", "max_retries": 1}})
    after = stored(rig, job_id)
    assert {name: after[name] for name in ("calendar", "next_run")} == {
        name: before[name] for name in ("calendar", "next_run")
    }
    rig.jobs.update(job_id, {"options": {}})
    assert not {"calendar", "next_run"} & stored(rig, job_id).keys()
    assert not rig.client.exists(rig.keys.calendar_jobs("a"))


# in use


def test_a_calendar_in_use_cannot_be_deleted(rig: Rig) -> None:
    """The refusal names its jobs; without them, it goes, but for the definition by which they were planned."""
    rig.calendars.create({"name": "a"})
    job_id = rig.make_job(options={"calendar": "a"})
    with pytest.raises(Conflict, match=job_id):
        rig.calendars.delete("a")
    rig.jobs.delete(job_id)
    rig.calendars.delete("a")
    with pytest.raises(NotFound):
        rig.calendars.get("a")
    former = rig.keys.former_calendars("a")
    assert rig.client.keys("*calendar*") == [former.encode()]
    assert 0 < rig.client.ttl(former) <= 400 * 86_400


def test_a_deleted_job_comes_back_only_with_its_calendar(rig: Rig) -> None:
    rig.calendars.create({"name": "a", "weekdays_off": ["sun"]})
    job_id = rig.make_job(options={"calendar": "a"})
    rig.jobs.delete(job_id)
    rig.calendars.delete("a")
    deleted = Deleted(rig.scripts, RedisClock(rig.client), {"echo": EchoConfig})
    with pytest.raises(ValidationFailed, match=r"options.calendar"):
        deleted.restore(job_id)
    rig.calendars.create({"name": "a", "weekdays_off": ["mon"]})
    deleted.restore(job_id)
    assert rig.client.smembers(rig.keys.calendar_jobs("a")) == {job_id.encode()}
    assert stored(rig, job_id)["calendar"].startswith("a/")
    with pytest.raises(Conflict):
        rig.calendars.delete("a")


def test_a_job_is_not_saved_by_a_calendar_that_has_changed_since_it_was_read(rig: Rig) -> None:
    """It is planned again by the one that there is now."""
    rig.calendars.create({"name": "a"})
    job_id = rig.make_job(options={"calendar": "a"})
    record = rig.job_store.get(job_id)
    assert record is not None
    rig.calendars.update("a", {"weekdays_off": ["sun"]})
    assert not rig.job_store.replace(record, record)


def test_a_calendar_of_a_taken_name_is_refused(rig: Rig) -> None:
    rig.calendars.create({"name": "a"})
    with pytest.raises(Conflict, match="There is a calendar a already"):
        rig.calendars.create({"name": "a"})


def test_a_calendar_that_runs_out_is_told(rig: Rig) -> None:
    rig.calendars.create({"name": "soon", "dates": [day(rig, 10)]})
    rig.calendars.create({"name": "later", "dates": [day(rig, 90)]})
    rig.calendars.create({"name": "never", "dates": [day(rig, 10)], "country": "AT"})
    rig.calendars.create({"name": "weekly", "weekdays_off": ["sun"]})
    assert rig.calendars.running_out() == [{"name": "soon", "last_day": day(rig, 10)}]
    assert rig.calendars.get("soon")["runs_out_on"] == day(rig, 10)
