"""Which occurrence was decided before an instant, and the search backwards for an occurrence."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_scheduler import Window
from service.domain.options import Options
from service.domain.runs.past_runs import PastRun, decided_before, last_success
from service.domain.runs.previous import latest_up_to
from service.domain.schedules import next_occurrence
from service.domain.schedules.definition import parse_schedule

BERLIN = "Europe/Berlin"
BEGIN = int(datetime(2026, 3, 28, 12, 0, tzinfo=UTC).timestamp())


def entry(first: int | None, last: int | None = None, *, decided: bool = True) -> PastRun:
    return PastRun("id", "skipped" if last else "success", decided, first, last or first, None, None, False)


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([], None),
        ([entry(None, decided=False)], None),
        ([entry(100)], None),
        ([entry(99)], 99),
        ([entry(100), entry(80, decided=False), entry(60)], 60),
        ([entry(40, 90), entry(30)], 90),
        ([entry(60), entry(90), entry(30)], 90),
        ([entry(120, 180), entry(60)], 60),
    ],
)
def test_the_latest_decision_before_an_instant_counts(runs: list[PastRun], found: int | None) -> None:
    """Retries and runs by hand decide nothing; a stretch counts with its last, and order does not matter."""
    assert decided_before(runs, 100) == found


def test_within_a_stretch_the_schedule_tells_and_never_before_its_first() -> None:
    """The entry names only the first and the last."""
    asked: list[int] = []

    def latest(instant: int) -> int | None:
        asked.append(instant)
        return 95

    assert decided_before([entry(40, 160)], 100, latest) == 95
    assert asked == [99]
    assert decided_before([entry(97, 160)], 100, latest) == 97
    assert decided_before([entry(40, 160)], 100) == 40


def test_the_last_success_is_the_one_that_ended_last() -> None:
    """Up to the instant, inclusive."""

    def success(run_id: str, finished: int | None, rehearsal: bool = False, status: str = "success") -> PastRun:
        return PastRun(run_id, status, False, None, None, 1, finished, rehearsal)

    runs = [success("a", 5), success("b", 7), success("c", 9), success("d", None), success("e", 7, rehearsal=True)]
    found = last_success([*runs, success("f", 7, status="failed")], 7)
    assert found is not None and found.run_id == "b"
    assert last_success(runs, 4) is None


SCHEDULES = st.sampled_from([
    ("interval", {"minutes": 7}),
    ("cron", {"cron_expression": "*/10 1-3 * * *", "timezone": BERLIN}),
    ("cron", {"cron_expression": "0 0 29 2 *"}),
    ("daily", {"hour": 2, "minute": 30, "timezone": BERLIN}),
    ("weekly", {"hour": 8, "minute": 0, "day_of_week": "mon,thu"}),
])  # fmt: skip


@given(SCHEDULES, st.integers(0, 40 * 86_400))
def test_the_search_backwards_finds_what_the_engine_finds_ahead(
    schedule: tuple[str, dict[str, object]], later: int
) -> None:
    """It is an occurrence, not after the instant, and the next one is after it."""
    parsed, options, instant = parse_schedule(*schedule), Options(), BEGIN + later
    anchor = BEGIN - 90_000
    found = latest_up_to(parsed, options, instant, anchor)
    assert found is not None and found <= instant
    assert next_occurrence(parsed, options, found - 1, anchor) == found
    following = next_occurrence(parsed, options, found, anchor)
    assert following is None or following > instant


def test_there_may_be_nothing_to_find() -> None:
    """Before the first occurrence of an interval."""
    assert latest_up_to(parse_schedule("interval", {"minutes": 7}), Options(), BEGIN, BEGIN + 1) is None


def test_a_window_is_of_instants_not_of_clocks() -> None:
    """At the end of summer time, a zone's clock shows an hour twice."""
    zone = ZoneInfo(BERLIN)
    start = datetime(2026, 10, 25, 2, 30, tzinfo=zone)
    end = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=zone)
    window = Window(start, end)
    assert datetime(2026, 10, 25, 2, 5, fold=1, tzinfo=zone) in window
    assert datetime(2026, 10, 25, 2, 5, tzinfo=zone) not in window
    assert datetime(2026, 10, 25, 0, 59, tzinfo=UTC) in window
    assert start not in window and end in window
    assert datetime(1999, 1, 1, tzinfo=UTC) in Window(None, end)
