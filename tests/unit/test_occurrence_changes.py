"""Occurrences gained and lost: against a brute force over both schedules, and within bounds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.calendars.definition import parse_calendar
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.foresight.occurrence_changes import SHOWN, Course, compare, in_local_time
from service.domain.options import Options
from service.domain.schedules import next_after, next_occurrence
from service.domain.schedules.definition import parse_schedule
from service.domain.timestamps import format_timestamp, parse_timestamp

NOW = parse_timestamp("2027-03-20T12:00:00", "")
"""A week before the clocks of Europe go forward."""
DAY = 86_400
ENOUGH = 10**6

zones = st.sampled_from(["UTC", "Europe/Vienna", "Europe/London", "America/New_York"])
schedules = st.one_of(
    st.builds(
        lambda hour, minute, timezone: ("daily", {"hour": hour, "minute": minute, "timezone": timezone}),
        st.sampled_from([0, 1, 2, 3, 8]), st.sampled_from([0, 30]), zones,
    ),
    st.builds(
        lambda days, timezone: ("weekly", {"hour": 2, "minute": 30, "day_of_week": days, "timezone": timezone}),
        st.sampled_from(["sun", "sat,sun", "mon,wed,fri"]), zones,
    ),
    st.builds(
        lambda expression, timezone: ("cron", {"cron_expression": expression, "timezone": timezone}),
        st.sampled_from(["*/30 * * * *", "0 */2 * * *", "15 2 * * *", "0 2,3 * * 0", "30 1-3 28 * *"]), zones,
    ),
    st.builds(lambda minutes: ("interval", {"minutes": minutes}), st.sampled_from([20, 45, 60, 90, 1440])),
)  # fmt: skip
days = st.none() | st.integers(-3, 14).map(lambda day: format_timestamp(NOW + day * DAY))
options = st.tuples(days, days).filter(lambda span: span[0] is None or span[1] is None or span[0] < span[1])


def course(schedule: tuple[str, Any], span: tuple[str | None, str | None], anchor: int) -> Course | None:
    """The course of a job with this schedule and these bounds, planned at the anchor."""
    parsed = parse_schedule(*schedule)
    bounds = Options.model_validate({"starts_at": span[0], "ends_at": span[1]})
    first = next_occurrence(parsed, bounds, anchor, anchor)
    return None if first is None else Course(parsed, bounds, anchor, first)


def by_hand(schedule: tuple[str, Any], span: tuple[str | None, str | None], anchor: int, until: int) -> set[int]:
    """All of its occurrences from now on: those of the bare schedule, one by one, within its bounds."""
    parsed = parse_schedule(*schedule)
    starts, ends = (None if at is None else parse_timestamp(at, "") for at in span)
    if schedule[0] == "interval":
        step = 60 * schedule[1]["minutes"]
        base = anchor if starts is None or starts < anchor else starts - step
        found = {base + n * step for n in range(1, (until - base) // step + 1)} if base < until else set()
    else:
        found, instant = set(), anchor
        while (following := next_after(parsed, instant, anchor)) is not None and following <= until:
            found.add(following)
            instant = following
    return {at for at in found if NOW < at <= until and (starts or 0) <= at and (ends is None or at < ends)}


@settings(max_examples=150)
@given(schedules, options, schedules, options, st.integers(0, 5000), st.integers(1, 14))
def test_a_comparison_finds_what_a_brute_force_finds(
    old: tuple[str, Any], old_span: Any, new: tuple[str, Any], new_span: Any, age: int, ahead: int
) -> None:
    """Across a change of clocks, whatever the types, the zones and the bounds of both."""
    until = NOW + ahead * DAY
    before, after = course(old, old_span, NOW - age), course(new, new_span, NOW)
    was, will = by_hand(old, old_span, NOW - age, until), by_hand(new, new_span, NOW, until)
    found = compare(before, after, NOW, until, ENOUGH)
    assert (found.gained.count, found.gained.first) == (len(will - was), sorted(will - was)[:SHOWN])
    assert (found.lost.count, found.lost.first) == (len(was - will), sorted(was - will)[:SHOWN])
    assert found.is_complete and found.counted_until == until


def test_a_change_across_the_change_of_clocks_in_local_times() -> None:
    """02:30 instead of 03:00: on 28 March both are the same instant, so nothing changes on that day."""
    at = {"hour": 2, "minute": 30, "timezone": "Europe/Vienna"}
    before = course(("daily", {**at, "hour": 3, "minute": 0}), (None, None), NOW)
    after = course(("daily", at), (None, None), NOW)
    found = compare(before, after, NOW, NOW + 9 * DAY, ENOUGH)
    assert (found.gained.count, found.lost.count) == (8, 8)
    local = in_local_time(after, found.gained.first)
    assert local[6:] == ["2027-03-27T02:30:00+01:00", "2027-03-29T02:30:00+02:00"]
    assert in_local_time(before, found.lost.first)[6:] == ["2027-03-27T03:00:00+01:00", "2027-03-29T03:00:00+02:00"]


def test_switching_off_loses_all() -> None:
    """And switching on gains all."""
    daily = course(("daily", {"hour": 8, "minute": 0}), (None, None), NOW)
    until = NOW + 30 * DAY
    off, on = compare(daily, None, NOW, until, ENOUGH), compare(None, daily, NOW, until, ENOUGH)
    assert (off.gained.count, off.lost.count) == (0, 30)
    assert (on.gained.count, on.lost.count) == (30, 0)
    assert len(on.gained.first) == SHOWN


def test_an_overdue_occurrence_is_not_to_come() -> None:
    """It stays due whatever changes."""
    overdue = course(("interval", {"minutes": 60}), (None, None), NOW - 7200)
    found = compare(overdue, None, NOW, NOW + 3600, ENOUGH)
    assert found.lost.first == [NOW + 3600]


def test_counting_stops_where_it_says() -> None:
    """A job each second for a month: the first instants are counted, and until when is told."""
    before = course(("interval", {"seconds": 1}), (None, None), NOW)
    after = course(("interval", {"seconds": 2}), (None, None), NOW)
    found = compare(before, after, NOW, NOW + 30 * DAY, 1000)
    assert not found.is_complete
    assert (found.counted_until, found.looked_at) == (NOW + 1000, 1000)
    assert (found.gained.count, found.lost.count) == (0, 500)


def test_equal_courses_cost_nothing() -> None:
    """A new name, say, needs no look at any instant."""
    each_second = course(("interval", {"seconds": 1}), (None, None), NOW)
    found = compare(each_second, each_second, NOW, NOW + 366 * DAY, 0)
    assert found.is_complete
    assert (found.looked_at, found.gained.count, found.lost.count) == (0, 0, 0)


@pytest.mark.parametrize(
    ("on_closed", "times"),
    [("skip", ((3, 0), (2, 30))), ("next_open", ((8, 0), (9, 30))), ("previous_open", ((8, 0), (9, 30)))],
)
def test_a_change_across_easter_and_the_change_of_clocks(
    on_closed: str, times: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    """Sundays and Easter Monday are closed, and clocks go forward in between: day by day."""
    calendar = WorkCalendar(parse_calendar({"name": "at", "country": "AT", "weekdays_off": ["sun"]}))
    bounds = Options.model_validate({"calendar": "at", "on_closed": on_closed})
    vienna, courses, by_day = ZoneInfo("Europe/Vienna"), [], []
    for hour, minute in times:
        at = {"hour": hour, "minute": minute, "timezone": "Europe/Vienna"}
        schedule = parse_schedule("daily", at)
        courses.append(Course(schedule, bounds, NOW, NOW, calendar))
        landed = set()
        for number in range(-5, 40):
            day = date(2027, 3, 20) + timedelta(days=number)
            step = {"skip": 0, "next_open": 1, "previous_open": -1}[on_closed]
            while calendar.closed(day) is not None and step:
                day += timedelta(days=step)
            if calendar.closed(day) is None:
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=vienna)
                landed.add(round(local.timestamp()))
        by_day.append({instant for instant in landed if NOW < instant <= NOW + 30 * DAY})
    before, after = courses
    found = compare(before, after, NOW, NOW + 30 * DAY, ENOUGH)
    was, will = by_day
    assert (found.gained.count, found.gained.first) == (len(will - was), sorted(will - was)[:SHOWN])
    assert (found.lost.count, found.lost.first) == (len(was - will), sorted(was - will)[:SHOWN])
    assert len(will - was) >= 20
