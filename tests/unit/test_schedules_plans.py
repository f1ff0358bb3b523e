"""What a scheduler decides about the occurrences that are due."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.options import Options
from service.domain.schedules import Decision, Plan, due_ms, jitter_seconds, next_occurrence, plan
from service.domain.schedules.definition import Cron, Daily, Interval, Schedule

T0 = 1_760_000_400
"""A whole minute, epoch seconds."""
MINUTELY = Cron("* * * * *")
DAY = 86400


def run(occurrence: int, *, waits: bool = False) -> Decision:
    return Decision("run", occurrence, occurrence, 1, None, waits)


def skip(first: int, last: int, count: int, reason: str) -> Decision:
    return Decision("skip", first, last, count, reason, False)


def decide(schedule: Schedule, first: int, now_ms: int, **options: Any) -> Plan:
    return plan("job", schedule, Options(**options), first, first - 60, now_ms)


def test_nothing_is_due_a_millisecond_early() -> None:
    """Before its instant an occurrence is not decided, not even a millisecond before."""
    assert decide(MINUTELY, T0, T0 * 1000 - 1) == Plan((), T0 - 1, T0)


@pytest.mark.parametrize("schedule", [MINUTELY, Interval(60)], ids=["cron", "interval"])
@pytest.mark.parametrize("catch_up", ["latest", "all", "none"])
def test_one_on_time_is_run(schedule: Schedule, catch_up: str) -> None:
    """An occurrence found on time is run, whatever `catch_up` says, and does not wait its turn."""
    assert decide(schedule, T0, T0 * 1000, catch_up=catch_up) == Plan((run(T0),), T0, T0 + 60)


@pytest.mark.parametrize("schedule", [MINUTELY, Interval(60)], ids=["cron", "interval"])
@pytest.mark.parametrize(
    ("options", "late_ms", "expected"),
    [
        # (of ten due ones, the newest `late_ms` late)
        ({"catch_up": "latest"}, 0, [skip(T0, T0 + 480, 9, "coalesced"), run(T0 + 540)]),
        ({"catch_up": "latest"}, 31_000, [skip(T0, T0 + 480, 9, "coalesced"), run(T0 + 540)]),
        ({"catch_up": "none"}, 30_000, [skip(T0, T0 + 480, 9, "missed"), run(T0 + 540)]),
        ({"catch_up": "none"}, 30_001, [skip(T0, T0 + 540, 10, "missed")]),
        ({"catch_up": "all"}, 0, [run(T0 + n * 60, waits=True) for n in range(10)]),
        (
            {"catch_up": "latest", "misfire_grace_seconds": 130},
            0,
            [skip(T0, T0 + 360, 7, "misfire"), skip(T0 + 420, T0 + 480, 2, "coalesced"), run(T0 + 540)],
        ),
        (
            {"catch_up": "all", "misfire_grace_seconds": 60},
            0,
            [skip(T0, T0 + 420, 8, "misfire"), run(T0 + 480, waits=True), run(T0 + 540, waits=True)],
        ),
        ({"catch_up": "latest", "misfire_grace_seconds": 1}, 1_001, [skip(T0, T0 + 540, 10, "misfire")]),
        ({"catch_up": "latest", "misfire_grace_seconds": 1}, 1_000, [skip(T0, T0 + 480, 9, "misfire"), run(T0 + 540)]),
    ],
)
def test_missed_ones(schedule: Schedule, options: dict[str, Any], late_ms: int, expected: list[Decision]) -> None:
    """What was missed is run, folded or skipped as `catch_up` and the grace say."""
    decided = decide(schedule, T0, (T0 + 540) * 1000 + late_ms, **options)
    assert decided == Plan(tuple(expected), T0 + 540, T0 + 600)


def test_a_late_one_alone_is_run_within_its_grace() -> None:
    """With `latest` and `all` an occurrence that is late, but within its grace, is run; with `all` it waits."""
    now = (T0 + 3600) * 1000
    assert decide(Daily(9, 0), T0, now).decisions == (run(T0),)
    assert decide(Daily(9, 0), T0, now, catch_up="all").decisions == (run(T0, waits=True),)
    assert decide(Daily(9, 0), T0, now, catch_up="none").decisions == (skip(T0, T0, 1, "missed"),)


def test_a_plan_is_bounded_and_the_next_goes_on() -> None:
    """Of 2,500 due ones three plans decide 1,000 each at most, and only the very newest runs."""
    now, first, sizes = (T0 + 2499 * 60) * 1000, T0, []
    decisions: list[Decision] = []
    for _ in range(3):
        decided = plan("job", MINUTELY, Options(misfire_grace_seconds=30 * DAY), first, 0, now)
        sizes.append(sum(decision.occurrences for decision in decided.decisions))
        decisions += decided.decisions
        assert decided.next is not None
        first = decided.next
    assert sizes == [1000, 1000, 500]
    assert [decision.action for decision in decisions] == ["skip", "skip", "skip", "run"]
    assert decisions[-1] == run(T0 + 2499 * 60)
    assert first == T0 + 2500 * 60


@pytest.mark.parametrize("schedule", [MINUTELY, Interval(60)], ids=["cron", "interval"])
def test_all_runs_the_newest_thousand(schedule: Schedule) -> None:
    """With `all`, of 1,500 due ones the oldest 500 are folded and the newest 1,000 run in order."""
    now, first = (T0 + 1499 * 60) * 1000, T0
    decisions: list[Decision] = []
    while first * 1000 <= now:
        decided = plan("job", schedule, Options(catch_up="all", misfire_grace_seconds=30 * DAY), first, T0 - 60, now)
        decisions += decided.decisions
        assert decided.next is not None
        first = decided.next
    assert decisions[0] == skip(T0, T0 + 499 * 60, 500, "coalesced")
    assert decisions[1:] == [run(T0 + n * 60, waits=True) for n in range(500, 1500)]


def test_a_year_of_missed_seconds_is_one_plan() -> None:
    """A one-second interval that nobody looked at for a year is planned at once: too late, folded, newest run."""
    decided = decide(Interval(1), T0, (T0 + 365 * DAY) * 1000)
    assert decided.decisions == (
        skip(T0, T0 + 364 * DAY - 1, 364 * DAY, "misfire"),
        skip(T0 + 364 * DAY, T0 + 365 * DAY - 1, DAY, "coalesced"),
        run(T0 + 365 * DAY),
    )


def test_the_last_one_before_the_end() -> None:
    """No occurrence at or after `ends_at` is decided, and after the last no other follows."""
    options = Options(ends_at="2025-10-09T09:02:00")
    assert T0 == 1_760_000_400  # 2025-10-09T09:00:00
    for schedule in (MINUTELY, Interval(60)):
        decided = plan("job", schedule, options, T0, T0 - 60, (T0 + 600) * 1000)
        assert decided == Plan((skip(T0, T0, 1, "coalesced"), run(T0 + 60)), T0 + 60, None)
        assert plan("job", schedule, options, T0 + 120, T0 - 60, (T0 + 600) * 1000) == Plan((), T0 + 119, None)


def test_jitter_delays_but_does_not_move_the_grid() -> None:
    """An occurrence is due its own jitter later; the next is computed without it."""
    options = Options(jitter_seconds=50)
    due = due_ms("job", T0, options)
    assert T0 * 1000 <= due <= (T0 + 50) * 1000
    assert plan("job", MINUTELY, options, T0, 0, due - 1).decisions == ()
    assert plan("job", MINUTELY, options, T0, 0, due) == Plan((run(T0),), T0, T0 + 60)


def test_jitter_is_drawn_from_the_occurrence() -> None:
    """The same occurrence draws the same delay everywhere; over many, every whole second from 0 to n is drawn."""
    options = Options(jitter_seconds=5)
    draws = [jitter_seconds("job", T0 + n, options) for n in range(500)]
    assert draws == [jitter_seconds("job", T0 + n, options) for n in range(500)]
    assert set(draws) == {0, 1, 2, 3, 4, 5}
    assert draws != [jitter_seconds("other", T0 + n, options) for n in range(500)]


schedules = st.one_of(
    st.builds(Interval, st.integers(60, 7200)),
    st.sampled_from(
        [
            MINUTELY,
            Cron("*/7 * * * *", "Europe/Paris"),
            Cron("59 1,2 * * *", "America/New_York"),
            Cron("30 * * * *", "Australia/Lord_Howe"),
            Daily(2, 30, "Europe/Paris"),
        ]
    ),
)
options_strategy = st.builds(
    Options,
    catch_up=st.sampled_from(["latest", "all", "none"]),
    jitter_seconds=st.integers(0, 59),
    misfire_grace_seconds=st.sampled_from([1, 60, 600, 7200, DAY]),
)


@given(
    schedule=schedules,
    options=options_strategy,
    start=st.integers(1_740_000_000, 1_765_000_000),
    pauses=st.lists(st.integers(0, 40_000_000), min_size=1, max_size=4),
)
@settings(max_examples=80)
def test_planning_in_chunks_decides_each_once(
    schedule: Schedule, options: Options, start: int, pauses: list[int]
) -> None:
    """However irregularly plans are made, each occurrence is decided once, in order, and never before it is due."""
    upcoming = first = next_occurrence(schedule, options, start, start)
    decided: list[int] = []
    now = start * 1000
    for pause in pauses:
        now += pause
        while upcoming is not None:
            made = plan("job", schedule, options, upcoming, start, now)
            for decision in made.decisions:
                stretch = between(schedule, decision.occurrence, decision.last_occurrence, start)
                assert len(stretch) == decision.occurrences
                decided += stretch
            upcoming = made.next
            if not made.decisions:
                break
            assert made.last_decided == decided[-1]
    assert first is not None
    assert decided == (between(schedule, first, decided[-1], start) if decided else [])
    assert all(due_ms("job", occurrence, options) <= now for occurrence in decided)
    assert upcoming is not None and due_ms("job", upcoming, options) > now


def between(schedule: Schedule, first: int, last: int, anchor: int) -> list[int]:
    """The occurrences in first ≤ o ≤ last."""
    found, upcoming = [], next_occurrence(schedule, Options(), first - 1, anchor)
    while upcoming is not None and upcoming <= last:
        found.append(upcoming)
        upcoming = next_occurrence(schedule, Options(), upcoming, anchor)
    return found
