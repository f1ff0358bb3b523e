"""Dry runs of changes of calendars over Redis: held to a brute force, and to what comes once the change is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from service.errors import NotFound, ValidationFailed
from service.scheduler.calendar_changes import CalendarChanges
from service.store.server.redis_clock import RedisClock
from service.usecases.foresight import calendar_dry_runs, dry_runs
from service.usecases.foresight.calendar_dry_runs import CalendarDryRuns
from tests.support.store_rig import Rig

DAYS = 30
HOUR = 8
DAILY = {"schedule_type": "daily", "schedule_config": {"hour": HOUR, "minute": 0}}
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STEPS = {"skip": 0, "next_open": 1, "previous_open": -1}


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    rig = Rig.on(redis_client)
    rig.calendars.create({"name": "office", "weekdays_off": ["sat", "sun"]})
    return rig


def stored(rig: Rig) -> dict[Any, Any]:
    """All of Redis."""
    return {key: rig.client.dump(key) for key in sorted(rig.client.keys())}


def rehearse(rig: Rig, body: object, days: int = DAYS) -> dict[str, Any]:
    return CalendarDryRuns(rig.scripts, rig.calendars, RedisClock(rig.client)).update("office", body, days)


def now(rig: Rig) -> datetime:
    return datetime.fromtimestamp(RedisClock(rig.client).now_ms() / 1000, UTC).replace(tzinfo=None)


def by_hand(start: datetime, off: set[str], what: str) -> set[str]:
    """When a daily job runs within `DAYS`, by looking at each day and at its weekday alone."""
    found = set()
    for days in range(-8, DAYS + 9):
        day = (start + timedelta(days=days)).replace(hour=HOUR, minute=0, second=0, microsecond=0)
        while NAMES[day.weekday()] in off and STEPS[what]:
            day += timedelta(days=STEPS[what])
        if NAMES[day.weekday()] not in off and start < day <= start + timedelta(days=DAYS):
            found.add(day.isoformat())
    return found


def coming(rig: Rig, job_id: str, start: datetime) -> set[str]:
    """A job's occurrences within `DAYS`, as a preview tells them."""
    until = (start + timedelta(days=DAYS)).isoformat()
    return {at for at in rig.jobs.preview_job(job_id, from_=None, count=60)["occurrences"] if at <= until}


def sides(change: dict[str, Any]) -> Iterator[tuple[int, set[str]]]:
    for side in ("gained", "lost"):
        yield change["occurrences"][side]["count"], {one["at"] for one in change["occurrences"][side]["first"]}


@pytest.mark.parametrize("what", ["skip", "next_open", "previous_open"])
@pytest.mark.parametrize("off", [{"mon"}, {"fri", "sat", "sun"}, {"tue", "wed"}, set()])
def test_what_it_foresees_is_what_comes(rig: Rig, what: str, off: set[str]) -> None:
    """Saturday and Sunday are closed now. The weekly job on Saturday shows where a lone occurrence moves."""
    daily = rig.make_job(name="a", **DAILY, options={"calendar": "office", "on_closed": what})
    saturday = rig.make_job(
        name="b", schedule_type="weekly", options={"calendar": "office", "on_closed": what},
        schedule_config={"hour": HOUR, "minute": 0, "day_of_week": "sat"},
    )  # fmt: skip
    rig.make_job(name="without a calendar", **DAILY)
    body, start, whole = {"weekdays_off": sorted(off)}, now(rig), stored(rig)
    before = {job: coming(rig, job, start) for job in (daily, saturday)}
    answer = rehearse(rig, body)
    assert stored(rig) == whole and answer["jobs"] == {"total": 2, "looked_at": 2}
    rig.calendars.update("office", body)
    CalendarChanges(rig.scripts).plan_anew([daily, saturday])
    after = {job: coming(rig, job, start) for job in (daily, saturday)}
    told = {change["id"]: change for change in answer["changes"][1:]}
    assert set(told) == {job for job in before if before[job] != after[job]}
    for job, change in told.items():
        gained, lost = after[job] - before[job], before[job] - after[job]
        assert list(sides(change)) == [(len(gained), gained), (len(lost), lost)]
    assert before[daily] == by_hand(start, {"sat", "sun"}, what)
    assert after[daily] == by_hand(start, off, what)


def test_the_calendars_own_change_comes_first(rig: Rig) -> None:
    """Words change no occurrence, and the same fields nothing at all."""
    rig.make_job(**DAILY, options={"calendar": "office"})
    (change,) = rehearse(rig, {"description": "Ours"})["changes"]
    assert (change["kind"], change["action"], change["name"]) == ("calendar", "update", "office")
    assert change["fields"] == {"description": {"from": None, "to": "Ours"}}
    assert rehearse(rig, {"weekdays_off": ["sun", "sat"]})["changes"] == []


def test_jobs_that_do_not_run_are_left_out(rig: Rig) -> None:
    """Of disabled and damaged ones, nothing is gained or lost, and they keep no other one from being told."""
    disabled, damaged, fine = (rig.make_job(**DAILY, options={"calendar": "office"}) for _ in range(3))
    rig.jobs.toggle(disabled, {"enabled": False})
    rig.client.hset(rig.keys.job(damaged), "anchor", "?")
    assert [change["id"] for change in rehearse(rig, {"weekdays_off": []})["changes"][1:]] == [fine]


def test_a_job_that_waits_for_its_new_plan_is_compared_by_the_calendar_as_it_is(rig: Rig) -> None:
    """Its calendar has opened the weekend, and closes it again: from the one to the other, only weekends are lost."""
    rig.make_job(**DAILY, options={"calendar": "office"})
    rig.calendars.update("office", {"weekdays_off": []})
    start = now(rig)
    (change,) = rehearse(rig, {"weekdays_off": ["sat", "sun"]})["changes"][1:]
    lost = by_hand(start, set(), "skip") - by_hand(start, {"sat", "sun"}, "skip")
    assert list(sides(change)) == [(0, set()), (len(lost), lost)]


def test_it_is_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more jobs and no more instants than the limits, and the answer says so."""
    monkeypatch.setattr(calendar_dry_runs, "JOBS_LOOKED_AT", 3)
    monkeypatch.setattr(dry_runs, "LOOKED_AT", 30)
    for _ in range(5):
        rig.make_job(options={"calendar": "office"})
    answer = rehearse(rig, {"weekdays_off": [], "open_hours": {"from": "00:00", "to": "00:01"}})
    assert answer["jobs"] == {"total": 5, "looked_at": 3}
    told = [change["occurrences"] for change in answer["changes"][1:]]
    assert [one["complete"] for one in told] == [False] * 3
    assert sum(one[side]["count"] for one in told for side in ("gained", "lost")) <= 30


def test_it_is_refused_as_the_change_is(rig: Rig) -> None:
    with pytest.raises(ValidationFailed, match="weekdays_off"):
        rehearse(rig, {"weekdays_off": ["someday"]})
    rig.calendars.delete("office")
    with pytest.raises(NotFound):
        rehearse(rig, {})
