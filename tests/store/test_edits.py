"""Changed occurrences on a real server: each instant has one fate, whatever else happens to its job."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from service.domain.run_records import Outcome
from service.errors import Conflict, NotFound, PreconditionFailed, StoreUnavailable, ValidationFailed
from service.scheduler.calendar_changes import CalendarChanges
from service.store.counters import read
from service.store.jobs.due import read_due
from service.store.jobs.due_index import DueIndex
from service.usecases.deleted_jobs import Deleted
from service.usecases.edits.occurrence_edits import OccurrenceEdits
from tests.store.test_clock_steps import Clocked
from tests.store.test_clock_steps import clocked as clocked
from tests.store.test_kinds import committed, planned
from tests.support.store_rig import EchoConfig

HOURLY = {"schedule_type": "cron", "schedule_config": {"cron_expression": "0 * * * *"}}
EACH_HOUR = {"schedule_type": "interval", "schedule_config": {"hours": 1}}
JITTERED = {**HOURLY, "options": {"jitter_seconds": 600}}
KINDS = pytest.mark.parametrize("schedule", [HOURLY, EACH_HOUR, JITTERED], ids=["cron", "interval", "jitter"])
HOUR = 3600


def at(hour: int, minute: int = 0) -> str:
    """A time of the day on which the test begins, at 08:00."""
    return f"2027-01-15T{hour:02}:{minute:02}:00"


def until(clocked: Clocked, hour: int, minute: int = 0) -> None:
    """Let time pass until then, with a scheduler that looks each minute."""
    goal = (clocked.now // 1000 // 86400) * 86400 + hour * HOUR + minute * 60
    while clocked.now // 1000 < goal:
        clocked.pass_time(min(60, goal - clocked.now // 1000))
        clocked.work()


def told(clocked: Clocked, job_id: str) -> list[tuple[Any, ...]]:
    """The job's history, oldest first: occurrence, status, reason, how many."""
    return [
        (run["scheduled_for"][11:16], run["status"], run["reason"], run["occurrences"])
        for run in reversed(clocked.rig.history(job_id))
    ]


def fields(clocked: Clocked, job_id: str) -> dict[str, str]:
    found: Any = clocked.client.hgetall(clocked.rig.keys.job(job_id))
    return {name.decode(): value.decode() for name, value in found.items()}


def make(clocked: Clocked, schedule: dict[str, Any], **options: Any) -> str:
    """A job whose runs end by themselves."""
    return clocked.rig.make_job(**{**schedule, "options": {
        "max_concurrent_runs": 10, **schedule.get("options", {}), **options}})  # fmt: skip


def coming(clocked: Clocked, job_id: str) -> str | None:
    shown: str | None = clocked.rig.jobs.get(job_id).data["next_run_at"]
    record = clocked.rig.job_store.get(job_id)
    assert record is not None and record.answer()["next_run_at"] == shown
    return shown


@KINDS
def test_a_skipped_occurrence_is_recorded_with_who_and_why(
    clocked: Clocked, schedule: dict[str, Any], ada: None
) -> None:
    job_id = make(clocked, schedule)
    clocked.rig.edits.change(job_id, at(9), {"skip": True, "reason": "a holiday"})
    until(clocked, 11, 30)
    assert told(clocked, job_id) == [
        ("09:00", "skipped", "edited", 1), ("10:00", "queued", None, 1), ("11:00", "queued", None, 1),
    ]  # fmt: skip
    run = clocked.rig.history(job_id)[-1]
    assert run["edit"]["reason"] == "a holiday" and run["edit"]["by"] == {"actor": "k1", "name": "Ada's key"}
    assert run["edit"]["action"] == "skip" and "moved_to" not in run
    assert not clocked.client.exists(clocked.rig.keys.edits(job_id), clocked.rig.keys.edits_due)
    assert "edits" not in fields(clocked, job_id)
    assert ("kind" in fields(clocked, job_id)) == (schedule is HOURLY), "it shares plans again"


@KINDS
def test_one_that_is_moved_past_others_runs_under_its_own_instant(clocked: Clocked, schedule: dict[str, Any]) -> None:
    """The one that `last_decided` alone would lose."""
    job_id = make(clocked, schedule)
    answer = clocked.rig.edits.change(job_id, at(10), {"move_to": "2027-01-15T13:30"})
    assert (answer["scheduled_for"], answer["moved_to"]) == (at(10), at(13, 30))
    until(clocked, 14, 30)
    assert told(clocked, job_id) == [
        (hour, "queued", None, 1) for hour in ("09:00", "11:00", "12:00", "13:00", "10:00", "14:00")
    ]
    moved = clocked.rig.history(job_id)[1]
    assert (moved["scheduled_for"], moved["moved_to"], moved["trigger"]) == (at(10), at(13, 30), "schedule")
    assert moved["queued_at"] == at(13, 30), "without the jitter"


@KINDS
def test_one_that_is_moved_ahead_of_others_is_not_decided_again_at_its_own_time(
    clocked: Clocked, schedule: dict[str, Any]
) -> None:
    job_id = make(clocked, schedule)
    clocked.rig.edits.change(job_id, at(11), {"move_to": at(8, 30) + "Z"})
    assert coming(clocked, job_id) == at(8, 30)
    until(clocked, 12, 30)
    assert [one[0] for one in told(clocked, job_id)] == ["11:00", "09:00", "10:00", "12:00"]


def test_two_at_one_time_both_run_each_under_its_own_instant(clocked: Clocked) -> None:
    """The moved one waits its turn, though the job skips what overlaps."""
    job_id = clocked.rig.make_job(**HOURLY, options={"overlap": "skip"})
    clocked.rig.edits.change(job_id, at(9), {"move_to": at(10)})
    until(clocked, 10)
    assert told(clocked, job_id) == [("10:00", "queued", None, 1), ("09:00", "queued", None, 1)]
    assert clocked.client.llen(clocked.rig.keys.waiting(job_id)) == 1


@KINDS
def test_other_settings_are_laid_over_for_one_run(clocked: Clocked, schedule: dict[str, Any]) -> None:
    job_id = make(clocked, schedule)
    clocked.rig.edits.change(job_id, at(9), {"bot_config": {"dry_run": True}})
    until(clocked, 10, 30)
    assert [one[:2] for one in told(clocked, job_id)] == [("09:00", "queued"), ("10:00", "queued")]
    first, second = reversed(clocked.rig.history(job_id))
    assert (first["rehearsal"], second["rehearsal"]) == (True, False)
    claim = clocked.rig.runs.claim(first["id"], "token", "w", 30_000)
    assert claim is not None and orjson.loads(claim.run["overlay"]) == {"dry_run": True}


def test_the_settings_of_a_union_hold_where_the_change_says_nothing_else(clocked: Clocked) -> None:
    """The names of the schedules stay, too."""
    job_id = make(clocked, {"schedule_type": "any", "schedule_config": {"schedules": [
        {**HOURLY, "name": "hourly", "bot_config": {"dry_run": True}}]}})  # fmt: skip
    clocked.rig.edits.change(job_id, at(9), {"bot_config": {}})
    clocked.rig.edits.change(job_id, at(10), {"move_to": at(10, 5)})
    until(clocked, 10, 30)
    runs = list(reversed(clocked.rig.history(job_id)))
    assert [run["names"] for run in runs] == [["hourly"], ["hourly"]]
    claims = [clocked.rig.runs.claim(run["id"], "token", "w", 30_000) for run in runs]
    assert orjson.loads(claims[0].run["overlay"]) == {"dry_run": True}  # type: ignore[union-attr]
    assert "overlay" not in claims[1].run and "members" in claims[1].run  # type: ignore[union-attr]


@KINDS
def test_what_is_taken_back_is_as_if_it_had_never_been(clocked: Clocked, schedule: dict[str, Any]) -> None:
    job_id = make(clocked, schedule)
    before = fields(clocked, job_id)
    clocked.rig.edits.change(job_id, at(9), {"skip": True})
    clocked.rig.edits.change(job_id, at(10), {"move_to": at(12, 30)})
    clocked.rig.edits.change(job_id, at(9), {"move_to": at(9, 30)})
    for hour in (9, 10):
        clocked.rig.edits.take_back(job_id, at(hour))
    after = fields(clocked, job_id)
    assert before | {"kind": "", "edits": ""} == after | {"kind": "", "edits": ""}
    assert not clocked.client.exists(clocked.rig.keys.edits(job_id), clocked.rig.keys.edits_due)
    until(clocked, 11, 30)
    assert [one[:2] for one in told(clocked, job_id)] == [("09:00", "queued"), ("10:00", "queued"), ("11:00", "queued")]
    assert fields(clocked, job_id).keys() - {"last_decided", "held", "open"} == before.keys()
    with pytest.raises(NotFound, match="is not changed"):
        clocked.rig.edits.take_back(job_id, at(12))


def test_the_next_run_is_right_with_skipped_moved_and_no_occurrences(clocked: Clocked) -> None:
    if_cron = make(clocked, HOURLY)
    clocked.rig.edits.change(if_cron, at(9), {"skip": True})
    assert coming(clocked, if_cron) == at(10)
    clocked.rig.edits.change(if_cron, at(10), {"move_to": at(9, 30)})
    assert coming(clocked, if_cron) == at(9, 30)
    clocked.rig.edits.change(if_cron, at(10), {"move_to": at(15)})
    assert coming(clocked, if_cron) == at(11)
    until(clocked, 9, 1)
    assert coming(clocked, if_cron) == at(11)
    until(clocked, 14, 1)
    assert coming(clocked, if_cron) == at(15)
    clocked.rig.edits.change(if_cron, at(15), {"skip": True})
    assert coming(clocked, if_cron) == at(15)
    until(clocked, 15, 1)
    assert coming(clocked, if_cron) == at(16)


@pytest.mark.parametrize("to", [at(8, 30), at(23)])
def test_a_date_that_is_moved_is_the_end_of_its_job_when_it_has_run(clocked: Clocked, to: str) -> None:
    """Ahead of its own time, or long after it; the sweep leaves the job alone meanwhile."""
    once = {"schedule_type": "once", "schedule_config": {"at": at(9)}}
    job_id = make(clocked, once, delete_after_seconds=600)
    clocked.rig.edits.change(job_id, at(9), {"move_to": to})
    assert coming(clocked, job_id) == to
    until(clocked, 9, 5)
    if to == at(23):
        assert clocked.rig.jobs.get(job_id).data["state"] == "scheduled"
        assert clocked.scheduler._due.restore([job_id]) == 0
        assert coming(clocked, job_id) == to
        clocked.rig.jobs.update(job_id, {"name": "another"})
        assert coming(clocked, job_id) == to
        until(clocked, 23)
    assert told(clocked, job_id) == [("09:00", "queued", None, 1)]
    job = clocked.rig.jobs.get(job_id).data
    assert (job["state"], job["next_run_at"]) == ("ended", None)
    clocked.rig.use.cancel(job_id, clocked.rig.history(job_id)[0]["id"])
    until(clocked, 10 if to == at(8, 30) else 24)
    with pytest.raises(NotFound):
        clocked.rig.jobs.get(job_id)


def test_a_date_that_is_skipped_is_said_to_run_no_more(clocked: Clocked) -> None:
    job_id = make(clocked, {"schedule_type": "once", "schedule_config": {"at": at(9)}})
    clocked.rig.edits.change(job_id, at(9), {"skip": True})
    assert coming(clocked, job_id) is None
    until(clocked, 9, 1)
    assert told(clocked, job_id) == [("09:00", "skipped", "edited", 1)]
    assert clocked.rig.jobs.get(job_id).data["state"] == "ended"


@pytest.mark.parametrize(
    ("options", "down_until", "reason"),
    [
        ({}, (12, 30), None),
        ({"catch_up": "all"}, (12, 30), None),
        ({"catch_up": "none"}, (12, 30), "missed"),
        ({"catch_up": "none"}, (10, 10), None),
        ({"misfire_grace_seconds": 3600}, (12, 30), "misfire"),
        ({"misfire_grace_seconds": 3600}, (11, 0), None),
    ],
)  # fmt: skip
def test_how_late_it_is_counts_from_when_it_is_due(
    clocked: Clocked, options: dict[str, Any], down_until: tuple[int, int], reason: str | None
) -> None:
    """After an outage it is a decision of its own: no other one runs for it, and it is never coalesced."""
    job_id = make(clocked, HOURLY, **options)
    clocked.rig.edits.change(job_id, at(9), {"move_to": at(10, 10)})
    hour, minute = down_until
    clocked.pass_time((hour - 8) * HOUR + minute * 60)
    clocked.work()
    (moved,) = [run for run in clocked.rig.history(job_id) if run["scheduled_for"] == at(9)]
    assert (moved["status"], moved["reason"]) == (("queued", None) if reason is None else ("skipped", reason))
    others = [run for run in clocked.rig.history(job_id) if run["scheduled_for"] != at(9)]
    assert sum(run["occurrences"] for run in others) == hour - 9


@KINDS
def test_folded_skips_count_no_changed_occurrence(clocked: Clocked, schedule: dict[str, Any]) -> None:
    job_id = make(clocked, schedule)
    clocked.rig.edits.change(job_id, at(10), {"move_to": at(8, 30)})
    clocked.rig.edits.change(job_id, at(11), {"skip": True})
    clocked.rig.edits.change(job_id, at(14), {"skip": True})
    clocked.pass_time(6 * HOUR + 1800)
    clocked.work()
    assert sorted(told(clocked, job_id)) == [
        ("09:00", "skipped", "coalesced", 2), ("10:00", "queued", None, 1), ("11:00", "skipped", "edited", 1),
        ("13:00", "queued", None, 1), ("14:00", "skipped", "edited", 1),
    ]  # fmt: skip


def test_a_missed_one_is_no_part_of_a_later_missed_ones_entry(clocked: Clocked) -> None:
    job_id = make(clocked, HOURLY, catch_up="none")
    clocked.rig.edits.change(job_id, at(12), {"move_to": at(8, 30)})
    clocked.pass_time(HOUR - 600)
    clocked.work()
    clocked.pass_time(HOUR)
    clocked.work()
    assert told(clocked, job_id) == [("12:00", "skipped", "missed", 1), ("09:00", "skipped", "missed", 1)]


# what is under way meanwhile


def test_a_shared_plan_that_was_made_before_the_change_decides_nothing(clocked: Clocked) -> None:
    rig = clocked.rig
    job_id, other = make(clocked, HOURLY), make(clocked, HOURLY)
    clocked.pass_time(HOUR)
    plans = planned(rig)
    rig.edits.change(job_id, at(9), {"skip": True})
    assert committed(rig, plans) == 1
    assert (rig.history(job_id), len(rig.history(other))) == ([], 1)
    clocked.work()
    assert told(clocked, job_id) == [("09:00", "skipped", "edited", 1)]


@pytest.mark.parametrize("schedule", [EACH_HOUR, JITTERED], ids=["interval", "jitter"])
def test_a_plan_of_one_job_that_was_made_before_the_change_decides_nothing(
    clocked: Clocked, schedule: dict[str, Any]
) -> None:
    """Nor one that was made before it was taken back."""
    rig = clocked.rig
    job_id = make(clocked, schedule)
    clocked.pass_time(HOUR + 700)
    plans = planned(rig)
    rig.edits.change(job_id, at(9), {"skip": True})
    assert committed(rig, plans) == 0
    with_it = planned(rig)
    rig.edits.take_back(job_id, at(9))
    assert committed(rig, with_it) == 0
    clocked.work()
    assert told(clocked, job_id) == [("09:00", "queued", None, 1)]


def plan_of(clocked: Clocked, job_id: str, hour: int) -> tuple[str, bytes]:
    """What a scheduler that is about to decide one holds."""
    instant = str(clocked.now // 1000 // 86400 * 86400 + hour * HOUR)
    return instant, orjson.dumps(clocked.scheduler._due_jobs.edits._plan(job_id, instant, clocked.now))


def test_it_is_taken_back_or_decided_and_never_both(clocked: Clocked) -> None:
    rig = clocked.rig
    job_id = make(clocked, HOURLY)
    rig.edits.change(job_id, at(12), {"move_to": at(8, 30)})
    clocked.pass_time(1800)
    instant, plan = plan_of(clocked, job_id, 12)
    rig.edits.take_back(job_id, at(12))
    assert rig.scripts.run("decide_edit", job_id, instant, plan) == b"gone"
    rig.edits.change(job_id, at(12), {"move_to": at(8, 31)})
    clocked.pass_time(60)
    instant, plan = plan_of(clocked, job_id, 12)
    assert rig.scripts.run("decide_edit", job_id, instant, plan) == b"decided"
    with pytest.raises(NotFound):
        rig.edits.take_back(job_id, at(12))
    with pytest.raises(ValidationFailed, match="still to come"):
        rig.edits.change(job_id, at(12), {"skip": True})
    until(clocked, 13, 1)
    assert [one[0] for one in told(clocked, job_id)] == ["12:00", "09:00", "10:00", "11:00", "13:00"]


def test_a_decision_that_is_repeated_or_was_made_by_another_plan_changes_nothing(clocked: Clocked) -> None:
    rig = clocked.rig
    job_id = make(clocked, HOURLY)
    rig.edits.change(job_id, at(9), {"move_to": at(8, 30)})
    rig.edits.change(job_id, at(10), {"move_to": at(8, 30)})
    early = plan_of(clocked, job_id, 9)
    assert rig.scripts.run("decide_edit", job_id, *early) == b"early"
    clocked.pass_time(1800)
    first, second = plan_of(clocked, job_id, 9), plan_of(clocked, job_id, 10)
    assert rig.scripts.run("decide_edit", job_id, *first) == b"decided"
    assert rig.scripts.run("decide_edit", job_id, *first) == b"gone"
    assert rig.scripts.run("decide_edit", job_id, *second) == b"stale", "its next_run is of another time"
    second = plan_of(clocked, job_id, 10)
    rig.jobs.update(job_id, {"name": "another"})
    assert rig.scripts.run("decide_edit", job_id, *second) == b"stale"
    second = plan_of(clocked, job_id, 10)
    clocked.pass_time(6)
    assert rig.scripts.run("decide_edit", job_id, *second) == b"stale", "what was punctual then may be late now"
    clocked.work()
    assert sorted(told(clocked, job_id)) == [("09:00", "queued", None, 1), ("10:00", "queued", None, 1)]


def test_its_own_time_is_over_so_it_can_be_moved_or_skipped_and_not_taken_back(clocked: Clocked) -> None:
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(9), {"move_to": at(12, 30)})
    until(clocked, 10, 10)
    with pytest.raises(Conflict, match=f"{at(9)} is over; its run is due at {at(12, 30)} UTC"):
        clocked.rig.edits.take_back(job_id, at(9))
    with pytest.raises(ValidationFailed, match="own time is over"):
        clocked.rig.edits.change(job_id, at(9), {"bot_config": {}})
    clocked.rig.edits.change(job_id, at(9), {"move_to": at(12, 45)})
    clocked.rig.edits.change(job_id, at(9), {"skip": True})
    clocked.work()
    assert ("09:00", "skipped", "edited", 1) in told(clocked, job_id)


# changes of the job


def test_another_schedule_drops_what_is_no_longer_an_occurrence(clocked: Clocked) -> None:
    rig = clocked.rig
    job_id = make(clocked, HOURLY)
    for hour, body in {9: {"skip": True}, 10: {"skip": True}, 11: {"move_to": at(8, 20)}}.items():
        rig.edits.change(job_id, at(hour), body)
    until(clocked, 8, 21)
    rig.jobs.update(job_id, {"schedule_config": {"cron_expression": "0 */2 * * *"}})
    assert {int(one) % 86400 // HOUR for one in rig.client.hkeys(rig.keys.edits(job_id))} == {10, 11}
    rig.jobs.update(job_id, {"schedule_config": {"cron_expression": "0 * * * *"}})
    until(clocked, 12, 1)
    assert told(clocked, job_id) == [
        ("11:00", "queued", None, 1), ("09:00", "queued", None, 1), ("10:00", "skipped", "edited", 1),
        ("12:00", "queued", None, 1),
    ], "what had run is not run again by any schedule"  # fmt: skip


def test_what_comes_due_while_its_job_is_off_is_dropped(clocked: Clocked) -> None:
    rig = clocked.rig
    job_id = make(clocked, HOURLY)
    rig.edits.change(job_id, at(9), {"move_to": at(8, 30)})
    rig.edits.change(job_id, at(10), {"skip": True})
    rig.jobs.toggle(job_id, {"enabled": False})
    with pytest.raises(Conflict, match="is disabled"):
        rig.edits.change(job_id, at(11), {"skip": True})
    until(clocked, 8, 40)
    assert rig.history(job_id) == []
    rig.jobs.toggle(job_id, {"enabled": True})
    until(clocked, 11, 1)
    assert [one[:3] for one in told(clocked, job_id)] == [
        ("09:00", "queued", None), ("10:00", "skipped", "edited"), ("11:00", "queued", None),
    ]  # fmt: skip


def test_a_change_of_the_definition_and_a_change_of_an_occurrence_do_not_undo_each_other(clocked: Clocked) -> None:
    """The job was read before the other change was made."""
    rig = clocked.rig
    job_id = make(clocked, HOURLY)
    before = rig.job_store.get(job_id)
    rig.edits.change(job_id, at(9), {"skip": True})
    assert before is not None and not rig.job_store.replace(before, before)
    rig.jobs.update(job_id, {"name": "another"})
    assert "kind" not in fields(clocked, job_id)
    until(clocked, 9, 1)
    assert told(clocked, job_id) == [("09:00", "skipped", "edited", 1)]


def test_other_jitter_moves_what_keeps_its_own_time(clocked: Clocked) -> None:
    rig = clocked.rig
    job_id = make(clocked, HOURLY)
    rig.edits.change(job_id, at(9), {"bot_config": {}})
    rig.edits.change(job_id, at(10), {"move_to": at(9, 50)})
    rig.jobs.update(job_id, {"options": {"jitter_seconds": 900, "max_concurrent_runs": 9}})
    due: Any = rig.client.zrange(rig.keys.edits_due, 0, -1, withscores=True)
    by_hour = {int(name.split(b"/")[1]) % 86400 // HOUR: int(ms) // 1000 % HOUR for name, ms in due}
    assert 0 < by_hour[9] <= 900 and by_hour[10] == 3000


def test_a_closed_one_runs_where_it_is_moved_and_is_not_set(clocked: Clocked) -> None:
    rig = clocked.rig
    rig.calendars.create({"name": "c", "ranges": [{"from": "2027-01-15", "to": "2027-01-15", "why": "works"}]})
    job_id = make(clocked, HOURLY, calendar="c")
    with pytest.raises(ValidationFailed, match=r"instant is closed \(works\)"):
        rig.edits.change(job_id, at(9), {"bot_config": {}})
    rig.edits.change(job_id, at(9), {"move_to": at(9, 30)})
    assert coming(clocked, job_id) == at(9, 30)
    until(clocked, 10, 1)
    assert told(clocked, job_id) == [("09:00", "queued", None, 1), ("10:00", "skipped", "closed", 1)]


def test_a_changed_calendar_keeps_and_drops_changed_occurrences(clocked: Clocked) -> None:
    """Of a job that moves with it; one with other settings on a day that is closed by now is closed."""
    rig = clocked.rig
    rig.calendars.create({"name": "c", "weekdays_off": []})
    moves = make(clocked, HOURLY, calendar="c", on_closed="next_open")
    stays = make(clocked, HOURLY, calendar="c")
    for job_id in (moves, stays):
        rig.edits.change(job_id, at(9), {"bot_config": {}})
    rig.calendars.update("c", {"ranges": [{"from": "2027-01-15", "to": "2027-01-15", "why": "works"}]})
    changes = CalendarChanges(rig.scripts)
    while changes.step() is not None:
        changes._next_step = 0.0
    assert not rig.client.exists(rig.keys.edits(moves))
    until(clocked, 9, 1)
    assert told(clocked, stays) == [("09:00", "skipped", "closed", 1)]
    assert rig.history(moves) == []


def test_changes_go_with_a_deleted_job_and_come_back_with_it(clocked: Clocked) -> None:
    rig = clocked.rig
    job_id = make(clocked, HOURLY)
    rig.edits.change(job_id, at(9), {"skip": True})
    rig.edits.change(job_id, at(12), {"skip": True})
    rig.jobs.delete(job_id)
    assert not rig.client.exists(rig.keys.edits(job_id), rig.keys.edits_due)
    clocked.pass_time(2 * HOUR)
    clocked.work()
    Deleted(rig.scripts, rig.jobs._clock, {"echo": EchoConfig}).restore(job_id)
    until(clocked, 12, 1)
    assert [one[:3] for one in told(clocked, job_id)] == [
        ("11:00", "queued", None), ("12:00", "skipped", "edited"),
    ]  # fmt: skip
    assert not rig.client.exists(rig.keys.deleted_edits(job_id), rig.keys.edits(job_id))


# the clock, and outside hands


@pytest.mark.parametrize("is_moved", [True, False])
def test_what_a_clock_that_was_ahead_decided_comes_again(clocked: Clocked, is_moved: bool) -> None:
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(10), {"move_to": at(14)} if is_moved else {"skip": True})
    clocked.rig.edits.change(job_id, at(13), {"move_to": at(8, 30)})
    until(clocked, 8, 40)
    clocked.step(8 * HOUR)
    clocked.work()
    clocked.pass_time(4)
    clocked.step(-8 * HOUR)
    clocked.work()
    until(clocked, 15, 1)
    kept = [one for one in told(clocked, job_id) if one[2] != "clock"]
    assert sorted(one[0] for one in kept) == ["09:00", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00"]
    (ten,) = [one for one in kept if one[0] == "10:00"]
    assert ten[1:3] == (("queued", None) if is_moved else ("skipped", "edited"))


def test_a_moved_run_alone_that_came_ahead_comes_again(clocked: Clocked) -> None:
    """The job's own occurrences say nothing of the clock."""
    job_id = make(clocked, {"schedule_type": "daily", "schedule_config": {"hour": 9, "minute": 0}})
    clocked.rig.edits.change(job_id, at(9), {"move_to": at(20)})
    until(clocked, 9, 10)
    clocked.step(12 * HOUR)
    clocked.work()
    assert told(clocked, job_id) == [("09:00", "queued", None, 1)]
    clocked.pass_time(4)
    clocked.step(-12 * HOUR)
    clocked.work()
    assert told(clocked, job_id) == [("09:00", "skipped", "clock", 1)]
    assert clocked.seconds_to_next(job_id) > 20 * HOUR
    assert coming(clocked, job_id) == at(20)
    until(clocked, 20, 1)
    assert told(clocked, job_id) == [("09:00", "skipped", "clock", 1), ("09:00", "queued", None, 1)]


def test_the_end_of_a_job_that_came_ahead_is_no_end(clocked: Clocked) -> None:
    """Its last run was moved, and comes again; the job is neither ended nor deleted."""
    job_id = make(clocked, {"schedule_type": "once", "schedule_config": {"at": at(9)}}, delete_after_seconds=3600)
    clocked.rig.edits.change(job_id, at(9), {"move_to": at(20)})
    until(clocked, 9, 10)
    clocked.step(12 * HOUR)
    clocked.work()
    assert clocked.rig.jobs.get(job_id).data["state"] == "ended"
    clocked.pass_time(4)
    clocked.step(-12 * HOUR)
    clocked.work()
    assert clocked.rig.jobs.get(job_id).data["state"] == "scheduled" and coming(clocked, job_id) == at(20)
    assert not clocked.client.exists(clocked.rig.keys.ended_jobs)
    until(clocked, 20, 1)
    assert told(clocked, job_id) == [("09:00", "skipped", "clock", 1), ("09:00", "queued", None, 1)]


def test_health_knows_when_a_moved_one_is_due(clocked: Clocked) -> None:
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(10), {"move_to": at(8, 30)})
    assert read(clocked.rig.scripts).next_due == clocked.now + 1800 * 1000


def test_it_is_run_again_with_its_settings(clocked: Clocked) -> None:
    """Those that only this occurrence had, for the same instant."""
    job_id, rig = make(clocked, HOURLY), clocked.rig
    rig.edits.change(job_id, at(9), {"bot_config": {"dry_run": True}})
    until(clocked, 9, 1)
    (run_id,) = rig.queue()
    rig.runs.finish(run_id, rig.start(run_id), Outcome("success"))
    first, run = rig.runs.get(run_id), rig.runs.get(rig.use.again(job_id, run_id))
    assert first is not None and run is not None
    assert (orjson.loads(run["overlay"]), run["rehearsal"]) == ({"dry_run": True}, "1")
    assert run["scheduled_for"] == first["scheduled_for"]


def test_a_lost_index_is_read_back(clocked: Clocked) -> None:
    rig = clocked.rig
    job_id = make(clocked, HOURLY)
    rig.edits.change(job_id, at(9), {"skip": True})
    rig.client.delete(rig.keys.edits_due)
    assert DueIndex(rig.scripts, lambda _: None, lambda _: None).restore([job_id]) == 1
    rig.client.zadd(rig.keys.edits_due, {"no-job/5": 1, f"{job_id}/7": 1, "nonsense": 1})
    until(clocked, 9, 1)
    assert told(clocked, job_id) == [("09:00", "skipped", "edited", 1)]
    assert not rig.client.exists(rig.keys.edits_due)


def test_a_damaged_one_stops_no_other(clocked: Clocked) -> None:
    rig = clocked.rig
    damaged, wrong, job_id = (make(clocked, HOURLY) for _ in range(3))
    for one in (damaged, wrong, job_id):
        rig.edits.change(one, at(9), {"move_to": at(8, 30)})
    (instant,) = rig.client.hkeys(rig.keys.edits(damaged))
    rig.client.hset(rig.keys.edits(damaged), instant, '{"due":1,')
    rig.client.delete(rig.keys.history(wrong))
    rig.client.set(rig.keys.history(wrong), "?")
    until(clocked, 8, 31)
    assert told(clocked, job_id) == [("09:00", "queued", None, 1)]
    rig.client.delete(rig.keys.history(wrong))
    until(clocked, 8, 40)
    assert told(clocked, wrong) == [("09:00", "queued", None, 1)]


# refusals


@pytest.mark.parametrize(
    ("instant", "body", "message"),
    [
        (at(9, 30), {"skip": True}, f"must be an occurrence.* the nearest to come: {at(9)} and {at(10)}"),
        (at(8, 30), {"skip": True}, f"the nearest to come: {at(9)} "),
        (at(8), {"skip": True}, "must be an occurrence that is still to come"),
        ("2029-03-01T00:00:01", {"skip": True}, "2029-03-01T00:00:00 and 2029-03-01T01:00:00"),
        ("soon", {"skip": True}, "instant must be a timestamp"),
        (at(9), {"skip": False}, "skip must be true"),
        (at(9), {}, 'must have one of "skip"'),
        (at(9), {"skip": True, "move_to": at(10)}, "must have one of"),
        (at(9), {"skip": True, "why": "x"}, "why is not known"),
        (at(9), {"skip": True, "reason": "x" * 201}, "reason must be a line of 1 to 200"),
        (at(9), {"move_to": at(8)}, "must be after"),
        (at(9), {"move_to": "2028-01-17T08:00:00Z"}, "at most 366 days ahead"),
        (at(9), {"move_to": "tomorrow"}, "must be a local time such as"),
        (at(9), {"bot_config": {"nonsense": 1}}, "bot_config.nonsense"),
        (at(9), [], "must be a JSON object"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_and_changes_nothing(clocked: Clocked, instant: str, body: Any, message: str) -> None:
    job_id = make(clocked, HOURLY)
    before = fields(clocked, job_id)
    with pytest.raises(ValidationFailed, match=message):
        clocked.rig.edits.change(job_id, instant, body)
    assert fields(clocked, job_id) == before and not clocked.client.exists(clocked.rig.keys.edits(job_id))


def test_a_local_time_is_the_jobs_own_with_its_clock_changes(clocked: Clocked) -> None:
    job_id = make(clocked, {"schedule_type": "daily", "schedule_config": {
        "hour": 9, "minute": 0, "timezone": "Europe/Berlin"}})  # fmt: skip
    moved = [
        clocked.rig.edits.change(job_id, "2027-01-16T08:00:00Z", {"move_to": to})["moved_to"]
        for to in ("2027-03-28T02:30", "2027-10-31T02:30", "2027-02-01T12:00:00+05:00")
    ]
    assert moved == ["2027-03-28T01:00:00", "2027-10-31T00:30:00", "2027-02-01T07:00:00"]


def test_a_scheduler_that_would_run_it_all_the_same_lets_nobody_change_one(clocked: Clocked) -> None:
    """One of an older release beats, and knows no changes."""
    job_id, rig = make(clocked, HOURLY), clocked.rig
    rig.client.zadd(rig.keys.schedulers, {"old": time.time() * 1000})
    rig.client.hset(rig.keys.scheduler_versions, "old", 4)
    with pytest.raises(StoreUnavailable, match="old is of an older release and does not know changed occurrences"):
        rig.edits.change(job_id, at(10), {"skip": True})
    rig.client.hset(rig.keys.scheduler_versions, "old", 5)
    rig.edits.change(job_id, at(10), {"skip": True})


def test_a_change_can_be_bound_to_a_revision_and_there_are_500_at_most(clocked: Clocked) -> None:
    rig = clocked.rig
    job_id = make(clocked, EACH_HOUR)
    with pytest.raises(PreconditionFailed):
        rig.edits.change(job_id, at(9), {"skip": True}, [2])
    rig.edits.change(job_id, at(9), {"skip": True}, [1])
    assert rig.jobs.get(job_id).data["revision"] == 1
    first = int(rig.client.hkeys(rig.keys.edits(job_id))[0])
    text: Any = rig.client.hget(rig.keys.edits(job_id), str(first))
    rig.client.hset(rig.keys.edits(job_id), mapping={first + n * HOUR: text for n in range(1, 500)})
    with pytest.raises(Conflict, match="500 changed occurrences"):
        rig.edits.change(job_id, f"2027-02-06T{5:02}:00:00", {"skip": True})
    rig.edits.change(job_id, at(9), {"move_to": at(9, 1)})
    with pytest.raises(PreconditionFailed):
        rig.edits.take_back(job_id, at(9), [7])


def test_each_change_is_audited_with_what_it_changes(clocked: Clocked, ada: None) -> None:
    rig = clocked.rig
    job_id = make(clocked, HOURLY)
    rig.edits.change(job_id, at(9), {"skip": True, "reason": "why"})
    rig.edits.change(job_id, at(9), {"move_to": at(9, 30)})
    rig.edits.take_back(job_id, at(9))
    rows: Any = rig.client.xrange(rig.keys.audit)
    entries = [orjson.loads(row[b"entry"]) for _, row in rows][-3:]
    assert [(one["action"], one["object"], one["job_id"]) for one in entries] == [
        (f"occurrence.{verb}", at(9), job_id) for verb in ("skip", "move", "restore")
    ]
    assert entries[0]["fields"] == {"skip": [None, True], "reason": [None, "why"]}
    assert entries[1]["fields"] == {"skip": [True, None], "reason": ["why", None], "move_to": [None, at(9, 30)]}
    assert entries[2]["fields"] == {"move_to": [at(9, 30), None]}


def test_a_due_job_reads_its_changed_occurrences_in_one_step(clocked: Clocked) -> None:
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(9), {"skip": True})
    clocked.pass_time(HOUR)
    _, (entry,) = read_due(clocked.rig.scripts, 10, 0)
    job = entry.read()
    assert not job.shares_its_plan and [at % 86400 // HOUR for at in job.edits.instants] == [9]
    assert isinstance(clocked.rig.edits, OccurrenceEdits)
