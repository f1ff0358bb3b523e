"""Events of feeds: one for each occurrence, the same before and after it ran, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from service.domain.foresight import feed_events
from service.domain.foresight.feed_events import FeedJob, coming_events, past_events
from service.domain.foresight.occurrence_changes import Course
from service.domain.options import Options
from service.domain.schedules import next_occurrence
from service.domain.schedules.definition import parse_schedule

NOW = 1_800_000_000
DAY = 86_400
RUN: dict[str, Any] = {
    "id": "run-1", "job_id": "a", "scheduled_for": "2027-01-15T08:00:00", "queued_at": "2027-01-15T08:00:00",
    "started_at": "2027-01-15T08:00:01", "finished_at": "2027-01-15T08:00:05", "status": "success",
    "trigger": "schedule", "rehearsal": False, "reason": None, "occurrences": 1, "error": "of a person",
    "result": {"who": "a person"},
}  # fmt: skip
"""NOW is 2027-01-15T08:00:00."""


def job(job_id: str, kind: str, **config: Any) -> FeedJob:
    """A job planned now."""
    schedule, options = parse_schedule(kind, config), Options()
    first = next_occurrence(schedule, options, NOW, NOW)
    assert first is not None
    return FeedJob(job_id, f"Job {job_id}", Course(schedule, options, NOW, first), NOW - 5)


def minutely(count: int) -> Iterator[FeedJob]:
    """Jobs that are due each minute."""
    return (job(f"{number:04}", "interval", minutes=1) for number in range(count))


def test_the_soonest_of_all_jobs_come_in_order() -> None:
    """Until the last day, and with the same UID at each look."""
    far = job("far", "cron", cron_expression="0 0 1 7 *")
    jobs = [job("a", "interval", hours=6), job("b", "daily", hour=9, minute=0), far]
    found = coming_events(jobs, NOW, NOW + DAY)
    assert [(event.start - NOW, event.summary) for event in found.events] == [
        (3600, "Job b"), (21_600, "Job a"), (43_200, "Job a"), (64_800, "Job a"), (86_400, "Job a"),
    ]  # fmt: skip
    assert (found.is_whole, found.crowded) == (True, 0)
    again = coming_events(reversed(jobs), NOW + 7200, NOW + DAY)
    assert again.events == found.events[1:]


def test_a_frequent_job_leaves_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first occurrences are shown, and that it has more is told; exactly as many is not more."""
    monkeypatch.setattr(feed_events, "OF_ONE_JOB", 24)
    found = coming_events([*minutely(1), job("b", "interval", hours=1)], NOW, NOW + DAY)
    assert [event.summary for event in found.events].count("Job b") == 24
    assert (len(found.events), found.is_whole, found.crowded) == (48, True, 1)


def test_a_feed_is_cut_at_its_soonest_occurrences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly as many as fit are whole."""
    monkeypatch.setattr(feed_events, "COMING", 10)
    assert coming_events(minutely(2), NOW, NOW + 300).is_whole
    found = coming_events(minutely(3), NOW, NOW + 300)
    assert (found.is_whole, len(found.events)) == (False, 10)
    assert {event.start for event in found.events} == {NOW + 60, NOW + 120, NOW + 180, NOW + 240}


def test_a_feed_is_cut_at_the_jobs_that_are_due_soonest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever their order."""
    monkeypatch.setattr(feed_events, "JOBS", 2)
    jobs = [job("c", "interval", hours=3), job("a", "interval", hours=1), job("b", "interval", hours=2)]
    found = coming_events(jobs, NOW, NOW + 3 * 3600)
    assert not found.is_whole
    assert {event.summary for event in found.events} == {"Job a", "Job b"}


def test_a_run_takes_the_place_of_its_occurrence() -> None:
    """By its UID; what it wrote stays out, since it may be about persons."""
    course = job("a", "interval", hours=1).course
    before = FeedJob("a", "Job a", Course(course.schedule, course.options, NOW - 3600, NOW), NOW)
    (expected,) = coming_events([before], NOW - 1, NOW + 1).events
    (event,) = past_events([RUN], {"a": "Job a"})
    assert (event.uid, event.start) == (expected.uid, expected.start)
    assert (event.summary, event.status, event.end, event.changed_at) == (
        "Job a: success",
        "CONFIRMED",
        NOW + 5,
        NOW + 5,
    )
    assert "person" not in repr(event)


@pytest.mark.parametrize(
    ("changes", "summary", "status", "start", "told"),
    [
        ({"status": "failed"}, "Job a: failed", "CONFIRMED", NOW, "Started at 2027-01-15T08:00:01 UTC. Ended at"),
        ({"status": "skipped", "reason": "misfire", "occurrences": 7, "started_at": None, "finished_at": None},
         "Job a: skipped", "CANCELLED", NOW, "Reason: misfire. Stands for 7 occurrences."),
        ({"status": "skipped", "reason": "nothing new"}, "Job a: skipped", "CONFIRMED", NOW,
         "Skipped: nothing new. Started at"),
        ({"status": "running", "finished_at": None}, "Job a: running", "CONFIRMED", NOW, "Started at"),
        ({"trigger": "manual", "scheduled_for": None}, "Job a: success", "CONFIRMED", NOW + 1, "Trigger: manual."),
        ({"trigger": "manual", "scheduled_for": None, "status": "queued", "started_at": None, "finished_at": None},
         "Job a: queued", "CONFIRMED", NOW, "Trigger: manual."),
    ],
)  # fmt: skip
def test_the_outcome_is_told(changes: dict[str, Any], summary: str, status: str, start: int, told: str) -> None:
    """In the title, and as a state that calendars know."""
    (event,) = past_events([{**RUN, **changes}], {"a": "Job a"})
    assert (event.summary, event.status, event.start) == (summary, status, start)
    assert told in event.description


def test_one_occurrence_is_one_event() -> None:
    """A retry's outcome is the last one; rehearsals and runs of deleted jobs stay out; runs by hand are their own."""
    retry = {**RUN, "id": "run-2", "trigger": "retry"}
    failed, by_hand = {**RUN, "status": "failed"}, {**RUN, "id": "run-3", "scheduled_for": None}
    found = past_events(
        [by_hand, retry, failed, {**RUN, "id": "run-4", "rehearsal": True}, {**RUN, "job_id": "gone"}], {"a": "Job a"}
    )
    assert [event.uid for event in found] == ["run-3@bot-scheduler", f"a-{NOW}@bot-scheduler"]
    assert found[1].summary == "Job a: success"
