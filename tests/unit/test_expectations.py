"""What is expected of jobs: how it is written, and when it is breached."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.expectations.daily import instants_around
from service.domain.expectations.expect import Expect
from service.domain.expectations.paused_time import deadline, is_paused
from service.domain.expectations.results import unmet
from service.domain.expectations.verdict import EndedRun, Facts, judge, longest_ms
from service.domain.options import parse_options
from service.errors import ValidationFailed
from service.web.console.job_form import is_taken_elsewhere, option_fields

HOUR = 3_600_000
NOW = 1_800_000_000_000


def expected(**fields: Any) -> Expect:
    found = parse_options({"expect": fields}).expect
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({}, "options.expect"),
        ({"success_within_seconds": 0}, "options.expect.success_within_seconds"),
        ({"success_within_seconds": "60"}, "options.expect.success_within_seconds"),
        ({"success_within_seconds": True}, "options.expect.success_within_seconds"),
        ({"longest_seconds": "never"}, "options.expect.longest_seconds"),
        ({"longest_seconds": 1.5}, "options.expect.longest_seconds"),
        ({"longest_seconds": True}, "options.expect.longest_seconds"),
        ({"finish_by": "24:00"}, "options.expect.finish_by"),
        ({"finish_by": "7:30"}, "options.expect.finish_by"),
        ({"finish_by": "07:30\n"}, "options.expect.finish_by"),
        ({"result": {}}, "options.expect"),
        ({"result": {"a": {}}}, "options.expect.result.a"),
        ({"result": {"a": {"min": 2, "max": 1}}}, "options.expect.result.a"),
        ({"result": {"a": {"min": "1"}}}, "options.expect.result.a.min"),
        ({"result": {"a": {"equals": True}}}, "options.expect.result.a.equals"),
        ({"result": {"a": {"least": 1}}}, "options.expect.result.a.least"),
        ({"late": 60}, "options.expect.late"),
        (5, "options.expect"),
    ],
)
def test_what_cannot_be_expected_is_refused_by_its_field(given_: Any, field: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        parse_options({"expect": given_})
    assert [one.field for one in refusal.value.errors] == [field], refusal.value


def test_an_expectation_survives_being_stored() -> None:
    wish = {"success_within_seconds": 60, "longest_seconds": "auto", "finish_by": "07:30",
            "result": {"sent": {"min": 1, "equals": "x"}}}  # fmt: skip
    options = parse_options({"expect": wish})
    again = type(options).model_validate_json(options.model_dump_json(exclude_defaults=True))
    assert again == options and again.expect is not None and again.expect.flags == "slfr"


@pytest.mark.parametrize(
    ("bounds", "value", "said"),
    [
        ({"min": 1}, 0, "n is 0, at least 1 expected"),
        ({"min": 1}, 1, None),
        ({"max": 2.5}, 3, "n is 3, at most 2.5 expected"),
        ({"max": 2.5}, 2, None),
        ({"equals": "done"}, "Ada Lovelace", "n is another text, 'done' expected"),
        ({"equals": "done"}, "done", None),
        ({"equals": 1}, True, "n is no number, 1 expected"),
        ({"equals": 1}, 1.0, None),
        ({"equals": "1"}, 1, "n is 1, '1' expected"),
        ({"min": 1}, "many", "n is another text, at least 1 expected"),
        ({"min": 1}, None, "n is no number, at least 1 expected"),
    ],
)
def test_a_result_is_judged_field_by_field(bounds: Any, value: Any, said: str | None) -> None:
    assert unmet(expected(result={"n": bounds}), {"n": value}) == said


def test_a_field_that_is_missing_is_said_and_nothing_is_expected_of_nothing() -> None:
    wish = expected(result={"a": {"min": 1}, "b": {"equals": "x"}})
    assert unmet(wish, {"b": "y"}) == "a is missing; b is another text, 'x' expected"
    assert unmet(wish, None) == "a is missing; b is missing"
    misspelled = expected(result={"messages_sentt": {"min": 1}})
    result = {"messages_sent": 1, "sent": 1, "Ada Lovelace": 1}
    assert unmet(misspelled, result) == "messages_sentt is missing (the result has messages_sent)"
    assert unmet(None, {}) is None and unmet(expected(finish_by="07:00"), {}) is None


def test_the_form_has_a_field_for_each_thing_that_may_be_expected() -> None:
    """None of them is a box of JSON for all, and a heartbeat job is offered those alone that it takes."""
    fields = {one.path: one for one in option_fields({"expect": {"finish_by": "07:30"}})}
    expected_paths = {f"options.expect.{name}" for name in Expect.model_fields}
    assert expected_paths <= fields.keys() and "options.expect" not in fields
    assert fields["options.expect.finish_by"].value == "07:30" and all(fields[path].optional for path in expected_paths)
    assert {path for path in fields if is_taken_elsewhere(path)} == {
        *(f"options.{name}" for name in ("starts_at", "ends_at", "calendar", "on_closed", "alert_urls")),
        *(expected_paths - {"options.expect.result"}),
    }


spans = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=6
).map(lambda raw: _apart(raw))  # fmt: skip


def _apart(raw: list[tuple[int, int]]) -> list[tuple[int, int | None]]:
    at, found = 0, []
    for gap, length in raw:
        at += gap + 1
        found.append((at, at + length))
        at += length
    return found  # type: ignore[return-value]


@given(base=st.integers(0, 60), length=st.integers(1, 60), stretches=spans)
def test_a_deadline_passes_over_paused_time(base: int, length: int, stretches: list[tuple[int, int | None]]) -> None:
    """The oracle counts the moments one by one."""
    left, at = length, base
    while left:
        left -= not is_paused(stretches, at)
        at += 1
    found = deadline(base, length, stretches)
    assert found is not None
    counted = sum(not is_paused(stretches, moment) for moment in range(base, found))
    assert counted == length and found == at


@given(
    zone=st.sampled_from(["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]),
    hour=st.integers(0, 23), minute=st.integers(0, 59), now=st.integers(1_700_000_000, 1_800_000_000),
)  # fmt: skip
def test_a_local_time_comes_once_each_day(zone: str, hour: int, minute: int, now: int) -> None:
    """By zoneinfo itself: around now, and on three days in a row; only a gap shows another wall clock."""
    around = instants_around(time(hour, minute), ZoneInfo(zone), now)
    assert around is not None
    before, last, following = around
    assert before < last <= now < following
    shown = [datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)) for at in around]
    assert [one.date() - shown[0].date() for one in shown] == [timedelta(days=n) for n in range(3)]
    for one in shown:
        wish = one.replace(hour=hour, minute=minute, second=0, fold=0)
        if wish.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(fold=0) == wish:
            assert one.replace(fold=0) == wish and one.fold == 0


def test_a_time_that_the_clocks_skip_comes_after_the_gap() -> None:
    now = int(datetime(2026, 3, 29, 12, tzinfo=UTC).timestamp())
    around = instants_around(time(2, 30), ZoneInfo("Europe/Vienna"), now)
    assert around is not None and around[1] == int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp())


@given(durations=st.lists(st.integers(0, 10**7), max_size=80))
def test_auto_is_three_times_the_95th_percentile(durations: list[int]) -> None:
    """At least 95 % of the last 50 lie at or below a third of it, and no smaller duration has that."""
    found = longest_ms(expected(longest_seconds="auto"), durations)
    last = durations[-50:]
    if len(last) < 5:
        assert found is None
        return
    percentile = min(one for one in last if sum(other <= one for other in last) * 100 >= 95 * len(last))
    assert found == max(60_000, 3 * percentile)


def notes(verdict: Any) -> list[tuple[str, str]]:
    return [(kind, said["expectation"]) for kind, said in verdict.notes]


def test_lateness_counts_from_the_last_success_without_pauses() -> None:
    wish = expected(success_within_seconds=3600)
    facts = Facts(True, NOW - 10 * HOUR, NOW - HOUR - 1)
    assert notes(judge(wish, facts, NOW)) == [("breach", "success_within_seconds")]
    paused = Facts(True, NOW - 10 * HOUR, NOW - HOUR - 1, paused=[(NOW - HOUR, NOW - HOUR + 5)])
    verdict = judge(wish, paused, NOW)
    assert notes(verdict) == [] and verdict.look_at == NOW - 1 + 5
    now_paused = Facts(True, NOW - 10 * HOUR, NOW - HOUR - 1, paused=[(NOW - HOUR, None)])
    assert notes(judge(wish, now_paused, NOW)) == [] and judge(wish, now_paused, NOW).look_at == NOW + 60_000
    nearly = Facts(True, NOW - 10 * HOUR, NOW - HOUR - 2000, paused=[(NOW - 3000, None)])
    assert notes(judge(wish, nearly, NOW)) == [] and judge(wish, nearly, NOW).look_at == NOW + 4000


def test_a_success_from_a_clock_that_was_ahead_counts_as_one_of_now() -> None:
    verdict = judge(expected(success_within_seconds=60), Facts(True, NOW - HOUR, NOW + 24 * HOUR), NOW)
    assert notes(verdict) == [] and verdict.look_at == NOW + 60_000


DAY = 86_400
SEVEN = NOW // 1000 // DAY * DAY + 7 * 3600  # 07:00 UTC of a day


def day(success: int | None, now: int, told: Any = None, **facts: Any) -> list[tuple[str, str]]:
    state = Facts(True, 0, success and success * 1000, told=told or {}, zone=ZoneInfo("UTC"), **facts)
    return notes(judge(expected(finish_by="07:00"), state, now * 1000))


def test_each_day_owes_a_success_of_its_own() -> None:
    assert day(SEVEN - DAY - 60, SEVEN) == [("breach", "finish_by")]
    assert day(SEVEN - DAY + 60, SEVEN) == []
    assert day(None, SEVEN) == [("breach", "finish_by")]
    assert day(SEVEN - DAY - 60, SEVEN - 1) == []
    assert day(SEVEN - DAY - 60, SEVEN, is_expected=lambda after, until: False) == []


def test_a_tardy_success_counts_for_its_day_alone() -> None:
    tardy = (SEVEN + 3600) * 1000
    ended = [EndedRun("r", tardy, True)]
    told = {"finish_by": {"expectation": "finish_by", "said": "x"}}
    state = Facts(True, 0, tardy, told=told, ended=ended, zone=ZoneInfo("UTC"))
    verdict = judge(expected(finish_by="07:00"), state, tardy + 1000)
    assert notes(verdict) == [("breach_over", "finish_by")] and verdict.tardy == tardy
    assert day(tardy // 1000, SEVEN + DAY - 1, tardy=tardy) == []
    assert day(tardy // 1000, SEVEN + DAY, tardy=tardy) == [("breach", "finish_by")]


runs = st.lists(
    st.builds(
        EndedRun, st.just("run"), st.integers(NOW - HOUR, NOW), st.booleans(), st.sampled_from([None, "took"]),
        st.sampled_from([None, "is 0"]),
    ), max_size=6,
)  # fmt: skip


@given(
    batches=st.lists(runs, max_size=5), since=st.integers(NOW - 2 * HOUR, NOW), on=st.lists(st.booleans(), max_size=5),
    within=st.booleans(),
)  # fmt: skip
def test_a_breach_and_its_end_are_told_in_turn(
    batches: list[list[EndedRun]], since: int, on: list[bool], within: bool
) -> None:
    """Whatever happens: of each expectation a breach, its end, a breach, and the state says which is open."""
    wish = expected(longest_seconds=5, result={"n": {"min": 1}}, **({"success_within_seconds": 1800} if within else {}))
    told: Any = {}
    open_: set[str] = set()
    for place, ended in enumerate(batches):
        success = max((one.ended_at for one in ended if one.is_success), default=None)
        facts = Facts(on[place] if place < len(on) else True, since, success, ended=ended, told=told)
        verdict = judge(wish, facts, NOW)
        for kind, expectation in notes(verdict):
            assert (expectation in open_) == (kind == "breach_over")
            open_ ^= {expectation}
        told = verdict.told
        assert set(told) == open_
        assert bool(verdict.health) == bool(open_)
        assert judge(wish, Facts(facts.is_on, since, success, told=told), NOW).notes == []
    assert notes(judge(None, Facts(True, since, told=told), NOW)) == [("breach_over", name) for name in told]
