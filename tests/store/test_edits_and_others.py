"""Changed occurrences among pauses, overlaps, accounts, backfills and the windows of runs, on a real server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.scheduler.pauses import PauseEnds
from service.store.calendars.calendar_store import CalendarStore
from service.store.jobs.epochs import note_planning
from service.store.runs.past_runs import PastRuns
from service.usecases.fates.explaining import Explanations
from service.usecases.fates.occurrences import Occurrences
from service.usecases.pauses import Pauses
from service.worker.facts.run_facts import RunFacts
from tests.store.test_clock_steps import Clocked
from tests.store.test_clock_steps import clocked as clocked
from tests.store.test_edits import HOURLY, KINDS, at, make, told, until

ANY_PAUSE = {"scope": "all", "reason": "maintenance"}
CHANGES = pytest.mark.parametrize(
    ("wish", "due"), [({"move_to": at(9, 30) + "Z"}, "moved"), ({"bot_config": {"dry_run": True}}, "set")],
    ids=["moved", "set"],
)  # fmt: skip


def pause(clocked: Clocked, on_resume: str, **more: Any) -> str:
    made = Pauses(clocked.rig.scripts, ("echo",)).create({**ANY_PAUSE, "on_resume": on_resume, **more})
    return str(made["id"])


def resume(clocked: Clocked, pause_id: str) -> None:
    Pauses(clocked.rig.scripts, ("echo",)).end(pause_id)
    ends = PauseEnds(clocked.rig.scripts)
    while ends.step() == 0.0:
        pass


def page(clocked: Clocked, job_id: str, since: str = at(8), until: str = at(20)) -> dict[str, Any]:
    return Occurrences(clocked.rig.scripts).page(job_id, since=since, until=until, limit=100)


def all_accounted_for(clocked: Clocked, job_id: str) -> dict[str, dict[str, Any]]:
    """The fates by their instants; nothing is lost, doubled or a stray."""
    found = page(clocked, job_id)
    assert (found["unaccounted"], found["doubled"], found["strays"]) == (0, 0, 0), found
    return {one["at"]: one for one in found["items"]}


@CHANGES
def test_a_pause_skips_a_changed_occurrence_like_any_other(clocked: Clocked, wish: dict[str, Any], due: str) -> None:
    """It counts when it is due, so where it was moved."""
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(10), wish)
    pause(clocked, "skip")
    until(clocked, 10, 10)
    statuses = {run[0]: run[1:3] for run in told(clocked, job_id)}
    assert statuses["10:00"] == ("skipped", "paused")
    (run,) = [one for one in clocked.rig.history(job_id) if one["scheduled_for"] == at(10)]
    assert run["pause"]["reason"] == "maintenance" and run["edit"]["action"] == ("move" if due == "moved" else "set")
    assert all_accounted_for(clocked, job_id)[at(10)]["fate"] == "paused"


@CHANGES
def test_a_pause_holds_a_changed_occurrence_and_lets_it_in(clocked: Clocked, wish: dict[str, Any], due: str) -> None:
    """With its settings; in the order in which they were due."""
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(10), wish)
    pause_id = pause(clocked, "all")
    until(clocked, 10, 10)
    held = clocked.client.lrange(clocked.rig.keys.on_hold(job_id), 0, -1)
    runs = {run["id"]: run for run in clocked.rig.history(job_id)}
    order = ["09:00", "10:00"]
    assert [runs[one.decode()]["scheduled_for"][11:16] for one in held] == order  # type: ignore[union-attr]
    assert all(run["held_by"] == pause_id for run in runs.values())
    assert all_accounted_for(clocked, job_id)[at(10)]["fate"] == "paused"
    resume(clocked, pause_id)
    assert clocked.client.llen(clocked.rig.keys.on_hold(job_id)) == 0
    assert [runs[one]["scheduled_for"][11:16] for one in clocked.rig.queue()] == order
    (run,) = [one for one in clocked.rig.history(job_id) if one["scheduled_for"] == at(10)]
    assert run["rehearsal"] is (due == "set") and "held_by" not in run
    assert clocked.rig.counts(job_id) == (2, 2)


def test_the_latest_that_a_pause_keeps_may_be_a_changed_one(clocked: Clocked) -> None:
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(10), {"move_to": at(9, 30) + "Z"})
    pause(clocked, "latest")
    until(clocked, 9, 40)
    assert told(clocked, job_id) == [("09:00", "skipped", "coalesced", 1), ("10:00", "queued", None, 1)]


def test_a_moved_one_lets_in_what_a_pause_that_is_over_held(clocked: Clocked) -> None:
    """Those that were held go first."""
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(11), {"move_to": at(9, 30) + "Z"})
    pause(clocked, "all", until=at(9, 20))
    until(clocked, 9, 10)
    clocked.pass_time(20 * 60)
    until(clocked, 9, 40)
    runs = {run["id"]: run["scheduled_for"][11:16] for run in clocked.rig.history(job_id)}
    assert [runs[one] for one in clocked.rig.queue()] == ["09:00", "11:00"]


def test_one_that_is_to_be_skipped_is_skipped_by_whom_it_was_though_a_pause_holds(clocked: Clocked) -> None:
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(9), {"skip": True})
    pause(clocked, "all")
    until(clocked, 9, 10)
    assert told(clocked, job_id) == [("09:00", "skipped", "edited", 1)]


@pytest.mark.parametrize(
    ("overlap", "fates"),
    [
        ("queue", ["queued", "queued", "queued"]), ("latest", ["queued", "skipped", "queued"]),
        ("replace", ["cancelled", "cancelled", "queued"]), ("skip", ["queued", "skipped", "queued"]),
    ],
)  # fmt: skip
def test_a_moved_one_settles_with_earlier_runs_by_its_jobs_overlap(
    clocked: Clocked, overlap: str, fates: list[str]
) -> None:
    """With `skip` it waits: both are to run."""
    job_id = clocked.rig.make_job(**HOURLY, options={"overlap": overlap})
    clocked.rig.edits.change(job_id, at(13), {"move_to": at(10, 30) + "Z"})
    until(clocked, 10, 40)
    assert [run[0] for run in told(clocked, job_id)] == ["09:00", "10:00", "13:00"]
    assert [run[1] for run in told(clocked, job_id)] == fates


@KINDS
def test_each_changed_occurrence_is_accounted_for_at_every_moment(clocked: Clocked, schedule: dict[str, Any]) -> None:
    """Pending, decided before, at and after its own time, and taken back."""
    note_planning(clocked.rig.scripts)
    job_id = make(clocked, schedule)
    edits = clocked.rig.edits
    edits.change(job_id, at(9), {"skip": True, "reason": "a holiday"})
    edits.change(job_id, at(10), {"move_to": at(13, 30) + "Z"})
    edits.change(job_id, at(12), {"move_to": at(8, 30) + "Z"})
    edits.change(job_id, at(11), {"bot_config": {"dry_run": True}})
    edits.change(job_id, at(14), {"skip": True})
    before = all_accounted_for(clocked, job_id)
    assert {one: before[at(one)]["fate"] for one in (9, 10, 11, 12, 13, 14)} == {
        9: "skipped", 10: "moved", 11: "coming", 12: "moved", 13: "coming", 14: "skipped",
    }  # fmt: skip
    assert before[at(9)]["reason"] == "edited" and before[at(9)]["edit"]["reason"] == "a holiday"
    assert before[at(10)]["moved_to"] == at(13, 30) and before[at(11)]["edit"]["action"] == "set"
    for hour in range(9, 17):
        until(clocked, hour, 20)
        all_accounted_for(clocked, job_id)
        if hour == 12:
            edits.take_back(job_id, at(14))
    after = all_accounted_for(clocked, job_id)
    assert {one: after[at(one)]["fate"] for one in range(9, 15)} == {
        9: "skipped", 10: "moved", 11: "ran", 12: "moved", 13: "ran", 14: "ran",
    }  # fmt: skip
    assert "run_id" in after[at(10)] and "edit" not in after[at(14)]


def test_folded_entries_leave_room_for_a_change_among_them(clocked: Clocked) -> None:
    """Also while it is still to come."""
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(10), {"move_to": at(15) + "Z"})
    clocked.pass_time(5 * 3600)
    clocked.work()
    fates = all_accounted_for(clocked, job_id)
    assert fates[at(10)]["fate"] == "moved" and fates[at(11)]["reason"] == "coalesced"
    until(clocked, 15, 10)
    assert all_accounted_for(clocked, job_id)[at(10)]["fate"] == "moved"


def test_changes_that_another_schedule_leaves_behind_are_accounted_for(clocked: Clocked) -> None:
    """One that ran ahead of its own time, which the new schedule does not have; one that only awaits its run."""
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(12), {"move_to": at(8, 30) + "Z"})
    clocked.rig.edits.change(job_id, at(9), {"move_to": at(14) + "Z"})
    until(clocked, 9, 30)
    clocked.rig.jobs.update(job_id, {"schedule_config": {"cron_expression": "45 * * * *"}})
    until(clocked, 14, 50)
    fates = all_accounted_for(clocked, job_id)
    assert fates[at(9)]["fate"] == "moved" and at(12) not in fates


def test_one_that_was_moved_past_its_time_is_recorded_though_its_job_is_off(clocked: Clocked) -> None:
    """The instant was named; one whose own time is to come is not named by a job that is off."""
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(9), {"move_to": at(12) + "Z"})
    clocked.rig.edits.change(job_id, at(11), {"skip": True})
    until(clocked, 10, 30)
    clocked.rig.jobs.toggle(job_id, {"enabled": False})
    until(clocked, 13)
    assert told(clocked, job_id) == [("10:00", "queued", None, 1), ("09:00", "skipped", "disabled", 1)]
    fates = all_accounted_for(clocked, job_id)
    assert fates[at(9)]["fate"] == "skipped" and at(11) not in fates
    assert not clocked.client.exists(clocked.rig.keys.edits_due)


def test_one_that_nobody_decides_is_overdue(clocked: Clocked) -> None:
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(9), {"move_to": at(10, 30) + "Z"})
    until(clocked, 10, 10)
    clocked.pass_time(30 * 60)
    found = page(clocked, job_id)
    assert found["unaccounted"] == 1 and found["items"][0]["fate"] == "overdue"


@pytest.mark.parametrize("on_resume", ["skip", "latest", "all"])
def test_what_a_pause_covers_to_come_is_told_and_comes_so(clocked: Clocked, ada: None, on_resume: str) -> None:
    """Changed or not; where a moved one is due counts, and what is skipped or beyond the pause does not count."""
    job_id, other = make(clocked, HOURLY), make(clocked, HOURLY)
    change, explain = clocked.rig.edits.change, Explanations(Occurrences(clocked.rig.scripts)).explain
    change(job_id, at(9), {"move_to": at(14, 30) + "Z"})
    change(job_id, at(10), {"skip": True})
    change(job_id, at(11), {"bot_config": {"dry_run": True}})
    change(job_id, at(15), {"move_to": at(11, 30) + "Z"})
    pause(clocked, on_resume, scope={"job_id": job_id}, until=at(13))
    told_before = {instant: one["fate"] for instant, one in all_accounted_for(clocked, job_id).items()}
    told_before.pop(at(8), None)
    assert told_before == {
        at(9): "moved", at(10): "skipped", at(11): "paused", at(12): "paused",
        at(13): "coming", at(14): "coming", at(15): "paused", **{at(hour): "coming" for hour in range(16, 20)},
    }  # fmt: skip
    twelve = all_accounted_for(clocked, job_id)[at(12)]
    assert (twelve["reason"], twelve["by"]["name"]) == ("paused", "Ada's key")
    assert (twelve["pause"]["reason"], twelve["pause"]["on_resume"]) == ("maintenance", on_resume)
    pause_until = "pause by Ada's key until 2027-01-15 13:00"
    will = {"skip": f"it will not run. A {pause_until} covers it (maintenance)."}
    assert (
        will.get(on_resume, f"its run will be held by a {pause_until} (maintenance).")
        in (explain(job_id, at(12))["sentence"])
    )
    assert {one["fate"] for one in page(clocked, other)["items"]} == {"coming"}
    until(clocked, 12, 50)
    told_within = {instant: one["fate"] for instant, one in all_accounted_for(clocked, job_id).items()}
    assert {instant: told_within[instant] for instant in told_before} == told_before
    pause(clocked, "skip", scope={"job_id": job_id})
    fates = {instant: one["fate"] for instant, one in all_accounted_for(clocked, job_id).items()}
    assert {fates[at(hour)] for hour in (9, 13, 14, 16, 19)} == {"paused"}, "one without an end covers all to come"


def test_an_explanation_says_who_changed_what_and_why(clocked: Clocked, ada: None) -> None:
    job_id = make(clocked, HOURLY)
    explain = Explanations(Occurrences(clocked.rig.scripts)).explain
    clocked.rig.edits.change(job_id, at(9), {"skip": True, "reason": "a holiday"})
    clocked.rig.edits.change(job_id, at(10), {"move_to": at(11, 30) + "Z", "reason": "a visit"})
    clocked.rig.edits.change(job_id, at(12), {"bot_config": {"dry_run": True}})
    assert "will not run. It is skipped by Ada's key (a holiday)." in explain(job_id, at(9))["sentence"]
    assert "it was moved to 2027-01-15 11:30 by Ada's key (a visit)." in explain(job_id, at(10))["sentence"]
    assert "Settings of its own by Ada's key." in explain(job_id, at(12))["sentence"]
    until(clocked, 12, 10)
    assert "did not run. It was skipped by Ada's key (a holiday)." in explain(job_id, at(9))["sentence"]
    assert "(a visit). There, its run is queued" in explain(job_id, at(10))["sentence"]
    assert "Settings of its own" in explain(job_id, at(12))["sentence"]


def test_windows_are_those_of_the_schedule_though_occurrences_are_moved(clocked: Clocked) -> None:
    """Also again, once all are decided."""
    job_id = make(clocked, HOURLY)
    clocked.rig.edits.change(job_id, at(10), {"move_to": at(13, 30) + "Z"})
    clocked.rig.edits.change(job_id, at(12), {"move_to": at(9, 30) + "Z"})
    claims: dict[str, Any] = {}

    def window(claim: Any) -> Any:
        facts = RunFacts(claim, claim.record, ZoneInfo("UTC"), PastRuns(clocked.rig.scripts),
                         CalendarStore(clocked.rig.scripts), lambda: claim.run_id)  # fmt: skip
        return facts.window.start

    def work_off() -> None:
        for run_id in clocked.rig.queue():
            claim = clocked.rig.runs.claim(run_id, "token", "w", 30_000)
            clocked.client.lrem(clocked.rig.keys.rq_queue, 0, run_id)
            assert claim is not None
            claims[claim.run["scheduled_for"]] = claim
            hour = datetime.fromtimestamp(int(claim.run["scheduled_for"]), UTC).hour
            start = window(claim)
            assert (None if start is None else start.hour) == (None if hour == 9 else hour - 1), hour

    for minute in range(8 * 60 + 10, 14 * 60 + 20, 10):
        until(clocked, *divmod(minute, 60))
        work_off()
    assert sorted(datetime.fromtimestamp(int(one), UTC).hour for one in claims) == [9, 10, 11, 12, 13, 14]
    for instant, claim in claims.items():
        hour = datetime.fromtimestamp(int(instant), UTC).hour
        assert hour == 9 or window(claim).hour == hour - 1
