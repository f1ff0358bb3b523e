"""What pages are made of: plots, the timeline, forms' fields, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from service.domain.pauses.pause import Pause
from service.domain.pauses.scope import parse_scope
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.usecases.foresight.timelines import Comes
from service.web.console.form_fields import fields_of
from service.web.console.formatting import duration, summary
from service.web.console.history.job_zone import JobZone
from service.web.console.history.repairs import repairs
from service.web.console.job_schedule import describe
from service.web.console.plots import HEIGHT, LEFT, WIDTH, plot
from service.web.console.run_page import parts_of
from service.web.console.timeline import CELL, DAY, LANES, Timeline, timeline, x_of

NOW = 1_763_900_000
UTC = JobZone({"schedule_type": None, "schedule_config": None})
IDS = count()
STATUSES = ["success", "failed", "running", "queued", "cancelled", "skipped"]


def job(job_id: str, kind: str = "daily", config: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A job as the API answers it; next due in a minute."""
    return {
        "id": job_id, "name": job_id, "bot_type": "visitor", "schedule_type": kind,
        "schedule_config": config or {"hour": 8, "minute": 0},
        "options": {}, "next_run_at": format_timestamp(NOW + 60), **more,
    }  # fmt: skip


def soon(job_ids: Sequence[str], until: int, apart: int) -> dict[str, list[Comes]]:
    """Each of the first three jobs is due in a minute, and twice in the next half hour."""
    assert (until, apart) == (NOW + DAY, CELL) and len(job_ids) <= LANES
    coming = [Comes(at, at) for at in (NOW + 60, NOW + apart + 60)]
    return {f"job {number}": coming for number in range(3) if f"job {number}" in job_ids}


def run(job_id: str, at: int, status: str = "success", **more: Any) -> dict[str, Any]:
    """A run that started then."""
    return {
        "id": str(next(IDS)), "job_id": job_id, "status": status, "rehearsal": False, "again_of": None,
        "retry_of": None, "started_at": format_timestamp(at), "scheduled_for": None,
        "queued_at": format_timestamp(at), "occurrences": 1, "duration_ms": 5, "lateness_ms": 1, **more,
    }  # fmt: skip


def drawing(
    now: int, jobs: Sequence[dict[str, Any]], runs: Sequence[dict[str, Any]], upcoming: Any, paused: Any
) -> Timeline:
    """The timeline of these jobs, which are due when they say."""
    known = {job["id"]: job for job in jobs}
    due = {job["id"]: parse_timestamp(job["next_run_at"], "at") * 1000 for job in jobs if job["next_run_at"]}
    read = lambda ids: {job_id: known[job_id] for job_id in ids if job_id in known}  # noqa: E731
    return timeline(now, due, runs, read, upcoming, lambda _: paused)


@given(values=st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from(STATUSES)), min_size=1, max_size=100))
def test_every_bar_lies_within_its_plot_and_the_highest_below_the_highest_line(values: list[tuple[int, str]]) -> None:
    """Whatever the durations are, from nothing to days; the oldest run is the leftmost."""
    runs = [run("x", NOW + 60 * i, status, duration_ms=value) for i, (value, status) in enumerate(values)]
    drawn = plot("Duration", "duration_ms", runs[::-1], UTC)
    assert drawn is not None
    assert [bar.status for bar in drawn.bars] == [status for _, status in values]
    assert all(bar.x >= LEFT and bar.x + bar.width <= WIDTH + 0.1 for bar in drawn.bars)
    assert all(bar.y > 0 and bar.y + bar.height <= HEIGHT for bar in drawn.bars)
    assert min(y for y, _ in drawn.lines) <= min(bar.y for bar in drawn.bars) + 1.5
    assert 2 <= len(drawn.lines) <= 6
    assert [bar.x for bar in drawn.bars] == sorted(bar.x for bar in drawn.bars)


def test_a_plot_of_nothing_is_none_and_runs_without_the_measure_are_left_out() -> None:
    """A skipped run has no duration, a waiting one no lateness."""
    assert plot("Duration", "duration_ms", [], UTC) is None
    assert plot("Duration", "duration_ms", [run("x", NOW, duration_ms=None)], UTC) is None
    drawn = plot("Duration", "duration_ms", [run("x", NOW, duration_ms=None), run("x", NOW)], UTC)
    assert drawn is not None and len(drawn.bars) == 1


def test_a_plot_writes_its_times_in_the_jobs_zone() -> None:
    """As the history below it does."""
    vienna = JobZone(job("x", "daily", {"hour": 8, "minute": 0, "timezone": "Europe/Vienna"}))
    drawn = plot("Duration", "duration_ms", [run("x", NOW)], vienna)
    assert drawn is not None
    assert drawn.first == drawn.last == "Sun 2025-11-23 13:13:20 +01:00"
    assert drawn.bars[0].tooltip.startswith("Sun 2025-11-23 13:13:20 +01:00: ")


@given(
    runs=st.lists(st.tuples(st.integers(0, 20), st.integers(-DAY - 4000, 0), st.sampled_from(STATUSES)), max_size=60)
)
@example(runs=[(0, 0, "success"), (0, -DAY - 1, "failed"), (1, 0, "failed")])  # its failure is too old to be drawn
def test_the_timeline_puts_the_past_left_of_now_and_failing_jobs_on_top(runs: list[tuple[int, int, str]]) -> None:
    """No more lanes than there is room for; the others are counted; what is older than a day is not drawn."""
    past = [run(f"job {number}", NOW + at, status) for number, at, status in runs]
    drawn = drawing(NOW, [job(f"job {number}") for number in range(3)], past, soon, {})
    assert len(drawn.lanes) <= LANES
    shown = {f"job {number}" for number, at, _ in runs if at >= -DAY} | {f"job {number}" for number in range(3)}
    assert len(drawn.lanes) + drawn.left_out == len(shown)
    fails = [any(mark.status == "failed" for mark in lane.marks) for lane in drawn.lanes]
    assert fails == sorted(fails, reverse=True)
    for lane in drawn.lanes:
        for mark in lane.marks:
            assert x_of(NOW, NOW - DAY) <= mark.x <= x_of(NOW, NOW + DAY)
            assert (mark.x > drawn.now_x) == (mark.status == "upcoming")


def test_lanes_show_all_runs_of_their_jobs_where_only_the_newest_were_read() -> None:
    """Also of a job whose failure is older than these."""
    every = {"old": [run("old", NOW - DAY + 4000, "failed")], "new": [run("new", NOW - n * 7200) for n in range(9)]}
    known = {job_id: job(job_id) for job_id in every}
    read = lambda ids: {job_id: known[job_id] for job_id in ids}  # noqa: E731
    all_of = lambda ids: [one for job_id in ids for one in every[job_id]]  # noqa: E731
    drawn = timeline(NOW, {}, every["new"][:2], read, soon, lambda _: {}, ["old"], all_of)
    assert [(lane.job_id, lane.past) for lane in drawn.lanes] == [("old", "1 failed"), ("new", "9 success")]
    assert drawn.counts == {"failed": 1, "success": 9}


def test_a_mark_stands_for_the_worst_of_its_half_hour_and_tells_all() -> None:
    """Ten successes do not hide one failure; folded skips are counted as the occurrences that they are."""
    at = NOW - 5 * CELL
    many = [run("x", at), run("x", at), run("x", at, "failed"), run("x", at, "skipped", occurrences=40)]
    many[-1]["last_scheduled_for"] = format_timestamp(at + 390)
    drawn = drawing(NOW, [], many, soon, {})
    (mark,) = drawn.lanes[0].marks
    assert mark.status == "failed"
    assert ": 1 failed, 40 skipped, 2 success. " in mark.tooltip
    clock, last = format_timestamp(at)[11:], format_timestamp(at + 390)[11:]
    assert mark.tooltip.endswith(
        f"{clock} failed; {clock} to {last} skipped, 40 occurrences; {clock} success; {clock} success (UTC)"
    )
    assert drawn.counts == {"failed": 1, "skipped": 40, "success": 2}, "the legend counts what the marks stand for"


def test_a_mark_of_many_runs_tells_the_first_ones_and_counts_the_others() -> None:
    (lane,) = drawing(NOW, [], [run("x", NOW - 5 * CELL) for _ in range(9)], soon, {}).lanes
    assert lane.marks[0].tooltip.endswith("; and 4 more runs (UTC)")
    assert lane.past == "9 success"


def test_a_failure_that_was_made_good_says_when_and_leads_there() -> None:
    """In its job's zone; the legend counts it apart. One that failed again is still a failure."""
    zone = {"hour": 8, "minute": 0, "timezone": "Asia/Tokyo"}
    lost = run("x", NOW - 5 * CELL, "failed", scheduled_for=format_timestamp(NOW - 5 * CELL))
    again = run("x", NOW - CELL, again_of=lost["id"])
    drawn = drawing(NOW, [job("x", config=zone)], [again, lost], soon, {})
    mark = drawn.lanes[0].marks[0]
    at = format_timestamp(NOW - CELL + 9 * 3600)[11:]
    assert mark.status == "mended" and f"failed, made good at {at}" in mark.tooltip and "(Asia/Tokyo)" in mark.tooltip
    assert f"/jobs/x/runs/{again['id']}" in dict(mark.links).values()
    assert (drawn.counts["failed"], drawn.made_good) == (1, 1)
    drawn = drawing(NOW, [job("x")], [{**again, "status": "failed"}, lost], soon, {})
    assert drawn.lanes[0].marks[0].status == "failed" and "failed again at" in drawn.lanes[0].marks[0].tooltip
    assert drawn.made_good == 0


def test_occurrences_that_share_a_mark_are_counted() -> None:
    """How many, and until when; where they are too many to count, that more follow."""
    few, many = Comes(NOW + 7200, NOW + 7200, number=3, last=NOW + 7800), Comes(NOW + 9000, NOW + 9000, number=None)
    (lane,) = drawing(NOW, [job("x")], [], lambda *_: {"x": [few, many]}, {}).lanes
    assert f"; 3 in this half hour, the last at {format_timestamp(NOW + 7800)[11:]}" in lane.marks[0].tooltip
    assert lane.marks[1].tooltip.endswith("; more follow in this half hour")


def test_within_a_pause_a_mark_says_why_and_cannot_be_moved() -> None:
    """Up to the end of the pause; without an end, all of them."""
    pause = Pause("p", parse_scope("all"), "the office moves", "skip", 0, None, None, {"actor": "k", "name": "Ada"})
    coming = [Comes(NOW + hours * 3600, NOW + hours * 3600) for hours in (2, 4)]
    for until, paused in ((None, [True, True]), ((NOW + 3 * 3600) * 1000, [True, False])):
        its = {"x": [replace(pause, until=until)]}
        (lane,) = drawing(NOW, [job("x")], [], lambda *_: {"x": coming}, its).lanes
        assert [mark.status == "paused" for mark in lane.marks] == paused
        assert [mark.occurrence is None for mark in lane.marks] == paused
        assert lane.marks[0].tooltip.startswith("paused: the office moves, by Ada. ")


def test_the_newest_success_repairs_a_failed_run() -> None:
    """By its occurrence, or as the run that was done again, over several steps; a rehearsal repairs nothing."""
    first = run("x", NOW - 900, "failed", scheduled_for="2025-01-15T08:00:00")
    retry = run("x", NOW - 800, "failed", scheduled_for="2025-01-15T08:00:00", retry_of=first["id"])
    by_hand = run("x", NOW - 700, "failed")
    second = run("x", NOW - 600, "failed", again_of=by_hand["id"])
    third = run("x", NOW - 500, again_of=second["id"])
    filled = run("x", NOW - 400, scheduled_for="2025-01-15T08:00:00", trigger="backfill")
    trial = run("x", NOW - 300, "failed", scheduled_for="2025-01-15T08:00:00", rehearsal=True)
    elsewhere = run("y", NOW - 200, scheduled_for="2025-01-15T08:00:00")
    found = repairs([elsewhere, trial, filled, third, second, by_hand, retry, first])
    assert {failed: repair["id"] for failed, repair in found.items()} == {
        first["id"]: filled["id"], retry["id"]: filled["id"], by_hand["id"]: third["id"], second["id"]: third["id"],
    }  # fmt: skip
    assert repairs([retry, first])[first["id"]] == retry and retry["id"] not in repairs([retry, first])


def test_a_moved_occurrence_is_drawn_where_it_will_be() -> None:
    """Its mark says so, and is moved by its own time."""
    moved = Comes(NOW + 20 * 3600, NOW + 3600, is_moved=True)
    (lane,) = drawing(NOW, [job("x")], [], lambda *_: {"x": [Comes(NOW + 7200, NOW + 7190), moved]}, {}).lanes
    first, second = lane.marks
    assert second.tooltip.endswith(", moved") and not first.tooltip.endswith(", moved")
    assert (second.occurrence, second.x) == (format_timestamp(NOW + 3600), x_of(NOW, NOW + 20 * 3600))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 8 1-7 * 1", "At 08:00 on the 1st to 7th of the month or on any Monday (UTC)."),
        ("*/90 * * * *", "Every hour on the hour (UTC)."),
        (" 0  8 * * 0,7 ", "Every Sunday at 08:00 (UTC)."),
    ],
)
def test_a_stored_schedule_is_said_in_the_words_of_a_preview(expression: str, words: str) -> None:
    """By what it does, one that would be refused by now included."""
    assert describe(job("x", "cron", {"cron_expression": expression})) == words


@pytest.mark.parametrize(
    "more", [{"schedule_config": {"hour": "x"}}, {"schedule_type": "hourly"}, {"options": {"x": 1}}]
)
def test_a_schedule_that_is_not_understood_is_said(more: dict[str, Any]) -> None:
    """What another release or other hands have written spoils no page."""
    assert "cannot read the schedule" in describe(job("x", **more))


class Inner(BaseModel):
    """A part of a bot's config."""

    a: int = 1


class Example(BaseModel):
    """A bot's config with a field of each kind."""

    needed: str
    switch: bool = True
    count: int = Field(default=3, ge=1, le=9, description="How many.")
    share: float = 0.5
    maybe: int | None = None
    choice: Literal["a", "b"] = "b"
    maybe_choice: Literal["a", "b"] | None = None
    long: str = Field(default="", max_length=5000)
    names: list[str] = []
    inner: Inner = Inner()
    table: dict[str, str] = {}
    either: int | str = 1


def test_each_kind_of_a_configs_field_has_its_input() -> None:
    """Kind, value or default, limits, and whether it may be left out."""
    made = {
        field.path.removeprefix("bot_config."): field
        for field in fields_of(
            Example.model_json_schema(), "bot_config", {"names": ["x", "y"], "table": {"é": "1"}}, "f"
        )
    }
    assert {name: (field.kind, field.value, field.optional) for name, field in made.items()} == {
        "needed": ("text", "", False),
        "switch": ("check", True, False),
        "count": ("whole", "3", False),
        "share": ("number", "0.5", False),
        "maybe": ("whole", "", True),
        "choice": ("choice", "b", False),
        "maybe_choice": ("choice", "", True),
        "long": ("long", "", True),
        "names": ("lines", "x\ny", True),
        "inner": ("json", '{\n  "a": 1\n}', True),
        "table": ("json", '{\n  "é": "1"\n}', True),
        "either": ("json", "1", True),
    }
    assert (made["count"].low, made["count"].high, made["count"].hint) == (1, 9, "How many.")
    assert made["choice"].choices == ("a", "b")
    assert made["maybe_choice"].label == "Maybe choice"
    assert len({field.id for field in made.values()}) == len(made)


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (None, "–"), (0, "0 ms"), (999, "999 ms"), (1200, "1.2 s"), (59_000, "59 s"), (60_000, "1 min"),
        (185_000, "3 min 5 s"), (3_600_000, "1 h"), (7_440_000, "2 h 4 min"), (86_400_000 * 3, "3 d"),
    ],
)  # fmt: skip
def test_durations_read_as_people_say_them(ms: int | None, said: str) -> None:
    """No more precise than it matters."""
    assert duration(ms) == said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"error": "It  broke\n here"}, "It broke here"),
        ({"error": "x" * 500}, "x" * 139 + "…"),
        ({"reason": "overlap"}, "the previous run was still running"),
        ({"reason": "of tomorrow"}, "of tomorrow"),
        ({"reason": "overlap", "started_at": "2025-01-15T08:00:00"}, "Skipped: overlap"),
        ({"messages_sent": 1, "profiles_visited": 2}, "1 message, 2 profiles"),
        ({"status": "running", "progress": {"done": 3, "total": 9}}, "3 of 9"),
        ({"result": {"dry_run": True}}, "rehearsed"),
        ({"result": {"found": 2, "already": 2}}, "2 already greeted"),
        ({"result": {"status_code": 204, "signed": False, "body": "x"}}, "status code 204, signed no"),
        ({}, ""),
    ],
)
def test_what_came_of_a_run_is_said_in_a_few_words(more: dict[str, Any], said: str) -> None:
    """The error first, then why it was skipped, then what it did."""
    entry = {"error": None, "reason": None, "status": "success", "messages_sent": 0, "profiles_visited": 0,
             "result": None, "started_at": None}  # fmt: skip
    assert summary(entry | more) == said


def test_a_results_warnings_are_shown_among_its_facts() -> None:
    """Whatever a bot calls so; no picture without any."""
    assert parts_of({"found": 1, "warnings": ["It cannot send", "Nor that"]}) == (
        {"found": 1, "warnings": "It cannot send; Nor that"}, {},
    )  # fmt: skip
    assert parts_of({"warnings": []}) == parts_of({"warnings": {"a": 1}}) == ({}, {})
