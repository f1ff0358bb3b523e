"""Dry runs of changes of calendars over Redis: held to a brute force, and to what comes once the change is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from service.errors import NotFound, ValidationFailed
from service.scheduler.calendar_changes import CalendarChanges
from service.store.server.redis_clock import RedisClock
from service.usecases.definitions import Definitions
from service.usecases.foresight import calendar_jobs, dry_runs
from service.usecases.foresight.calendar_dry_runs import CalendarDryRuns
from tests.support.store_rig import EchoConfig, Rig

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
    return CalendarDryRuns(rig.scripts, rig.calendars, RedisClock(rig.client)).update("office", body, (), days)


def rehearse_document(rig: Rig, **document: Any) -> dict[str, Any]:
    use = Definitions(rig.jobs, rig.job_store, RedisClock(rig.client), {"echo": EchoConfig})
    return use.apply({"version": 1, **document}, dry_run=True)


def untimed(answer: dict[str, Any]) -> list[Any]:
    """What changes, without the second up to which it was looked: two looks may stand on both sides of one's end."""
    return [
        {**one, "occurrences": {**one["occurrences"], "until": None}} if "occurrences" in one else one
        for one in answer["changes"]
    ]


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
    monkeypatch.setattr(calendar_jobs, "JOBS_LOOKED_AT", 3)
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


OPEN = {"name": "office", "weekdays_off": []}
"""The calendar of the tests as a document opens it."""


def test_a_document_tells_of_the_jobs_that_only_its_calendar_changes(rig: Rig) -> None:
    """Exactly as the dry run of the calendar alone does; nothing is stored."""
    uses = [rig.make_job(name=name, **DAILY, options={"calendar": "office"}) for name in ("b", "a")]
    rig.make_job(name="without a calendar", **DAILY)
    whole = stored(rig)
    alone, answer = rehearse(rig, {"weekdays_off": []}), rehearse_document(rig, calendars=[OPEN])
    assert stored(rig) == whole
    assert answer["jobs"] == alone["jobs"] == {"total": 2, "looked_at": 2}
    assert untimed(answer) == untimed(alone)
    assert [(one["id"], one["action"], one["fields"]) for one in answer["changes"][1:]] == [
        (uses[1], "update", {}), (uses[0], "update", {}),
    ]  # fmt: skip


def test_a_job_that_the_document_changes_too_is_told_once(rig: Rig) -> None:
    """By what both changes make of it; one that the document names and leaves as it is, is told of, too."""
    options = {"calendar": "office"}
    changed, same = (rig.make_job(name=name, **DAILY, options=options) for name in ("changed", "same"))
    jobs = [rig.jobs.get(job_id).data for job_id in (changed, same)]
    jobs[0] = {**jobs[0], "schedule_config": {"hour": HOUR + 1, "minute": 0}}
    answer = rehearse_document(rig, calendars=[OPEN], jobs=jobs)
    _, first, second = answer["changes"]
    assert (first["id"], second["id"]) == (changed, same) and second["fields"] == {}
    assert set(first["fields"]) == {"schedule_config.hour"}
    start = now(rig)
    assert first["occurrences"]["lost"]["count"] == len(by_hand(start, {"sat", "sun"}, "skip"))
    assert first["occurrences"]["gained"]["count"] in (DAYS - 1, DAYS, DAYS + 1)
    gained = by_hand(start, set(), "skip") - by_hand(start, {"sat", "sun"}, "skip")
    assert list(sides(second)) == [(len(gained), gained), (0, set())]


def test_a_document_whose_calendars_close_the_same_days_changes_no_job(rig: Rig) -> None:
    rig.make_job(**DAILY, options={"calendar": "office"})
    same = {"name": "office", "weekdays_off": ["sun", "sat"]}
    assert rehearse_document(rig, calendars=[same])["changes"] == []
    (change,) = rehearse_document(rig, calendars=[{**same, "description": "Ours"}, {"name": "new"}])["changes"][:1]
    assert change["closed_days"]["gained"]["count"] == change["closed_days"]["lost"]["count"] == 0


def test_it_tells_the_days_that_are_closed_and_opened(rig: Rig) -> None:
    """For a year, or as far as dates are written; a day that is closed for another reason is neither."""
    today = now(rig).date()
    monday = today + timedelta(days=7 - today.weekday())
    far = (monday + timedelta(days=7 * 60)).isoformat()
    body = {"weekdays_off": ["sun"], "dates": [monday.isoformat(), (monday + timedelta(days=6)).isoformat(), far]}
    told = rehearse(rig, body)["changes"][0]["closed_days"]
    assert (told["from"], told["until"]) == (today.isoformat(), far)
    assert told["gained"]["first"] == [{"date": day, "why": "closed on this date"} for day in (monday.isoformat(), far)]
    saturdays = [today + timedelta(days=n) for n in range((date.fromisoformat(far) - today).days + 1)]
    saturdays = [day for day in saturdays if day.weekday() == 5]
    assert told["lost"]["count"] == len(saturdays)
    assert told["lost"]["first"] == [{"date": day.isoformat(), "why": "Saturday"} for day in saturdays[:20]]


def test_a_file_is_rehearsed_as_it_is_added(rig: Rig) -> None:
    """The days that it would close, and the occurrences that are lost by them; then it is added, and they are."""
    job_id, start = rig.make_job(**DAILY, options={"calendar": "office"}), now(rig)
    days = [start.date() + timedelta(days=number) for number in (1, 2, 3, 4)]
    events = "".join(f"BEGIN:VEVENT\nDTSTART;VALUE=DATE:{day:%Y%m%d}\nSUMMARY:Shut\nEND:VEVENT\n" for day in days)
    content = f"BEGIN:VCALENDAR\n{events}BEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n".encode()
    before, whole = coming(rig, job_id, start), stored(rig)
    dry = CalendarDryRuns(rig.scripts, rig.calendars, RedisClock(rig.client))
    answer = dry.add_file("office", content, None, DAYS)
    assert stored(rig) == whole
    added = rig.calendars.add_file("office", content)
    assert answer["file"] == {name: value for name, value in added.items() if name != "calendar"}
    assert (answer["file"]["added"], answer["file"]["skipped_total"]) == (4, 1)
    calendar, change = answer["changes"]
    open_days = [day.isoformat() for day in days if day.weekday() < 5]
    assert calendar["fields"]["ranges"]["to"] == added["calendar"]["ranges"]
    assert [one["date"] for one in calendar["closed_days"]["gained"]["first"]] == open_days
    CalendarChanges(rig.scripts).plan_anew([job_id])
    lost = before - coming(rig, job_id, start)
    assert lost and list(sides(change)) == [(0, set()), (len(lost), lost)]
    again = dry.add_file("office", content, None, DAYS)
    assert (again["changes"], again["file"]["added"], again["file"]["unchanged"]) == ([], 0, 4)
