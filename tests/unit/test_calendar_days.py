"""Calendars as people write them, and the days that they close."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.calendars import work_calendar
from service.domain.calendars.definition import CalendarDefinition, parse_calendar
from service.domain.calendars.stretches import Stretch, cut, days_of
from service.domain.calendars.work_calendar import WorkCalendar
from service.errors import ValidationFailed

NAMED = {"name": "office"}


def made(**fields: Any) -> CalendarDefinition:
    return parse_calendar({**NAMED, **fields})


def why(day: str, **fields: Any) -> str | None:
    return WorkCalendar(made(**fields)).closed(date.fromisoformat(day))


def test_what_was_answered_can_be_sent_back() -> None:
    definition = made(
        description="Ours", weekdays_off=["sun", "sat"], dates=["2026-12-31", "2026-12-24"],
        ranges=[{"from": "2026-07-01", "to": "2026-07-14", "why": "works"}], country="AT", subdivision="9",
        open_hours={"from": "08:00", "to": "24:00"},
    )  # fmt: skip
    answer = definition.answer()
    assert answer["weekdays_off"] == ["sat", "sun"] and answer["dates"] == ["2026-12-24", "2026-12-31"]
    assert parse_calendar({**answer, "revision": 3, "updated_at": "2026-01-01T00:00:00"}) == definition
    assert parse_calendar({"description": None}, definition).answer() == {**answer, "description": None}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "Office"}, "name must be 1 to 63 of the characters"),
        ({"name": None}, "name must be"),
        ({"name": "a" * 64}, "name must be"),
        ({"weekdays_off": ["sat", "Sunday"]}, r"weekdays_off\[1\] must be mon, tue, wed, thu, fri, sat or sun"),
        ({"weekdays_off": "sat"}, "weekdays_off must be a list"),
        ({"weekdays_off": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}, "must leave a weekday open"),
        ({"dates": ["2026-02-30"]}, r"dates\[0\] must be a date such as 2026-12-24"),
        ({"dates": ["20261224"]}, r"dates\[0\] must be a date"),
        ({"dates": ["2026-12-24"] * 2_001}, "dates must be a list of at most 2000"),
        ({"ranges": [{"from": "2026-12-24"}]}, r"ranges\[0\].to must be a date"),
        ({"ranges": [{"from": "2026-12-24", "to": "2026-12-23"}]}, "must not be before 2026-12-24"),
        ({"ranges": [{"from": "2026-12-24", "to": "2026-12-24", "why": "a\nb"}]}, "must be one line"),
        ({"ranges": [{"from": "2026-12-24", "to": "2026-12-24", "whom": "b"}]}, "is not known: a range has"),
        ({"country": "XX"}, "country must be a two-letter code"),
        ({"country": "at"}, "country must be a two-letter code"),
        ({"country": ["AT"]}, "country must be a two-letter code"),
        ({"subdivision": "9"}, "subdivision needs a country"),
        ({"country": "AT", "subdivision": "Wonderland"}, 'subdivision must be "1"'),
        ({"open_hours": {"from": "18:00", "to": "08:00"}}, "open_hours.to must be after 18:00"),
        ({"open_hours": {"from": "8:00", "to": "18:00"}}, "open_hours.from must be a time of day"),
        ({"open_hours": {"from": "08:00"}}, "open_hours.to must be a time of day"),
        ({"holidays": []}, "holidays is not known"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field_and_what_it_may_be(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationFailed, match=sentence):
        made(**fields)


def test_a_calendar_keeps_its_name() -> None:
    with pytest.raises(ValidationFailed, match="name cannot change"):
        parse_calendar({"name": "other"}, made())


def test_of_several_reasons_the_one_that_tells_most_counts() -> None:
    fields = {"weekdays_off": ["fri"], "dates": ["2026-12-25", "2026-12-29"], "country": "AT"}
    assert why("2026-12-25", **fields) == "Christmas Day"
    named = {"from": "2026-12-21", "to": "2026-12-28", "why": "Closed for Christmas"}
    assert why("2026-12-25", **fields, ranges=[named]) == "Closed for Christmas"
    assert why("2026-12-18", **fields) == "Friday"
    assert why("2026-12-29", **fields) == "closed on this date"
    assert why("2026-12-30", ranges=[{"from": "2026-12-30", "to": "2027-01-02"}]) == (
        "closed from 2026-12-30 to 2027-01-02"
    )
    assert why("2027-01-03", ranges=[{"from": "2026-12-30", "to": "2027-01-02"}]) is None


@given(st.sampled_from(["AT", "DE", "US", "GB", "JP", "BR", "IN"]), st.integers(1990, 2060))
def test_a_countrys_holidays_are_those_of_the_packages_tables(country: str, year: int) -> None:
    closes = WorkCalendar(made(country=country))
    table = {day for day in holidays.country_holidays(country, years=year) if day.year == year}
    assert {day for day, _ in closes.closed_days(date(year, 1, 1), date(year, 12, 31))} == table


def test_a_subdivision_has_its_own_holidays() -> None:
    assert why("2026-08-15", country="DE", subdivision="BY") is None
    assert why("2026-01-06", country="DE", subdivision="BY") == "Epiphany"
    assert why("2026-01-06", country="DE") is None


def test_open_hours_begin_with_their_first_minute_and_end_before_their_last() -> None:
    closes = WorkCalendar(made(open_hours={"from": "08:00", "to": "18:00"}))
    times = [datetime(2026, 1, 5, hour, minute) for hour, minute in ((7, 59), (8, 0), (17, 59), (18, 0))]
    assert [closes.outside_hours(local) is None for local in times] == [False, True, True, False]


def test_calendars_that_close_alike_are_equal_whatever_they_are_called() -> None:
    one, other = made(dates=["2026-12-24"]), parse_calendar({"name": "b", "dates": ["2026-12-24"], "description": "B"})
    assert WorkCalendar(one) == WorkCalendar(other) and one.stamp == other.stamp
    assert one.stamp != made(dates=["2026-12-25"]).stamp


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"dates": ["2026-12-24"]}, date(2026, 12, 24)),
        ({"dates": ["2027-01-25"]}, date(2027, 1, 25)),
        ({"dates": ["2027-01-26"]}, None),
        ({"dates": ["2026-01-01"], "ranges": [{"from": "2026-12-24", "to": "2027-06-01"}]}, None),
        ({"dates": ["2026-12-24"], "country": "AT"}, None),
        ({"weekdays_off": ["sat"]}, None),
    ],
)
def test_a_calendar_of_dates_alone_runs_out(fields: dict[str, Any], expected: date | None) -> None:
    """60 days after November 26 is January 25."""
    assert WorkCalendar(made(**fields)).runs_out_on(date(2026, 11, 26)) == expected


SPANS = st.builds(
    lambda first, length, why: Stretch(first, first + length, why),
    st.integers(1, 60), st.integers(0, 30), st.sampled_from("abc"),
)  # fmt: skip


@given(st.lists(SPANS, max_size=12), st.integers(1, 70), st.integers(0, 40))
def test_where_spans_overlap_the_last_one_given_counts(spans: list[Stretch], first: int, length: int) -> None:
    """As if each day were written by one after the other; what is cut is in order and apart."""
    expected = {day: one.why for one in spans for day in range(one.first, one.last + 1)}
    found = cut(spans)
    assert all(one.first <= one.last for one in found)
    assert all(one.last < other.first for one, other in pairwise(found))
    days = list(days_of(found, first, first + length))
    assert days == sorted((day, why) for day, why in expected.items() if first <= day <= first + length)


def test_a_year_costs_no_more_steps_than_it_has_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ranges cover it; they are cut once for all years."""
    cuts = 0

    def counted(spans: Any) -> list[Stretch]:
        nonlocal cuts
        cuts += 1
        return cut(spans)

    monkeypatch.setattr(work_calendar, "cut", counted)
    ranges = [{"from": f"{2000 + n // 100}-01-{1 + n % 28:02d}", "to": f"{2300 + n}-12-31", "why": f"range {n}"}
              for n in range(2_000)]  # fmt: skip
    calendar = WorkCalendar(parse_calendar({"name": "a", "ranges": ranges}))
    closed = list(calendar.closed_days(date(2026, 1, 1), date(2035, 12, 31)))
    assert len(closed) == 3_652 and {why for _, why in closed} == {"range 1987"}
    assert calendar.closed(date(9999, 12, 31)) is None and calendar.closed(date(4299, 12, 31)) == "range 1999"
    assert cuts == 2


def test_the_last_day_that_there_is_may_be_closed() -> None:
    calendar = WorkCalendar(parse_calendar({"name": "a", "ranges": [{"from": "9999-12-30", "to": "9999-12-31"}]}))
    assert [day.day for day, _ in calendar.closed_days(date(9999, 12, 1), date(9999, 12, 31))] == [30, 31]


NEW_YEAR = date(2027, 1, 1)
RANGES = st.lists(
    st.tuples(st.integers(-40, 400), st.integers(0, 60), st.sampled_from([None, "a", "b", "c"])), max_size=12
)


@given(RANGES)
def test_ranges_that_overlap_close_each_day_for_one_reason(drawn: list[tuple[int, int, str | None]]) -> None:
    """The one that a look at each range and each day finds: any reason in words, else the days of the last range."""
    ranges = [
        {"from": (NEW_YEAR + timedelta(days=start)).isoformat(), "to": (NEW_YEAR + timedelta(days=end)).isoformat()}
        | ({} if why is None else {"why": why})
        for start, length, why in drawn
        for end in [start + length]
    ]
    definition = parse_calendar({"name": "a", "ranges": ranges})
    by_hand = {}
    for span in sorted(definition.ranges, key=lambda one: one.why is not None):
        for number in range((span.last - span.first).days + 1):
            words = span.why or f"closed from {span.first} to {span.last}"
            by_hand[span.first + timedelta(days=number)] = words
    calendar = WorkCalendar(definition)
    days = [NEW_YEAR + timedelta(days=number) for number in range(-40, 500)]
    assert {day: calendar.closed(day) for day in days if calendar.closed(day)} == by_hand
