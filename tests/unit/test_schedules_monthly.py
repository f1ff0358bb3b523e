"""Monthly schedules, against a look at each day of twenty years."""

from __future__ import annotations

import calendar as months
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.options import Options
from service.domain.schedules import MONDAY_TO_FRIDAY, Calendar, describe, local_times, preview
from service.domain.schedules.definition import parse_schedule
from service.errors import ValidationFailed

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FROM, UNTIL = date(2020, 1, 1), date(2040, 1, 1)


class Works:
    """Closed on even days and on Fridays."""

    def closed(self, day: date) -> str | None:
        return "even" if day.day % 2 == 0 or day.weekday() == 4 else None


DAYS = st.one_of(
    st.integers(1, 31),
    st.sampled_from(["last", "first_workday", "last_workday"]),
    st.fixed_dictionaries({"nth": st.sampled_from([1, 2, 3, 4, 5, "last"]), "weekday": st.sampled_from(WEEKDAYS)}),
)


def brute(config: dict[str, Any], calendar: Calendar) -> list[str]:
    """The days of twenty years that the words of the specification name, one by one."""
    found = []
    for number in range((UNTIL - FROM).days):
        day = FROM + timedelta(days=number)
        if day.month in config.get("months", range(1, 13)) and names(config, day, calendar):
            found.append(day.isoformat())
    return found


def names(config: dict[str, Any], day: date, calendar: Calendar) -> bool:
    wanted, length = config["day"], months.monthrange(day.year, day.month)[1]
    if isinstance(wanted, int):
        is_short = wanted > length and config.get("short_months") != "skip"
        return day.day == wanted or (is_short and day.day == length)
    if wanted == "last":
        return day.day == length
    if isinstance(wanted, dict):
        if WEEKDAYS[day.weekday()] != wanted["weekday"]:
            return False
        return day.day + 7 > length if wanted["nth"] == "last" else (day.day - 1) // 7 + 1 == wanted["nth"]
    others = range(1, day.day) if wanted == "first_workday" else range(day.day + 1, length + 1)
    is_open = calendar.closed(day) is None
    return is_open and all(calendar.closed(day.replace(day=one)) is not None for one in others)


@given(
    DAYS,
    st.one_of(st.none(), st.lists(st.integers(1, 12), min_size=1, max_size=5, unique=True)),
    st.sampled_from(["last_day", "skip"]),
    st.sampled_from([None, Works()]),
)
def test_as_a_look_at_each_day(day: Any, chosen: list[int] | None, short: str, calendar: Calendar | None) -> None:
    """For twenty years, with and without a calendar."""
    config: dict[str, Any] = {"day": day, "hour": 8, "minute": 30, "short_months": short}
    config |= {"months": chosen} if chosen else {}
    expected = brute(config, calendar or MONDAY_TO_FRIDAY)
    start = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
    try:
        schedule = parse_schedule("monthly", config)
        found = local_times(schedule, preview(schedule, Options(), start - 1, 300, 0, calendar))
    except ValidationFailed:
        found = []
    assert [time[:10] for time in found if time < "2040"] == expected
    assert {time[11:] for time in found} <= {"08:30:00+00:00"}


@pytest.mark.parametrize(
    ("day", "after", "expected"),
    [
        (28, "2027-03-27T12:00", ["2027-03-28T03:00:00+02:00", "2027-04-28T02:30:00+02:00"]),
        (31, "2027-10-30T12:00", ["2027-10-31T02:30:00+02:00", "2027-11-30T02:30:00+01:00"]),
        ({"nth": "last", "weekday": "sun"}, "2027-03-01T00:00", ["2027-03-28T03:00:00+02:00"]),
    ],
)
def test_changes_of_the_clocks(day: Any, after: str, expected: list[str]) -> None:
    """Fixed times, in Vienna."""
    schedule = parse_schedule("monthly", {"day": day, "hour": 2, "minute": 30, "timezone": "Europe/Vienna"})
    start = int(datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp())
    assert local_times(schedule, preview(schedule, Options(), start, len(expected), 0)) == expected


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"day": 15}, "On the 15th of each month, at 08:00 (UTC)."),
        ({"day": 31}, "On the 31st of each month, or on the last day of a shorter one, at 08:00 (UTC)."),
        ({"day": 31, "short_months": "skip"}, "On the 31st of each month, if there is one, at 08:00 (UTC)."),
        ({"day": "last_workday", "months": [3, 12]}, "On the last working day of March and December, at 08:00 (UTC)."),
        ({"day": {"nth": 2, "weekday": "tue"}}, "On the 2nd Tuesday of each month, at 08:00 (UTC)."),
    ],
)
def test_words(config: dict[str, Any], words: str) -> None:
    """In a plain sentence."""
    assert describe(parse_schedule("monthly", {"hour": 8, "minute": 0, **config}), Options()) == words


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({}, "day"), ({"day": 0}, "day"), ({"day": 32}, "day"), ({"day": True}, "day"), ({"day": "first"}, "day"),
        ({"day": {"nth": 6, "weekday": "mon"}}, "day.nth"), ({"day": {"nth": 1, "weekday": "monday"}}, "day.weekday"),
        ({"day": {"nth": 1, "weekday": "mon", "x": 1}}, "day.x"), ({"day": 1, "months": []}, "months"),
        ({"day": 1, "months": [13]}, "months[0]"), ({"day": 1, "short_months": "first_day"}, "short_months"),
    ],
)  # fmt: skip
def test_refused(config: dict[str, Any], field: str) -> None:
    """By the name of the field."""
    with pytest.raises(ValidationFailed) as refusal:
        parse_schedule("monthly", {"hour": 8, "minute": 0, **config})
    assert f"schedule_config.{field}" in [error.field for error in refusal.value.errors]
