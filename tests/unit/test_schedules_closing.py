"""What becomes of occurrences on closed days: against a day-by-day oracle, and properties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.calendars.definition import parse_calendar
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.options import Options
from service.domain.schedules import Decision, members_due, next_occurrence, plan, preview, validate_schedule
from service.domain.schedules.closed.closed_days import coming, next_open, refuse_jitter_of_moves
from service.domain.schedules.definition import Cron, Daily, Interval, Schedule, Weekly, parse_schedule
from service.domain.schedules.zones import zone
from service.errors import ValidationFailed

DAY = 86_400
MOVES = ("next_open", "previous_open")


def at(text: str) -> int:
    """Epoch seconds of a timestamp in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def calendar(**fields: Any) -> WorkCalendar:
    return WorkCalendar(parse_calendar({"name": "a", **fields}))


def on(what: str, **more: Any) -> Options:
    return Options(calendar="a", on_closed=what, **more)  # type: ignore[arg-type]


def oracle(schedule: Schedule, options: Options, closes: WorkCalendar, first: int, last: int) -> list[int]:
    """The instants where occurrences land from `first` to `last`, by looking at each occurrence and each day."""
    rules = zone(schedule.timezone)
    found = set()
    upcoming = next_occurrence(schedule, on("skip"), first - 40 * DAY, 0, closes)
    while upcoming is not None and upcoming <= last + 40 * DAY:
        found |= {landing(upcoming, one, options, closes, rules) for one in written(schedule, upcoming, rules)}
        upcoming = next_occurrence(schedule, on("skip"), upcoming, 0, closes)
    return sorted(one for one in found if first < one <= last)


def written(schedule: Schedule, occurrence: int, rules: Any) -> list[time]:
    """The times of day for which the schedule has an occurrence: minute by minute through the gap before it."""
    local, before = (datetime.fromtimestamp(one, rules) for one in (occurrence, occurrence - 60))
    gap = local.utcoffset() - before.utcoffset()  # type: ignore[operator]
    fields = schedule.expression.split() if isinstance(schedule, Cron) else [""]
    if gap <= timedelta(0) or any(field.startswith("*") for field in fields[:2]) or isinstance(schedule, Interval):
        return [local.time()]
    unchanging, end = replace(schedule, timezone="UTC"), local.replace(tzinfo=UTC)  # type: ignore[arg-type]
    walls = [end - timedelta(minutes=n) for n in range(int(gap.total_seconds()) // 60, -1, -1)]
    asked = [(wall, int(wall.timestamp())) for wall in walls]
    return [wall.time() for wall, stamp in asked if next_occurrence(unchanging, on("skip"), stamp - 1, 0) == stamp]


def landing(occurrence: int, time_of_day: time, options: Options, closes: WorkCalendar, rules: Any) -> int:
    local = datetime.fromtimestamp(occurrence, rules)
    step = {"skip": 0, "next_open": 1, "previous_open": -1}[options.on_closed]
    if step == 0 or closes.closed(local.date()) is None:
        return occurrence
    for days in range(1, 32):
        day = local.date() + timedelta(days=step * days)
        if closes.closed(day) is None:
            return showing(day, time_of_day, rules)
    return occurrence


def showing(day: date, wall: time, rules: Any) -> int:
    """The first instant of a day at which the wall clock shows a time, or a later one."""
    wanted = datetime.combine(day, wall.replace(fold=0))
    instant = int(wanted.replace(tzinfo=UTC).timestamp()) - 15 * 3600 - wall.second % 60
    while datetime.fromtimestamp(instant, rules).replace(tzinfo=None) < wanted:
        instant += 60
    return instant


ZONES = ("UTC", "Europe/Paris", "America/New_York", "America/Santiago", "Australia/Lord_Howe")
WALL = st.tuples(st.integers(0, 23), st.sampled_from([0, 15, 30, 59]), st.sampled_from(ZONES))
PLAIN: st.SearchStrategy[Schedule] = st.one_of(
    st.builds(lambda wall: Daily(*wall), WALL),
    st.builds(lambda wall, days: Weekly(wall[0], wall[1], days, wall[2]), WALL,
              st.frozensets(st.integers(0, 6), min_size=1)),
    st.builds(lambda hours: Interval(hours * 3600 + 900), st.integers(3, 80)),
    st.builds(Cron, st.sampled_from(["0 */7 * * *", "30 2,3 * * *", "0 9 1,15 * *", "15 0 * * 6", "*/50 1-3 * * 0"]),
              st.sampled_from(ZONES)),
)  # fmt: skip
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("daily", {"hour": 9, "minute": 0, "every": 3, "timezone": "Europe/Paris"}),
    ("weekly", {"hour": 9, "minute": 30, "day_of_week": "sat,sun", "every": 2}),
    ("monthly", {"day": 31, "hour": 2, "minute": 30, "timezone": "Europe/Paris"}),
    ("monthly", {"day": "last_workday", "hour": 18, "minute": 0}),
    ("monthly", {"day": "first_workday", "hour": 8, "minute": 0, "timezone": "America/New_York"}),
    ("monthly", {"day": {"nth": "last", "weekday": "fri"}, "hour": 17, "minute": 0}),
    ("rrule", {"rrule": "FREQ=WEEKLY;BYDAY=SA,SU,MO;BYHOUR=8,20", "dtstart": "2025-01-04T08:00:00"}),
    ("once", {"dates": ["2025-03-15T02:30:00", "2025-03-30T02:30:00", "2025-04-20T08:00:00"],
              "timezone": "Europe/Paris"}),
    ("any", {"schedules": [
        {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}},
        {"schedule_type": "cron", "schedule_config": {"cron_expression": "0 8,12 * * 6,0,1"}},
    ], "except": [{"schedule_type": "weekly", "schedule_config": {"hour": 8, "minute": 0, "day_of_week": "wed"}}]}),
]  # fmt: skip
SCHEDULES = PLAIN | st.sampled_from(OTHERS).map(lambda one: parse_schedule(*one))
START = date(2025, 3, 1)
CALENDARS = st.builds(
    lambda off, days, spans: calendar(
        weekdays_off=sorted(off), dates=[(START + timedelta(days=n)).isoformat() for n in days],
        ranges=[{"from": (START + timedelta(days=n)).isoformat(), "to": (START + timedelta(days=n + m)).isoformat()}
                for n, m in spans],
    ),
    st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), max_size=5),
    st.lists(st.integers(0, 120), max_size=8),
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 45)), max_size=2),
)  # fmt: skip


@pytest.mark.slow(reason="the oracle walks from minute to minute")
@settings(max_examples=100, deadline=None)
@given(SCHEDULES, CALENDARS, st.sampled_from(["skip", *MOVES]), st.integers(0, 80 * DAY))
def test_occurrences_land_where_a_walk_from_day_to_day_finds_them(
    schedule: Schedule, closes: WorkCalendar, what: str, offset: int
) -> None:
    options, first = on(what), at("2025-03-10T00:00:00") + offset
    last = first + 30 * DAY
    expected = oracle(schedule, options, closes, first, last)
    found: list[int] = []
    upcoming = next_occurrence(schedule, options, first, 0, closes)
    while upcoming is not None and upcoming <= last:
        found.append(upcoming)
        upcoming = next_occurrence(schedule, options, upcoming, 0, closes)
    assert found == expected


@settings(max_examples=100, deadline=None)
@given(SCHEDULES, CALENDARS, st.sampled_from(["skip", *MOVES]), st.integers(0, 80 * DAY), st.integers(0, 20 * DAY))
def test_splitting_a_span_splits_its_occurrences(
    schedule: Schedule, closes: WorkCalendar, what: str, offset: int, split: int
) -> None:
    """Strictly increasing, and the same from wherever one begins."""
    options, first = on(what), at("2025-03-10T00:00:00") + offset
    whole = preview(schedule, options, first, 25, 0, closes)
    assert whole == sorted(set(whole))
    after = [one for one in whole if one > first + split]
    assert preview(schedule, options, first + split, len(after), 0, closes) == after


@settings(max_examples=100, deadline=None)
@given(SCHEDULES, CALENDARS, st.sampled_from(["skip", *MOVES]), st.integers(0, 80 * DAY))
def test_the_next_open_one_is_the_first_that_is_not_closed(
    schedule: Schedule, closes: WorkCalendar, what: str, offset: int
) -> None:
    """Passing over whole closed days misses nothing."""
    options, after = on(what), at("2025-03-10T00:00:00") + offset
    found = coming(schedule, options, after, 1, 0, closes, closed_at_most=2_000)
    assert next_open(schedule, options, after, 0, closes) == (found[-1] if found and not found[-1].closed else None)


# tables


WEEKEND = calendar(weekdays_off=["sat", "sun"])


def landed(schedule: Schedule, options: Options, closes: WorkCalendar, after: str, count: int) -> list[tuple[str, ...]]:
    found = coming(schedule, options, at(after), count, 0, closes, 100)
    return [(show(one.at), show(one.moved_from), one.closed or "") for one in found]


def show(instant: int | None) -> str:
    return "" if instant is None else datetime.fromtimestamp(instant, UTC).strftime("%a %d %H:%M")


def test_a_closed_day_is_named_and_skipped() -> None:
    closes = calendar(weekdays_off=["sat", "sun"], country="AT")
    found = landed(Daily(9, 0, "Europe/Vienna"), on("skip"), closes, "2026-12-24T12:00:00", 1)
    assert found == [
        ("Fri 25 08:00", "", "Christmas Day"), ("Sat 26 08:00", "", "Saint Stephen's Day"),
        ("Sun 27 08:00", "", "Sunday"), ("Mon 28 08:00", "", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("next_open", [("Mon 10 08:00", "Sun 09 08:00", ""), ("Mon 17 08:00", "Sun 16 08:00", "")]),
        ("previous_open", [("Fri 14 08:00", "Sun 16 08:00", ""), ("Fri 21 08:00", "Sun 23 08:00", "")]),
    ],
)
def test_an_occurrence_moves_to_the_next_open_day_at_its_time(what: str, expected: list[tuple[str, ...]]) -> None:
    """From Saturday noon on: Sunday's is still to come at Monday, and Friday's has been."""
    assert landed(Weekly(8, 0, frozenset({6})), on(what), WEEKEND, "2025-03-08T12:00:00", 2) == expected


@pytest.mark.parametrize("what", MOVES)
def test_what_lands_on_another_is_one_with_it(what: str) -> None:
    found = landed(Daily(8, 0), on(what), WEEKEND, "2025-03-06T12:00:00", 3)
    assert found == [("Fri 07 08:00", "", ""), ("Mon 10 08:00", "", ""), ("Tue 11 08:00", "", "")]


def test_nothing_moves_further_than_31_days() -> None:
    """The first days of a closure of 40 stay where they are, closed; the last 31 days move to its end."""
    closes = calendar(ranges=[{"from": "2025-03-01", "to": "2025-04-09", "why": "works"}])
    assert landed(Weekly(8, 0, frozenset({4})), on("next_open"), closes, "2025-03-01T00:00:00", 1) == [
        ("Fri 07 08:00", "", "works"), ("Thu 10 08:00", "Fri 04 08:00", ""),
    ]  # fmt: skip
    assert landed(Weekly(8, 0, frozenset({4})), on("previous_open"), closes, "2025-02-27T00:00:00", 2) == [
        ("Fri 28 08:00", "", ""), ("Fri 04 08:00", "", "works"), ("Fri 11 08:00", "", ""),
    ]  # fmt: skip


def test_a_time_that_does_not_exist_on_the_open_day_comes_after_the_gap() -> None:
    """Sunday, March 30, 2025, 02:30 does not exist in Paris."""
    closes = calendar(weekdays_off=["sat"])
    schedule = Weekly(2, 30, frozenset({5}), "Europe/Paris")
    assert landed(schedule, on("next_open"), closes, "2025-03-28T00:00:00", 1) == [
        ("Sun 30 01:00", "Sat 29 01:30", ""),
    ]  # fmt: skip


SPRING = calendar(ranges=[{"from": "2025-03-30", "to": "2025-03-30"}])
VIENNA = "Europe/Vienna"


def moved(what: str, kind: str, **config: Any) -> list[str]:
    """The local times of two days around March 30, 2025, at which 02:00 to 03:00 do not exist, and which is closed."""
    schedule = parse_schedule(kind, {"timezone": VIENNA, **config})
    first, last = ("2025-03-30T22:00:00", "2025-03-31T22:00:00") if what == "next_open" else (
        "2025-03-28T23:00:00", "2025-03-29T23:00:00")  # fmt: skip
    found = [at(first)]
    while (upcoming := next_occurrence(schedule, on(what), found[-1], at("2025-03-20T02:30:00"), SPRING)) is not None:
        if upcoming >= at(last):
            break
        found.append(upcoming)
    return [datetime.fromtimestamp(one, zone(VIENNA)).strftime("%H:%M") for one in found[1:]]


@pytest.mark.parametrize("what", MOVES)
@pytest.mark.parametrize(
    ("kind", "config", "expected"),
    [
        ("daily", {"hour": 2, "minute": 30}, ["02:30"]),
        ("daily", {"hour": 3, "minute": 0}, ["03:00"]),
        ("daily", {"hour": 2, "minute": 30, "every": 10}, ["02:30"]),
        ("weekly", {"hour": 2, "minute": 30, "day_of_week": "sun"}, ["02:30"]),
        ("monthly", {"day": 30, "hour": 2, "minute": 30}, ["02:30"]),
        ("once", {"dates": ["2025-03-30T02:10:00", "2025-03-30T02:50:00"]}, ["02:10", "02:50"]),
        ("rrule", {"rrule": "FREQ=DAILY;BYDAY=SU", "dtstart": "2025-03-02T02:30:00"}, ["02:30"]),
        ("cron", {"cron_expression": "0,30 2,3 * * 0"}, ["02:00", "02:30", "03:00", "03:30"]),
        ("cron", {"cron_expression": "*/30 1-3 * * 0"}, ["01:00", "01:30", "03:00", "03:30"]),
    ],
)
def test_a_time_that_the_clocks_skip_is_moved_as_it_is_written(
    what: str, kind: str, config: dict[str, Any], expected: list[str]
) -> None:
    """Not as the instant after the gap. Real time has no such times."""
    assert moved(what, kind, **config) == expected


def on_sundays(hour: int, minute: int, timezone: str = VIENNA) -> dict[str, Any]:
    config = {"day_of_week": "sun", "hour": hour, "minute": minute, "timezone": timezone}
    return {"schedule_type": "weekly", "schedule_config": config, "name": f"{hour:02d}:{minute:02d} {timezone}"}


@pytest.mark.parametrize("what", MOVES)
def test_a_members_skipped_time_is_moved_as_the_member_would_move_it(what: str) -> None:
    """They are due together, right after the gap, and land apart, by their names; one of another zone as it shows."""
    members = [on_sundays(2, 10), on_sundays(2, 50), on_sundays(3, 0), on_sundays(1, 0, "UTC")]
    union = parse_schedule("any", {"schedules": members})
    (together,) = preview(union, on("skip"), at("2025-03-30T00:00:00"), 1, 0, SPRING)
    assert len(members_due(union, on("skip"), together, 0, SPRING)) == 4
    after = "2025-03-30T12:00:00" if what == "next_open" else "2025-03-28T12:00:00"
    found = preview(union, on(what), at(after), 3, 0, SPRING)
    landed = [
        (datetime.fromtimestamp(one, zone(VIENNA)).strftime("%a %H:%M"),
         [member.name for member in members_due(union, on(what), one, 0, SPRING)])
        for one in found
    ]  # fmt: skip
    day = "Mon" if what == "next_open" else "Sat"
    assert landed == [
        (f"{day} 02:10", ["02:10 Europe/Vienna"]), (f"{day} 02:50", ["02:50 Europe/Vienna"]),
        (f"{day} 03:00", ["03:00 Europe/Vienna", "01:00 UTC"]),
    ]  # fmt: skip


def test_times_that_come_twice_land_in_the_order_of_the_day() -> None:
    """On October 26, 2025, 02:30 comes before the second 02:10 in Vienna; on Monday it comes after it."""
    schedule = parse_schedule("any", {"schedules": [
        {"schedule_type": "cron", "schedule_config": {"cron_expression": "30 2 * * 0", "timezone": VIENNA}},
        {"schedule_type": "cron", "schedule_config": {"cron_expression": "10 1 * * 0", "timezone": "UTC"}},
    ]})  # fmt: skip
    assert landed(schedule, on("next_open"), calendar(weekdays_off=["sun"]), "2025-10-26T12:00:00", 2) == [
        ("Mon 27 01:10", "Sun 26 01:10", ""), ("Mon 27 01:30", "Sun 26 00:30", ""),
    ]  # fmt: skip


def test_outside_of_the_open_hours_is_closed_wherever_it_moved() -> None:
    closes = calendar(weekdays_off=["sat", "sun"], open_hours={"from": "08:00", "to": "18:00"})
    found = landed(Cron("0 7,8,17,18 * * 6"), on("next_open"), closes, "2025-03-07T12:00:00", 2)
    outside = "outside of the open hours 08:00–18:00"
    assert found == [
        ("Mon 10 07:00", "Sat 08 07:00", outside), ("Mon 10 08:00", "Sat 08 08:00", ""),
        ("Mon 10 17:00", "Sat 08 17:00", ""),
    ]  # fmt: skip


def test_the_bounds_of_a_job_count_where_an_occurrence_lands() -> None:
    schedule = Weekly(8, 0, frozenset({6}))
    ends = on("next_open", ends_at="2025-03-10T08:00:00")
    assert landed(schedule, ends, WEEKEND, "2025-03-07T00:00:00", 3) == []
    starts = on("next_open", starts_at="2025-03-10T08:00:00")
    assert landed(schedule, starts, WEEKEND, "2025-03-01T00:00:00", 1) == [("Mon 10 08:00", "Sun 09 08:00", "")]


def test_a_job_of_which_nothing_is_ever_open_has_no_next_run() -> None:
    closes = calendar(open_hours={"from": "08:00", "to": "18:00"})
    assert next_open(Daily(3, 0), on("skip"), at("2025-03-01T00:00:00"), 0, closes) is None


def test_jitter_and_moves_need_one_time_of_day() -> None:
    refuse_jitter_of_moves(Daily(8, 0), on("next_open", jitter_seconds=60))
    refuse_jitter_of_moves(Cron("0 8,9 * * *"), on("skip", jitter_seconds=60))
    with pytest.raises(ValidationFailed, match="one time of day"):
        refuse_jitter_of_moves(Cron("0 8,9 * * *"), on("next_open", jitter_seconds=60))


# plans


MINUTELY = Cron("* * * * *")


def decided(schedule: Schedule, first: str, now: str, closes: WorkCalendar, **options: Any) -> Sequence[Decision]:
    return plan("job", schedule, on("skip", **options), at(first), 0, at(now) * 1000, closes).decisions


def told(decisions: Sequence[Decision]) -> list[tuple[str, str, int, str]]:
    return [
        (show(one.occurrence), one.reason or one.action, one.occurrences, one.closed or "") for one in decisions
    ]  # fmt: skip


def test_a_closed_occurrence_is_skipped_by_the_name_of_its_day() -> None:
    found = decided(Daily(8, 0), "2025-03-08T08:00:00", "2025-03-08T08:00:00", WEEKEND)
    assert told(found) == [("Sat 08 08:00", "closed", 1, "Saturday")]


def test_closed_ones_stand_between_missed_ones_in_order() -> None:
    """Nobody was up from Thursday to Tuesday: the weekend is closed, and only what is open was missed."""
    found = decided(Daily(8, 0), "2025-03-06T08:00:00", "2025-03-11T09:00:00", WEEKEND, misfire_grace_seconds=10 * DAY)
    assert told(found) == [
        ("Thu 06 08:00", "coalesced", 2, ""), ("Sat 08 08:00", "closed", 1, "Saturday"),
        ("Sun 09 08:00", "closed", 1, "Sunday"), ("Mon 10 08:00", "coalesced", 1, ""), ("Tue 11 08:00", "run", 1, ""),
    ]  # fmt: skip


def test_a_closed_one_found_late_is_closed_and_no_misfire() -> None:
    found = decided(Daily(8, 0), "2025-03-08T08:00:00", "2025-03-09T07:00:00", WEEKEND, misfire_grace_seconds=60)
    assert told(found) == [("Sat 08 08:00", "closed", 1, "Saturday")]


@pytest.mark.parametrize("catch_up", ["latest", "all"])
def test_the_newest_open_one_runs_though_thousands_of_closed_ones_follow(catch_up: str) -> None:
    """Each minute, not looked at from Friday night to Sunday noon: one plan holds only a part of that."""
    first, now = at("2025-03-07T23:50:00"), at("2025-03-09T12:00:30") * 1000
    options, found = on("skip", catch_up=catch_up, misfire_grace_seconds=10 * DAY), list[Decision]()
    upcoming: int | None = first
    while upcoming is not None and upcoming * 1000 <= now:
        its = plan("job", MINUTELY, options, upcoming, 0, now, WEEKEND)
        found += its.decisions
        upcoming = its.next
    assert sum(one.occurrences for one in found) == (now // 1000 - first) // 60 + 1
    runs = [show(one.occurrence) for one in found if one.action == "run"]
    assert runs == (["Fri 07 23:59"] if catch_up == "latest" else [f"Fri 07 23:{minute}" for minute in range(50, 60)])


@dataclass(frozen=True)
class Odd:
    """A calendar without open hours: no more than the engine asks for."""

    days: frozenset[date] = field(default_factory=frozenset)

    def closed(self, day: date) -> str | None:
        return "odd" if day in self.days else None


def test_any_calendar_will_do() -> None:
    closes = Odd(frozenset({date(2025, 3, 8)}))
    assert preview(Daily(8, 0), on("previous_open"), at("2025-03-07T07:00:00"), 2, 0, closes) == [
        at("2025-03-07T08:00:00"), at("2025-03-09T08:00:00"),
    ]  # fmt: skip


def test_days_are_looked_at_once_for_a_calendar_that_never_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    closed = WorkCalendar.closed

    def noted(self: WorkCalendar, day: date) -> str | None:
        nonlocal looked
        looked += 1
        return closed(self, day)

    monkeypatch.setattr(WorkCalendar, "closed", noted)
    never = calendar(ranges=[{"from": "1970-01-01", "to": "9999-12-31", "why": "never open"}])
    daily = Daily(hour=8, minute=0)
    assert next_open(daily, on("next_open"), at("2026-11-26T00:00:00"), 0, never) is None
    assert looked < 40_000


def test_a_working_day_is_looked_for_ten_years_ahead_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    years: set[int] = set()
    closed_in = WorkCalendar._closed_in

    def noted(self: WorkCalendar, year: int) -> Any:
        years.add(year)
        return closed_in(self, year)

    monkeypatch.setattr(WorkCalendar, "_closed_in", noted)
    never = calendar(ranges=[{"from": "1970-01-01", "to": "9999-12-31", "why": "never a working day"}])
    monthly = parse_schedule("monthly", {"day": "first_workday", "hour": 8, "minute": 0})
    with pytest.raises(ValidationFailed, match="has no occurrence"):
        validate_schedule(monthly, on("skip"), at("2026-11-26T00:00:00"), calendar=never)
    assert max(years) == 2036
