"""Dates, every n, unions and nicknames; and properties that hold for schedules of every type."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.kinds import kind_of
from service.domain.options import Options
from service.domain.schedules import describe, local_times, members_due, next_after, preview, validate_schedule
from service.domain.schedules.definition import Cron, Daily, Interval, Schedule, Union, Weekly, parse_schedule
from service.domain.schedules.run_members import names_of, overlay_of, stored_members
from service.domain.schedules.schema_versions import MORE_TYPES, schema_of
from service.domain.schedules.types.union import MOST_LOOKS
from service.domain.schedules.wall_clock import WallClock
from service.errors import ScheduleError, ValidationFailed

VIENNA = "Europe/Vienna"
Json = dict[str, Any]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def local(
    kind: str, config: Json, after: str, count: int, options: Options | None = None, anchor: str = ""
) -> list[str]:
    schedule = parse_schedule(kind, config)
    found = preview(schedule, options or Options(), at(after), count, at(anchor or after))
    return local_times(schedule, found)


DAILY: Json = {"hour": 2, "minute": 30, "timezone": VIENNA}
ONCE: Json = {"dates": ["2027-03-28T02:15", "2027-03-28T02:45", "2027-10-31T02:30:30"], "timezone": VIENNA}
FORTNIGHT: Json = {"day_of_week": "sun", "every": 2, **DAILY}


@pytest.mark.parametrize(
    ("kind", "config", "after", "expected"),
    [
        # A skipped time runs once, right after the gap; one that comes twice runs the first time.
        ("once", ONCE, "2027-01-01", ["2027-03-28T03:00:00+02:00", "2027-10-31T02:30:30+02:00"]),
        ("daily", {"every": 2, **DAILY}, "2027-03-26T12:00",
         ["2027-03-28T03:00:00+02:00", "2027-03-30T02:30:00+02:00"]),
        ("daily", {"every": 3, **DAILY}, "2027-10-28T12:00",
         ["2027-10-31T02:30:00+02:00", "2027-11-03T02:30:00+01:00"]),
        ("weekly", FORTNIGHT, "2027-03-15T12:00", ["2027-03-21T02:30:00+01:00", "2027-04-04T02:30:00+02:00"]),
        ("weekly", FORTNIGHT, "2027-03-22T12:00", ["2027-03-28T03:00:00+02:00", "2027-04-11T02:30:00+02:00"]),
        ("any", {"schedules": [{"schedule_type": "daily", "schedule_config": DAILY},
                               {"schedule_type": "daily", "schedule_config": {**DAILY, "hour": 3, "minute": 0}}]},
         "2027-03-27T12:00", ["2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00", "2027-03-29T03:00:00+02:00"]),
        ("cron", {"cron_expression": "@daily", "timezone": VIENNA}, "2027-03-27T12:00",
         ["2027-03-28T00:00:00+01:00", "2027-03-29T00:00:00+02:00"]),
    ],
)  # fmt: skip
def test_changes_of_the_clocks(kind: str, config: Json, after: str, expected: list[str]) -> None:
    """The rule of fixed times, for each new type; rules and months have tables of their own."""
    assert local(kind, config, after, len(expected)) == expected


def test_once_comes_once() -> None:
    """After its last date nothing follows, and a date may be written with seconds or without."""
    assert local("once", {"at": "2026-12-24T18:00"}, "2026-12-24T17:59:59", 5) == ["2026-12-24T18:00:00+00:00"]
    assert local("once", {"at": "2026-12-24T18:00:00"}, "2026-12-24T18:00:00", 5) == []


def test_a_date_that_is_past_is_refused_when_it_is_set_and_never_afterwards() -> None:
    """What a PUT leaves as it was is accepted."""
    past = parse_schedule("once", {"at": "2020-01-01T00:00"})
    with pytest.raises(ValidationFailed, match="still to come"):
        validate_schedule(past, Options(), at("2026-01-01"))
    validate_schedule(past, Options(), at("2026-01-01"), past)


def test_every_counts_from_starts_at_else_from_the_day_of_planning() -> None:
    """By local days: at 23:30 UTC it is the next day in Vienna already."""
    every = {"hour": 8, "minute": 0, "every": 3, "timezone": VIENNA}
    assert local("daily", every, "2026-11-26T23:30", 2) == ["2026-11-27T08:00:00+01:00", "2026-11-30T08:00:00+01:00"]
    starts = Options(starts_at="2026-12-01T12:00:00")
    assert local("daily", every, "2026-11-26", 2, starts) == ["2026-12-04T08:00:00+01:00", "2026-12-07T08:00:00+01:00"]
    assert local("daily", every, "2026-12-20", 1, starts) == ["2026-12-22T08:00:00+01:00"]
    weeks = {"hour": 8, "minute": 0, "every": 2, "day_of_week": "mon,thu"}
    days = [time[:10] for time in local("weekly", weeks, "2026-11-25T00:00", 5)]
    assert days == ["2026-11-26", "2026-12-07", "2026-12-10", "2026-12-21", "2026-12-24"]


UNION: Json = {
    "schedules": [
        {"schedule_type": "daily", "schedule_config": {"hour": 12, "minute": 0}, "name": "noon",
         "bot_config": {"a": 1, "b": 1}},
        {"schedule_type": "weekly", "schedule_config": {"hour": 12, "minute": 0, "day_of_week": "mon"},
         "name": "monday", "bot_config": {"b": 2}},
        {"schedule_type": "interval", "schedule_config": {"hours": 6}},
    ],
    "except": [{"schedule_type": "once", "schedule_config": {"at": "2026-11-29T12:00"}}],
}  # fmt: skip


def test_an_instant_that_several_name_is_one_occurrence_with_their_names() -> None:
    """And what they lay over the bot's configuration goes over one another in order."""
    schedule, anchor = parse_schedule("any", UNION), at("2026-11-28T12:00")
    found = preview(schedule, Options(), anchor, 9, anchor)
    assert local_times(schedule, found)[2:5] == [
        f"2026-11-{time}:00+00:00" for time in ("29T06:00", "29T18:00", "30T00:00")
    ]
    monday = at("2026-11-30T12:00")
    assert found.count(monday) == 1
    stored = stored_members(members_due(schedule, Options(), monday, anchor))
    assert (names_of(stored), overlay_of(stored)) == (["noon", "monday"], '{"a":1,"b":2}')
    assert stored_members(members_due(schedule, Options(), at("2026-11-29T06:00"), anchor)) is None
    assert (names_of("damaged"), overlay_of(None)) == ([], None)


def test_an_interval_of_a_union_is_due_at_starts_at_first() -> None:
    """As an interval by itself is."""
    schedule, options = parse_schedule("any", UNION), Options(starts_at="2026-12-01T11:00:00")
    found = preview(schedule, options, at("2026-11-28T12:00"), 3, at("2026-11-28T12:00"))
    assert [time[5:16] for time in local_times(schedule, found)] == ["12-01T11:00", "12-01T12:00", "12-01T17:00"]
    assert len(members_due(schedule, options, found[0], 0)) == 1


def test_exceptions_that_leave_nothing_are_refused() -> None:
    """After a bounded search."""
    daily = {"schedule_type": "daily", "schedule_config": {"hour": 12, "minute": 0}}
    schedule = parse_schedule("any", {"schedules": [daily], "except": [daily]})
    with pytest.raises(ScheduleError, match="exceptions leave none"):
        next_after(schedule, 0, 0)
    with pytest.raises(ValidationFailed, match="exceptions leave none"):
        validate_schedule(schedule, Options(), 0)


@pytest.mark.parametrize(
    ("kind", "config", "field"),
    [
        ("once", {}, ""), ("once", {"at": "2026-12-24T18:00", "dates": []}, ""), ("once", {"dates": []}, ".dates"),
        ("once", {"at": "2026-12-24T18:00Z"}, ".at"), ("once", {"at": "2026-02-30T18:00"}, ".at"),
        ("once", {"dates": ["2026-12-24T18:00", 5]}, ".dates[1]"), ("once", {"at": "1969-12-24T18:00"}, ".at"),
        ("daily", {"hour": 1, "minute": 1, "every": 0}, ".every"),
        ("daily", {"hour": 1, "minute": 1, "every": 367}, ".every"),
        ("weekly", {"hour": 1, "minute": 1, "day_of_week": "mon", "every": 53}, ".every"),
        ("interval", {"days": 367}, ".days"), ("any", {}, ".schedules"), ("any", {"schedules": []}, ".schedules"),
        ("any", {"schedules": [UNION["schedules"][0]] * 21}, ".schedules"),
        ("any", {"schedules": [{"schedule_type": "any", "schedule_config": UNION}]}, ".schedules[0].schedule_type"),
        ("any", {"schedules": [{"schedule_type": "daily", "schedule_config": {"hour": 24, "minute": 0}}]},
         ".schedules[0].schedule_config.hour"),
        ("any", {"schedules": [{**UNION["schedules"][0], "name": ""}]}, ".schedules[0].name"),
        ("any", {"schedules": [{**UNION["schedules"][0], "bot_config": 1}]}, ".schedules[0].bot_config"),
    ],
)  # fmt: skip
def test_refused(kind: str, config: Json, field: str) -> None:
    """By the path of the field."""
    with pytest.raises(ValidationFailed) as refusal:
        parse_schedule(kind, config)
    assert f"schedule_config{field}" in [error.field for error in refusal.value.errors]


@pytest.mark.parametrize(
    ("kind", "config", "words"),
    [
        ("once", {"at": "2026-12-24T18:00", "timezone": VIENNA}, "Once, on 2026-12-24 at 18:00 (Europe/Vienna)."),
        ("once", {"dates": ["2027-01-01T08:00", "2026-12-24T18:00:30"]},
         "On 2 dates, from 2026-12-24 at 18:00:30 to 2027-01-01 at 08:00 (UTC)."),
        ("daily", {"hour": 8, "minute": 0, "every": 3}, "Every 3 days at 08:00 (UTC)."),
        ("weekly", {"hour": 8, "minute": 0, "every": 2, "day_of_week": "tue,fri"},
         "Every 2 weeks on Tuesday and Friday at 08:00 (UTC)."),
        ("interval", {"days": 1, "hours": 12}, "Every 1 day and 12 hours."),
        ("cron", {"cron_expression": "@weekly"}, "Every Sunday at 00:00 (UTC)."),
        ("rrule", {"rrule": "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18"},
         "Every month on the last Friday of the month at 18:00 (UTC)."),
        ("rrule", {"rrule": "FREQ=WEEKLY;BYDAY=MO"}, "Every week on Monday at 00:00 (UTC)."),
        ("rrule", {"rrule": "FREQ=DAILY;BYHOUR=8", "dtstart": "2027-02-01T09:30"},
         "Every day at 08:30, from 2027-02-01 on (UTC)."),
        ("rrule", {"rrule": "FREQ=WEEKLY;INTERVAL=2;BYMONTH=1,2,3,4,5,6,7,9,10,11,12", "dtstart": "2027-01-08T08:00"},
         "Every 2 weeks in every month except August on Friday at 08:00, from 2027-01-08 on (UTC)."),
        ("rrule", {"rrule": "FREQ=MONTHLY;INTERVAL=3", "dtstart": "2027-02-10T08:00", "timezone": VIENNA},
         "Every 3 months on the 10th day of the month at 08:00, from 2027-02-10 on (Europe/Vienna)."),
        ("rrule", {"rrule": "FREQ=HOURLY;INTERVAL=5", "dtstart": "2027-02-10T08:30"},
         "Every 5 hours, from 2027-02-10 on (UTC)."),
        ("rrule", {"rrule": "FREQ=MONTHLY;BYMONTHDAY=14,15;BYDAY=TH,FR;BYSETPOS=-1;BYHOUR=9"},
         "Every month on the 14th and 15th day of the month that is a Thursday or Friday at 09:00, but only the last "
         "of these in each month (UTC)."),
        ("any", UNION, "Every day at 12:00 (UTC); and every Monday at 12:00 (UTC); and every 6 hours; except once, on "
         "2026-11-29 at 12:00 (UTC)."),
    ],
)  # fmt: skip
def test_words(kind: str, config: Json, words: str) -> None:
    """A plain sentence for each type."""
    assert describe(parse_schedule(kind, config), Options()) == words


OF_EVERY_TYPE: dict[str, tuple[str, Json]] = {
    "daily": ("daily", DAILY), "every n days": ("daily", {"every": 5, **DAILY}),
    "weekly": ("weekly", {"day_of_week": "mon,sat", **DAILY}), "every n weeks": ("weekly", FORTNIGHT),
    "interval": ("interval", {"days": 1, "seconds": 7}),
    "cron": ("cron", {"cron_expression": "*/40 1-4 * * *", "timezone": VIENNA}),
    "once": ("once", ONCE), "monthly": ("monthly", {"day": "last_workday", **DAILY}),
    "rrule": ("rrule", {"rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,WE;BYHOUR=2;BYMINUTE=0,30", "timezone": VIENNA}),
    "real time": (
        "rrule",
        {"rrule": "FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,30", "dtstart": "2026-01-01T01:00", "timezone": VIENNA},
    ),
    "any": ("any", UNION),
}  # fmt: skip
SPAN = st.integers(at("2026-11-01"), at("2027-12-01"))


@pytest.mark.parametrize(("kind", "config"), OF_EVERY_TYPE.values(), ids=OF_EVERY_TYPE)
@given(start=SPAN, length=st.integers(1, 40 * 86400), cut=st.floats(0, 1))
def test_occurrences_increase_and_a_span_that_is_split_splits_them(
    kind: str, config: Json, start: int, length: int, cut: float
) -> None:
    """Of every type, whatever was asked for before."""
    schedule, anchor = parse_schedule(kind, config), at("2026-11-01")

    def within(after: int, until: int) -> list[int]:
        found: list[int] = []
        upcoming = next_after(schedule, after, anchor)
        while upcoming is not None and upcoming <= until and len(found) < 200:
            assert upcoming > after
            found.append(upcoming)
            upcoming = next_after(schedule, upcoming, anchor)
        return found

    middle = start + int(length * cut)
    whole = within(start, start + length)
    assert all(earlier < later for earlier, later in pairwise(whole))
    if len(whole) < 200:
        assert within(start, middle) + within(middle, start + length) == whole
    for earlier, later in pairwise(whole[:5]):
        assert next_after(schedule, later - 1, anchor) == later == next_after(schedule, (earlier + later) // 2, anchor)


@pytest.mark.parametrize(("kind", "config"), OF_EVERY_TYPE.values(), ids=OF_EVERY_TYPE)
def test_a_kind_stands_for_schedules_that_do_not_depend_on_their_anchor(kind: str, config: Json) -> None:
    """Those that do have plans of their own."""
    schedule: Schedule = parse_schedule(kind, config)
    after = at("2026-12-01")
    anchors = [at("2026-11-01") + number * 90_061 for number in range(8)]
    found = {tuple(preview(schedule, Options(), after, 5, anchor)) for anchor in anchors}
    assert (kind_of(kind, config, Options()) is None) == (len(found) > 1)


@pytest.mark.parametrize(
    ("kind", "config", "is_newer"),
    [
        ("daily", DAILY, False), ("daily", {"every": 1, **DAILY}, True), ("interval", {"hours": 1}, False),
        ("interval", {"days": 1}, True), ("cron", {"cron_expression": "0 0 * * *"}, False),
        ("cron", {"cron_expression": " @daily"}, True), ("once", ONCE, True), ("any", UNION, True),
    ],
)  # fmt: skip
def test_what_older_releases_do_not_read_needs_a_newer_schema(kind: str, config: Json, is_newer: bool) -> None:
    """And so does the deletion of ended jobs."""
    assert (schema_of(kind, config, Options()) == MORE_TYPES) == is_newer
    assert schema_of(kind, config, Options(delete_after_seconds=0)) == MORE_TYPES


def test_each_schedule_of_any_is_searched_only_beyond_the_occurrence_it_stands_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched = 0
    next_after_cron = Cron.next_after

    def noted(self: Cron, *args: Any) -> int | None:
        nonlocal searched
        searched += 1
        return next_after_cron(self, *args)

    monkeypatch.setattr(Cron, "next_after", noted)
    hours = [{"schedule_type": "cron", "schedule_config": {"cron_expression": f"0 {hour} * * *"}} for hour in range(20)]
    never = parse_schedule("any", {"schedules": hours, "except": hours})
    with pytest.raises(ScheduleError, match="exceptions leave none"):
        next_after(never, 1_795_735_988, 0)
    assert searched <= MOST_LOOKS


def test_a_schedule_that_any_has_twice_is_searched_once() -> None:
    """And one search asks no more often than its bound, however many of its schedules coincide."""
    minutes = [{"schedule_type": "cron", "schedule_config": {"cron_expression": "* * * * *"}}]
    alike, one = (parse_schedule("any", {"schedules": minutes * many, "except": minutes[:1]}) for many in (20, 1))
    odd = [{"schedule_type": "cron", "schedule_config": {"cron_expression": f"{'0-59,' * n}0-59 * * * *"}}
           for n in range(20)]  # fmt: skip
    for never in (alike, one, parse_schedule("any", {"schedules": odd, "except": odd})):
        with pytest.raises(ScheduleError, match="exceptions leave none"):
            next_after(never, 1_795_735_988, 0)
    hourly = {"schedule_type": "cron", "schedule_config": {"cron_expression": "0 * * * *"}}
    few = [{"schedule_type": "cron", "schedule_config": {"cron_expression": "* 0-22 * * *"}}]
    union = parse_schedule("any", {"schedules": [*minutes * 19, hourly], "except": few})
    assert isinstance(union, Union)
    midnight = at("2026-12-01")
    assert union.next_after(midnight - 1, 0) == midnight + 23 * 3600
    assert union.looks(midnight - 1, 0) == (23 * 60 + 1) * 2 + 24


def test_an_answer_that_was_given_before_costs_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of rules and of unions, which members of theirs are due too; equal schedules share it."""

    def refuse(*_: Any) -> None:
        raise AssertionError("asked again")

    union, twin = (parse_schedule("any", json.loads(json.dumps(UNION))) for _ in range(2))
    rule, same = (parse_schedule("rrule", {"rrule": "FREQ=DAILY;BYHOUR=8", "dtstart": "2026-01-01T00:00"})
                  for _ in range(2))  # fmt: skip
    now = at("2026-12-01")
    found = [next_after(one, now, 0) for one in (union, rule)]
    due = members_due(union, Options(), found[0] or 0, 0)
    assert due and all(found)
    for kind in (Cron, Daily, Weekly, Interval):
        monkeypatch.setattr(kind, "next_after", refuse)
    monkeypatch.setattr(WallClock, "next_after", refuse)
    assert [next_after(one, now, 0) for one in (twin, same)] == found
    assert members_due(twin, Options(), found[0] or 0, 0) == due
    assert {union, twin, rule, same} == {union, rule}


@pytest.mark.parametrize(
    ("config", "field", "told"),
    [
        ({"at": "10000-01-01T00:00"}, "schedule_config.at", "must lie in the years 1970 to 9999, not"),
        ({"dates": ["2027-01-01T00:00", "+12026-01-01T08:00"]}, "schedule_config.dates[1]", "must lie in the years"),
        (
            {"at": "9999-12-31T23:59:59", "timezone": "America/New_York"}, "schedule_config.at",
            "must lie before the end of the year 9999 in UTC",
        ),
        (
            {"dates": ["2027-01-01T00:00", "9999-12-31T23:00"], "timezone": "America/New_York"},
            "schedule_config.dates[1]", "must lie before the end of the year 9999 in UTC, not 9999-12-31T23:00:00",
        ),
    ],
)  # fmt: skip
def test_a_date_beyond_the_year_9999_is_named(config: dict[str, Any], field: str, told: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_schedule("once", config)
    (error,) = refused.value.errors
    assert error.field == field and error.message.startswith(told)
