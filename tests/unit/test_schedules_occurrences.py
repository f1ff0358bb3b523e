"""When schedules are due: tables for ordinary days, leap days and changes of the clocks, and properties."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.options import Options
from service.domain.schedules import cron_expression, local_times, next_after, next_occurrence, preview
from service.domain.schedules.cron import CronFields, parse_cron
from service.domain.schedules.definition import Cron, Daily, Interval, Schedule, Weekly
from service.domain.schedules.zones import zone
from service.domain.timestamps import LAST_INSTANT

ANY = Options()

CHANGES = {  # a zone: an hour or so before a change of its clocks, UTC
    "Paris, spring": ("Europe/Paris", "2025-03-30T00:00:00"),
    "Paris, autumn": ("Europe/Paris", "2025-10-26T00:00:00"),
    "New York, spring": ("America/New_York", "2025-03-09T06:00:00"),
    "New York, autumn": ("America/New_York", "2025-11-02T05:00:00"),
    "Sao Paulo, midnight skipped": ("America/Sao_Paulo", "2018-11-04T02:00:00"),
    "Sao Paulo, the hour before midnight twice": ("America/Sao_Paulo", "2018-02-18T01:00:00"),
    "Lord Howe, half an hour skipped": ("Australia/Lord_Howe", "2025-10-04T14:30:00"),
    "Lord Howe, half an hour twice": ("Australia/Lord_Howe", "2025-04-05T14:00:00"),
    "Apia, a day skipped": ("Pacific/Apia", "2011-12-30T08:00:00"),
    "Havana, midnight twice": ("America/Havana", "2025-11-02T04:00:00"),
    "Kolkata, no change": ("Asia/Kolkata", "2025-03-30T00:00:00"),
    "UTC, no change": ("UTC", "2025-03-30T00:00:00"),
}


def at(text: str) -> int:
    """Epoch seconds of a timestamp in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def local(schedule: Schedule, after: str, count: int) -> list[str]:
    return local_times(schedule, preview(schedule, ANY, at(after), count, 0))


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        (Daily(8, 0), "2025-01-15T07:59:59", ["2025-01-15T08:00:00+00:00", "2025-01-16T08:00:00+00:00"]),
        (Daily(8, 0), "2025-01-15T08:00:00", ["2025-01-16T08:00:00+00:00"]),
        (Daily(0, 0, "Asia/Kolkata"), "2025-01-15T18:00:00", ["2025-01-16T00:00:00+05:30"]),
        (
            Weekly(14, 30, frozenset({0, 2, 4})),
            "2025-01-15T14:30:00",
            ["2025-01-17T14:30:00+00:00", "2025-01-20T14:30:00+00:00", "2025-01-22T14:30:00+00:00"],
        ),
        (Weekly(0, 0, frozenset({6})), "2025-01-15T00:00:00", ["2025-01-19T00:00:00+00:00"]),
        (Cron("0 8-18 * * 1-5"), "2025-01-17T17:30:00", ["2025-01-17T18:00:00+00:00", "2025-01-20T08:00:00+00:00"]),
        (
            Cron("0 0 13 * 5"),
            "2025-06-01T00:00:00",
            ["2025-06-06T00:00:00+00:00", "2025-06-13T00:00:00+00:00", "2025-06-20T00:00:00+00:00"],
        ),
        (Cron("0 0 13 * */5"), "2025-01-01T00:00:00", ["2025-04-13T00:00:00+00:00", "2025-06-13T00:00:00+00:00"]),
        (Cron("0 0 * * 0"), "2025-01-15T00:00:00", ["2025-01-19T00:00:00+00:00"]),
        (Cron("0 0 * * 7"), "2025-01-15T00:00:00", ["2025-01-19T00:00:00+00:00"]),
        (Cron("0 12 * feb MON"), "2025-01-15T00:00:00", ["2025-02-03T12:00:00+00:00"]),
        (Cron("0 8-8 * * *"), "2025-01-15T00:00:00", ["2025-01-15T08:00:00+00:00", "2025-01-16T08:00:00+00:00"]),
        (Cron("0 8-8/2 * * *"), "2025-01-15T00:00:00", ["2025-01-15T08:00:00+00:00", "2025-01-16T08:00:00+00:00"]),
        (
            Cron("*/40 9 * * *"),
            "2025-01-15T00:00:00",
            ["2025-01-15T09:00:00+00:00", "2025-01-15T09:40:00+00:00", "2025-01-16T09:00:00+00:00"],
        ),
        (Cron("0 0 31 * *"), "2025-01-31T00:00:00", ["2025-03-31T00:00:00+00:00", "2025-05-31T00:00:00+00:00"]),
        (Cron("0 0 29 2 *"), "2025-01-01T00:00:00", ["2028-02-29T00:00:00+00:00", "2032-02-29T00:00:00+00:00"]),
        (Cron("0 0 29 2 *"), "2096-03-01T00:00:00", ["2104-02-29T00:00:00+00:00"]),
        (Cron("0 0 29 2 */7"), "2072-01-01T00:00:00", ["2088-02-29T00:00:00+00:00"]),
    ],
)
def test_ordinary_days(schedule: Schedule, after: str, expected: list[str]) -> None:
    """Away from changes of the clocks a schedule fires exactly when its fields say, strictly after the instant."""
    assert local(schedule, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        # A fixed time that is skipped happens once, right after the gap.
        (
            Daily(2, 30, "Europe/Paris"),
            "2025-03-29T12:00:00",
            ["2025-03-30T03:00:00+02:00", "2025-03-31T02:30:00+02:00"],
        ),
        (
            Daily(2, 30, "America/New_York"),
            "2025-03-08T12:00:00",
            ["2025-03-09T03:00:00-04:00", "2025-03-10T02:30:00-04:00"],
        ),
        (
            Daily(0, 0, "America/Sao_Paulo"),
            "2018-11-03T12:00:00",
            ["2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"],
        ),
        (
            Weekly(0, 30, frozenset({6}), "America/Sao_Paulo"),
            "2018-11-03T12:00:00",
            ["2018-11-04T01:00:00-02:00", "2018-11-11T00:30:00-02:00"],
        ),
        (
            Daily(2, 15, "Australia/Lord_Howe"),
            "2025-10-04T12:00:00",
            ["2025-10-05T02:30:00+11:00", "2025-10-06T02:15:00+11:00"],
        ),
        (
            Daily(8, 0, "Pacific/Apia"),
            "2011-12-29T17:00:00",
            ["2011-12-29T08:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T08:00:00+14:00"],
        ),
        (
            Cron("0,30 2,3 * * *", "Europe/Paris"),
            "2025-03-30T00:00:00",
            ["2025-03-30T03:00:00+02:00", "2025-03-30T03:30:00+02:00", "2025-03-31T02:00:00+02:00"],
        ),
        # A fixed time that comes twice happens the first time.
        (
            Daily(2, 30, "Europe/Paris"),
            "2025-10-25T12:00:00",
            ["2025-10-26T02:30:00+02:00", "2025-10-27T02:30:00+01:00"],
        ),
        (Daily(1, 30, "America/New_York"), "2025-11-02T06:10:00", ["2025-11-03T01:30:00-05:00"]),
        (
            Daily(23, 30, "America/Sao_Paulo"),
            "2018-02-17T12:00:00",
            ["2018-02-17T23:30:00-02:00", "2018-02-18T23:30:00-03:00"],
        ),
        (
            Daily(1, 45, "Australia/Lord_Howe"),
            "2025-04-05T12:00:00",
            ["2025-04-06T01:45:00+11:00", "2025-04-07T01:45:00+10:30"],
        ),
        # Wildcards follow real time.
        (
            Cron("30 * * * *", "Europe/Paris"),
            "2025-03-30T00:00:00",
            ["2025-03-30T01:30:00+01:00", "2025-03-30T03:30:00+02:00"],
        ),
        (
            Cron("30 * * * *", "Europe/Paris"),
            "2025-10-26T00:00:00",
            ["2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00", "2025-10-26T03:30:00+01:00"],
        ),
        (Cron("*/20 2 * * *", "Europe/Paris"), "2025-03-29T01:40:00", ["2025-03-31T02:00:00+02:00"]),
        (
            Cron("*/30 2 * * *", "Europe/Paris"),
            "2025-10-25T23:59:00",
            [
                "2025-10-26T02:00:00+02:00",
                "2025-10-26T02:30:00+02:00",
                "2025-10-26T02:00:00+01:00",
                "2025-10-26T02:30:00+01:00",
                "2025-10-27T02:00:00+01:00",
            ],
        ),
        (
            Cron("*/10 3 * * *", "Australia/Lord_Howe"),
            "2025-10-04T15:00:00",
            ["2025-10-05T03:00:00+11:00", "2025-10-05T03:10:00+11:00", "2025-10-05T03:20:00+11:00"],
        ),
        (
            Cron("45 * * * *", "Australia/Lord_Howe"),
            "2025-04-05T14:46:00",
            ["2025-04-06T01:45:00+10:30", "2025-04-06T02:45:00+10:30"],
        ),
        (
            Cron("0 */6 * * *", "Pacific/Apia"),
            "2011-12-30T03:59:00",
            ["2011-12-29T18:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T06:00:00+14:00"],
        ),
        (Cron("*/30 0 * * *", "America/Sao_Paulo"), "2018-11-03T12:00:00", ["2018-11-05T00:00:00-02:00"]),
    ],
)
def test_changes_of_the_clocks(schedule: Schedule, after: str, expected: list[str]) -> None:
    """Debian cron's rules: fixed times once, right after a gap or in the first pass; wildcards by real time."""
    assert local(schedule, after, len(expected)) == expected


@pytest.mark.parametrize("timezone", ["UTC", "Asia/Kolkata"])
def test_zones_without_changes_keep_a_steady_day(timezone: str) -> None:
    """Where the clocks never change, a daily job's occurrences are 86,400 s apart all year."""
    found = preview(Daily(2, 30, timezone), ANY, at("2025-01-01T00:00:00"), 365, 0)
    assert {later - earlier for earlier, later in pairwise(found)} == {86400}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_intervals_do_not_know_the_clocks(change: tuple[str, str]) -> None:
    """An interval's occurrences stay anchor + n × interval across every change."""
    start = at(change[1]) - 43_200
    found = preview(Interval(5400), ANY, start + 1, 20, start)
    assert found == [start + n * 5400 for n in range(1, 21)]


def oracle(schedule: Daily | Weekly | Cron, start: int, end: int) -> set[int]:
    """The occurrences in start ≤ o < end by brute force, minute for minute, straight from the rules."""
    fields, rules = parse_cron(cron_expression(schedule), ""), zone(schedule.timezone)
    if fields.wildcard:
        return {o for o in range(start, end, 60) if matches(fields, datetime.fromtimestamp(o, rules))}
    return {o for o in fixed(fields, schedule.timezone, start, end) if start <= o < end}


def fixed(fields: CronFields, timezone: str, start: int, end: int) -> Iterator[int]:
    """Each matching wall-clock minute near the span, at its first instant or at the first after the gap it is in."""
    rules = zone(timezone)
    wall = datetime.fromtimestamp(start - 2 * 86400, rules).replace(tzinfo=None, fold=0)
    real = wall
    while wall < datetime.fromtimestamp(end + 2 * 86400, rules).replace(tzinfo=None):
        if matches(fields, wall):
            real = max(real, wall)
            while (
                datetime.fromtimestamp(real.replace(tzinfo=rules).timestamp(), rules).replace(tzinfo=None, fold=0)
                != real
            ):
                real += timedelta(minutes=1)
            yield int(real.replace(tzinfo=rules).timestamp())
        wall += timedelta(minutes=1)


def matches(fields: CronFields, wall: datetime) -> bool:
    by_date, by_weekday = wall.day in fields.days, wall.isoweekday() % 7 in fields.weekdays
    by_day = (by_date and by_weekday) if fields.both_days else (by_date or by_weekday)
    return wall.minute in fields.minutes and wall.hour in fields.hours and wall.month in fields.months and by_day


def all_between(schedule: Schedule, start: int, end: int, anchor: int = 0) -> list[int]:
    """The occurrences in start ≤ o < end, one by one."""
    found, upcoming = [], next_after(schedule, start - 1, anchor)
    while upcoming is not None and upcoming < end:
        found.append(upcoming)
        upcoming = next_after(schedule, upcoming, anchor)
    return found


def cron_field(low: int, high: int) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    ranges = st.tuples(numbers, numbers).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.tuples(st.one_of(st.just("*"), ranges), st.integers(1, 30)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    terms = st.one_of(st.just("*"), numbers.map(str), ranges, steps)
    return st.lists(terms, min_size=1, max_size=3).map(",".join)


times = st.tuples(cron_field(0, 59), cron_field(0, 23)).map(" ".join)
expressions = st.tuples(times, cron_field(1, 28), cron_field(1, 12), cron_field(0, 7)).map(" ".join)
timezones = st.sampled_from(sorted({timezone for timezone, _ in CHANGES.values()}))
schedules = st.one_of(
    st.builds(Daily, st.integers(0, 23), st.integers(0, 59), timezones),
    st.builds(Weekly, st.integers(0, 23), st.integers(0, 59), st.frozensets(st.integers(0, 6), min_size=1), timezones),
    st.builds(Interval, st.integers(1, 366 * 86400)),
    st.builds(Cron, expressions, timezones),
)
instants = st.one_of(
    st.integers(at("1972-01-01T00:00:00"), at("2100-01-01T00:00:00")),
    st.builds(
        lambda change, seconds: at(change[1]) + seconds,
        st.sampled_from(sorted(CHANGES.values())),
        st.integers(-7200, 7200),
    ),
)


@pytest.mark.slow(reason="every minute around each change is looked at")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@given(time_of_day=times)
@settings(max_examples=15)
def test_every_change_agrees_with_brute_force(change: tuple[str, str], time_of_day: str) -> None:
    """In the hours around a change, the occurrences are those that the rules give minute for minute."""
    schedule = Cron(f"{time_of_day} * * *", change[0])
    start = at(change[1]) - 7200
    assert set(all_between(schedule, start, start + 21600)) == oracle(schedule, start, start + 21600)


@given(schedule=schedules, after=instants)
def test_the_next_is_later(schedule: Schedule, after: int) -> None:
    """What comes next is strictly after the instant asked from."""
    upcoming = next_after(schedule, after, after)
    assert upcoming is None or upcoming > after


@given(schedule=schedules, after=instants)
def test_occurrences_strictly_increase(schedule: Schedule, after: int) -> None:
    """Following occurrences never repeat and never go back, and they are the same from wherever one starts."""
    found = preview(schedule, ANY, after, 8, after)
    assert found == sorted(set(found))
    for earlier, later in pairwise(found):
        assert next_after(schedule, later - 1, after) == later
        assert next_after(schedule, (earlier + later) // 2, after) == later


@given(schedule=schedules, start=instants, spans=st.tuples(st.integers(0, 20_000), st.integers(0, 20_000)))
@settings(max_examples=60)
def test_splitting_a_span_splits_its_occurrences(schedule: Schedule, start: int, spans: tuple[int, int]) -> None:
    """The occurrences of two neighbouring spans are together those of the whole."""
    middle, end = start + spans[0], start + sum(spans)
    halves = all_between(schedule, start, middle, start) + all_between(schedule, middle, end, start)
    assert halves == all_between(schedule, start, end, start)


@pytest.mark.parametrize(
    "schedule",
    [
        Daily(23, 59),
        Cron("* * * * *", "America/New_York"),
        Cron("* * * * *", "Asia/Kolkata"),
        Interval(7),
        Cron("0 0 29 2 *", "Pacific/Kiritimati"),
        Weekly(0, 0, frozenset({4}), "Pacific/Apia"),
    ],
    ids=str,
)
def test_the_end_of_time_is_an_end(schedule: Schedule) -> None:
    """Near the end of the year 9999 a schedule runs out, and nothing breaks."""
    found = preview(schedule, ANY, LAST_INSTANT - 7200, 1000, LAST_INSTANT - 7200)
    assert all(occurrence <= LAST_INSTANT for occurrence in found)
    assert len(local_times(schedule, found)) == len(found)
    assert next_after(schedule, LAST_INSTANT, 0) is None
    assert next_after(schedule, 10**18, 0) is None


@pytest.mark.parametrize(
    ("schedule", "window", "after", "expected"),
    [
        (Daily(8, 0), {"starts_at": "2025-02-01T08:00:00"}, "2025-01-15T00:00:00", "2025-02-01T08:00:00"),
        (Daily(8, 0), {"starts_at": "2025-02-01T08:00:01"}, "2025-01-15T00:00:00", "2025-02-02T08:00:00"),
        (Daily(8, 0), {"starts_at": "2025-01-01T00:00:00"}, "2025-01-15T00:00:00", "2025-01-15T08:00:00"),
        (Daily(8, 0), {"ends_at": "2025-01-15T08:00:00"}, "2025-01-15T00:00:00", None),
        (Daily(8, 0), {"ends_at": "2025-01-15T08:00:01"}, "2025-01-15T00:00:00", "2025-01-15T08:00:00"),
        (Interval(3600), {}, "2025-01-15T00:30:00", "2025-01-15T01:30:00"),
        (Interval(3600), {"starts_at": "2025-01-15T02:10:00"}, "2025-01-15T00:30:00", "2025-01-15T02:10:00"),
        (Interval(3600), {"starts_at": "2025-01-15T02:10:00"}, "2025-01-15T02:10:00", "2025-01-15T03:10:00"),
        (Interval(3600), {"starts_at": "2025-01-14T02:10:00"}, "2025-01-15T00:30:00", "2025-01-15T01:30:00"),
        (Interval(3600), {"ends_at": "2025-01-15T01:30:00"}, "2025-01-15T00:30:00", None),
    ],
)
def test_the_window(schedule: Schedule, window: dict[str, str], after: str, expected: str | None) -> None:
    """`starts_at` ≤ occurrence < `ends_at`; an interval counts from a `starts_at` that was to come."""
    options = Options(**window)  # type: ignore[arg-type]
    found = next_occurrence(schedule, options, at(after), at("2025-01-15T00:30:00"))
    assert found == (None if expected is None else at(expected))


def test_an_anchor_that_is_the_start_counts_the_start() -> None:
    """An interval anchored at its `starts_at` itself is due there first, then at every interval."""
    options, start = Options(starts_at="2025-01-15T02:10:00"), at("2025-01-15T02:10:00")
    assert next_occurrence(Interval(60), options, start - 1, start) == start
    assert next_occurrence(Interval(60), options, start, start) == start + 60


def test_intervals_do_not_drift() -> None:
    """However late one asks, an interval's next occurrence is on its grid."""
    assert next_after(Interval(7), 1_000_000, 3) == 3 + 7 * ((1_000_000 - 3) // 7 + 1)
    assert next_after(Interval(7), 0, 100) == 107
