"""Recurrence rules, against `dateutil`'s own sets in UTC, and against the examples of RFC 5545 §3.8.5.3, typed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from service.domain.options import Options
from service.domain.schedules import (
    local_times,
    next_after,
    preview,
    refuse_short_interval,
    shortest_gap,
    validate_schedule,
)
from service.domain.schedules.definition import Recurrence, Schedule, parse_schedule
from service.domain.schedules.types.recurrence import walk
from service.domain.schedules.types.recurrence.rule import parse_rule
from service.errors import ScheduleError, ValidationFailed

NEW_YORK = "America/New_York"
START = "1997-09-02T09:00:00"


def recurrence(text: str, start: str | None = START, timezone: str = "UTC") -> Recurrence:
    config: dict[str, Any] = {"rrule": text, "timezone": timezone} | ({"dtstart": start} if start else {})
    schedule = parse_schedule("rrule", config)
    assert isinstance(schedule, Recurrence)
    return schedule


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def dates(schedule: Schedule, count: int, after: str = "1990-01-01T00:00:00") -> list[str]:
    return [text[:10] for text in local_times(schedule, preview(schedule, Options(), at(after), count, 0))]


# RFC 5545 §3.8.5.3; DTSTART;TZID=America/New_York:19970902T090000 where no other is named
EXAMPLES: list[tuple[str, str, int | None, str]] = [
    ("FREQ=DAILY;COUNT=10", START, None, "1997 9/2 9/3 9/4 9/5 9/6 9/7 9/8 9/9 9/10 9/11"),
    ("FREQ=DAILY;INTERVAL=2", START, 6, "1997 9/2 9/4 9/6 9/8 9/10 9/12"),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", START, None, "1997 9/2 9/12 9/22 10/2 10/12"),
    ("FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA", "1998-01-01T09:00", 4,
     "1998 1/1 1/2 1/3 1/4"),
    ("FREQ=WEEKLY;COUNT=10", START, None, "1997 9/2 9/9 9/16 9/23 9/30 10/7 10/14 10/21 10/28 11/4"),
    ("FREQ=WEEKLY;UNTIL=19971224T000000Z", START, None,
     "1997 9/2 9/9 9/16 9/23 9/30 10/7 10/14 10/21 10/28 11/4 11/11 11/18 11/25 12/2 12/9 12/16 12/23"),
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", START, 6, "1997 9/2 9/16 9/30 10/14 10/28 11/11"),
    ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", START, None,
     "1997 9/2 9/4 9/9 9/11 9/16 9/18 9/23 9/25 9/30 10/2"),
    ("FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR", "1997-09-01T09:00", 7,
     "1997 9/1 9/3 9/5 9/15 9/17 9/19 9/29"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", START, None,
     "1997 9/2 9/4 9/16 9/18 9/30 10/2 10/14 10/16"),
    ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05T09:00", None,
     "1997 9/5 10/3 11/7 12/5 1998 1/2 2/6 3/6 4/3 5/1 6/5"),
    ("FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", "1997-09-05T09:00", None, "1997 9/5 10/3 11/7 12/5"),
    ("FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "1997-09-07T09:00", None,
     "1997 9/7 9/28 11/2 11/30 1998 1/4 1/25 3/1 3/29 5/3 5/31"),
    ("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997-09-22T09:00", None, "1997 9/22 10/20 11/17 12/22 1998 1/19 2/16"),
    ("FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28T09:00", 6, "1997 9/28 10/29 11/28 12/29 1998 1/29 2/26"),
    ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", START, None,
     "1997 9/2 9/15 10/2 10/15 11/2 11/15 12/2 12/15 1998 1/2 1/15"),
    ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "1997-09-30T09:00", None,
     "1997 9/30 10/1 10/31 11/1 11/30 12/1 12/31 1998 1/1 1/31 2/1"),
    ("FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15", "1997-09-10T09:00", None,
     "1997 9/10 9/11 9/12 9/13 9/14 9/15 1999 3/10 3/11 3/12 3/13"),
    ("FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", START, 9, "1997 9/2 9/9 9/16 9/23 9/30 11/4 11/11 11/18 11/25"),
    ("FREQ=YEARLY;COUNT=10;BYMONTH=6,7", "1997-06-10T09:00", None,
     "1997 6/10 7/10 1998 6/10 7/10 1999 6/10 7/10 2000 6/10 7/10 2001 6/10 7/10"),
    ("FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3", "1997-03-10T09:00", None,
     "1997 3/10 1999 1/10 2/10 3/10 2001 1/10 2/10 3/10 2003 1/10 2/10 3/10"),
    ("FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", "1997-01-01T09:00", None,
     "1997 1/1 4/10 7/19 2000 1/1 4/9 7/18 2003 1/1 4/10 7/19 2006 1/1"),
    ("FREQ=YEARLY;BYDAY=20MO", "1997-05-19T09:00", 3, "1997 5/19 1998 5/18 1999 5/17"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05-12T09:00", 3, "1997 5/12 1998 5/11 1999 5/17"),
    ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997-03-13T09:00", 7, "1997 3/13 3/20 3/27 1998 3/5 3/12 3/19 3/26"),
    ("FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8", "1997-06-05T09:00", 5, "1997 6/5 6/12 6/19 6/26 7/3"),
    ("RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13\nEXDATE;TZID=America/New_York:19970902T090000", START, 5,
     "1998 2/13 3/13 11/13 1999 8/13 2000 10/13"),
    ("FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "1997-09-13T09:00", 5,
     "1997 9/13 10/11 11/8 12/13 1998 1/10"),
    ("FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "1996-11-05T09:00", 3,
     "1996 11/5 2000 11/7 2004 11/2"),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04T09:00", None, "1997 9/4 10/7 11/6"),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997-09-29T09:00", 7,
     "1997 9/29 10/30 11/27 12/30 1998 1/29 2/26 3/30"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05T09:00", None, "1997 8/5 8/10 8/19 8/24"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05T09:00", None, "1997 8/5 8/17 8/19 8/31"),
    ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15T09:00", None, "2007 1/15 1/30 2/15 3/15 3/30"),
]  # fmt: skip


def typed(text: str) -> list[str]:
    found, year = [], ""
    for word in text.split():
        if "/" in word:
            month, day = word.split("/")
            found.append(f"{year}-{int(month):02d}-{int(day):02d}")
        else:
            year = word
    return found


@pytest.mark.parametrize(("text", "start", "count", "expected"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_the_examples_of_rfc_5545(text: str, start: str, count: int | None, expected: str) -> None:
    """As printed there; where it goes on for ever, its beginning."""
    schedule = recurrence(text, start, NEW_YORK)
    assert dates(schedule, count or 100) == typed(expected)
    assert {time[11:16] for time in local_times(schedule, preview(schedule, Options(), 0, 5, 0))} == {"09:00"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", ["09:00", "12:00", "15:00"]),  # 17:00 in New York
        ("FREQ=MINUTELY;INTERVAL=15;COUNT=6", ["09:00", "09:15", "09:30", "09:45", "10:00", "10:15"]),
        ("FREQ=MINUTELY;INTERVAL=90;COUNT=4", ["09:00", "10:30", "12:00", "13:30"]),
        ("FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40", ["09:00", "09:20", "09:40", "10:00", "10:20", "10:40", "09:00"]),
        ("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10", ["09:00", "09:20", "09:40", "10:00", "10:20", "10:40", "09:00"]),
    ],
)
def test_the_examples_within_a_day(text: str, expected: list[str]) -> None:
    """From the same section."""
    schedule = recurrence(text, START, NEW_YORK)
    found = local_times(schedule, preview(schedule, Options(), 0, len(expected), 0))
    assert [time[11:16] for time in found] == expected


NUMBERS = st.integers(1, 4)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Any rule of some freq and parts that RFC 5545 allows with it."""
    freq = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]))
    parts = {"FREQ": freq, "INTERVAL": str(draw(st.integers(1, 40)))}

    def some(name: str, values: st.SearchStrategy[Any], chance: int = 3) -> None:
        if draw(st.integers(1, chance)) == 1:
            parts[name] = ",".join(map(str, draw(st.lists(values, min_size=1, max_size=4, unique=True))))

    some("BYMONTH", st.integers(1, 12))
    some("BYDAY", st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]))
    if freq in ("YEARLY", "MONTHLY"):
        some("BYDAY", st.sampled_from(["1MO", "-1FR", "2TU", "SU"]))
    if freq != "WEEKLY":
        some("BYMONTHDAY", st.sampled_from([1, 2, 13, 28, 31, -1, -3]))
    some("BYHOUR", st.integers(0, 23))
    some("BYMINUTE", st.integers(0, 59))
    some("BYSECOND", st.integers(0, 59), 6)
    if len(parts) > 2 and freq in ("YEARLY", "MONTHLY", "WEEKLY", "DAILY"):
        some("BYSETPOS", st.sampled_from([1, 2, -1, -2]), 4)
    if draw(st.booleans()):
        parts["WKST"] = draw(st.sampled_from(["MO", "SU", "TH"]))
    if draw(st.integers(1, 4)) == 1:
        parts["COUNT"] = str(draw(st.integers(1, 30)))
    elif draw(st.integers(1, 4)) == 1:
        parts["UNTIL"] = draw(st.sampled_from(["20010101T000000", "19971015T120000Z", "20200101T000000"]))
    return ";".join(f"{name}={value}" for name, value in parts.items())


@given(rules(), st.integers(0, 3 * 365 * 86400))
def test_rules_are_walked_as_dateutil_walks_them_from_their_start(text: str, later: int) -> None:
    """In UTC, from any instant on: the walk that begins in the middle meets what the one from the start does."""
    schedule = recurrence(text)
    start = datetime.fromisoformat(START)
    try:
        whole = rrulestr(text.replace("Z", ""), dtstart=start)
        after = start + timedelta(seconds=later)
        known = list(islice(_within(whole, after), 4))
    except ValueError:  # parts that leave no time
        known = []
    try:
        found = preview(schedule, Options(), at(str(after)), 4, 0) if known else []
    except ScheduleError:  # beyond what is searched
        return
    times = [datetime.fromtimestamp(one, UTC).replace(tzinfo=None) for one in found]
    assert times[: len(known)] == known


def _within(whole: Any, after: datetime) -> Any:
    """The times after an instant, of the first 20,000 and of the next ten years."""
    for time in islice(whole, 20_000):
        if time > after + timedelta(days=3650):
            return
        if time > after:
            yield time


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        # Fixed times: a skipped one runs once right after the gap, one that comes twice the first time only.
        ("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "2027-03-27T12:00",
         ["2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00"]),
        ("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "2027-10-30T12:00",
         ["2027-10-31T02:30:00+02:00", "2027-11-01T02:30:00+01:00"]),
        ("FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0", "2027-03-28T00:00",
         ["2027-03-28T03:00:00+02:00", "2027-03-29T02:00:00+02:00"]),
        # By the hour or more often: real time.
        ("FREQ=HOURLY", "2027-10-30T23:30", ["2027-10-31T02:00:00+02:00", "2027-10-31T02:00:00+01:00"]),
        ("FREQ=HOURLY;BYMINUTE=30", "2027-03-28T00:00", ["2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00"]),
        # A date is a fixed time, whatever the rule is.
        ("RRULE:FREQ=HOURLY;BYMINUTE=59\nRDATE:20270328T021500", "2027-03-28T00:59:30",
         ["2027-03-28T03:00:00+02:00", "2027-03-28T03:59:00+02:00"]),
    ],
)  # fmt: skip
def test_changes_of_the_clocks(text: str, after: str, expected: list[str]) -> None:
    """Our rule on top of local times, in Vienna."""
    schedule = recurrence(text, "2026-01-01T00:00", "Europe/Vienna")
    assert local_times(schedule, preview(schedule, Options(), at(after), len(expected), 0)) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must have one rule, not 0"),
        ("FREQ=FORTNIGHTLY", "FREQ of YEARLY"),
        ("BYDAY=MO", "must have a part FREQ"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("FREQ=DAILY;BYEASTER=1", "must not have BYEASTER"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20300101T000000", "both COUNT and UNTIL"),
        ("FREQ=DAILY;COUNT=0", "COUNT from 1"),
        ("FREQ=DAILY;COUNT=10001", "COUNT from 1 to 10000"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL from 1"),
        ("FREQ=DAILY;BYSECOND=60", "0 to 59"),
        ("FREQ=DAILY;BYDAY=1MO", "numbers before its days"),
        ("FREQ=MONTHLY;BYWEEKNO=3", "BYWEEKNO"),
        ("FREQ=DAILY;BYSETPOS=1", "beside BYSETPOS"),
        ("FREQ=MINUTELY;BYSECOND=1,2;BYSETPOS=3", "BYSETPOS of at most 2"),
        ("FREQ=DAILY;UNTIL=20300230", "times that exist"),
        ("FREQ=DAILY\nFREQ=WEEKLY", "one rule, not 2"),
        ("DTSTART:20300101T000000\nRRULE:FREQ=DAILY", "field dtstart"),
        ("RRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY", 'not "EXRULE"'),
        ("RRULE:FREQ=DAILY\nRDATE;TZID=Asia/Tokyo:20300101T000000", "in the schedule's zone UTC"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    """With a sentence that names the part."""
    with pytest.raises(ValidationFailed, match=r"schedule_config\.rrule ") as refusal:
        parse_schedule("rrule", {"rrule": text})
    assert reason in str(refusal.value)


NOW = 1_800_000_000


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=23",
        "FREQ=SECONDLY;BYSETPOS=1;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=23",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=5",
        "FREQ=SECONDLY;INTERVAL=60;BYSECOND=1",
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=3",
        "FREQ=DAILY;UNTIL=20200101T000000",
        "FREQ=YEARLY;INTERVAL=100000",
        "FREQ=YEARLY;COUNT=10000",
    ],
)
def test_a_rule_that_never_comes_is_refused_after_a_bounded_search(text: str) -> None:
    """However long `dateutil` itself would look: without the bound, some of these take hours."""
    with pytest.raises(ValidationFailed, match="schedule_config must"):
        validate_schedule(recurrence(text, None), Options(), NOW)


def test_the_search_is_bounded_by_counted_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """This holds the way in which the installed `dateutil` uses the interval: in each step of its loop."""
    steps: list[int] = []
    monkeypatch.setattr(walk._Steps, "_step", lambda self: steps.append(1))
    for freq in ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"):
        steps.clear()
        rule = parse_rule(f"FREQ={freq}")
        times = walk._times(rule, datetime(2026, 1, 1), datetime(2026, 1, 1), walk._Steps.of(rule))
        assert len(list(islice(times, 11))) == 11
        assert len(steps) >= 10, freq


def test_without_a_start_it_counts_from_the_anchor_at_whole_times() -> None:
    """The times that it leaves open are 0, not those of the second at which somebody made the job."""
    schedule = recurrence("FREQ=DAILY;INTERVAL=2;COUNT=3", None)
    anchor = at("2026-11-26T14:37:22")
    found = local_times(schedule, preview(schedule, Options(), anchor - 1, 9, anchor))
    assert found == [f"2026-{day}T00:00:00+00:00" for day in ("11-28", "11-30", "12-02")]
    starts = Options(starts_at="2026-12-24T08:00:00")
    assert local_times(schedule, preview(schedule, starts, anchor, 1, anchor)) == ["2026-12-26T00:00:00+00:00"]


def test_further_dates_and_exceptions() -> None:
    """Dates alone are days: they are excepted whole, and added at the start's time of day."""
    schedule = recurrence(
        "RRULE:FREQ=DAILY;COUNT=5\nRDATE;VALUE=DATE:19971001\nEXDATE:19970903T090000Z\nEXDATE;VALUE=DATE:19970905"
    )
    assert dates(schedule, 9) == ["1997-09-02", "1997-09-04", "1997-09-06", "1997-10-01"]


@pytest.mark.parametrize(
    ("text", "gap"),
    [("FREQ=SECONDLY;INTERVAL=7", 7), ("FREQ=DAILY;BYHOUR=8,9", 3600), ("FREQ=MONTHLY;BYMONTHDAY=1", 28 * 86400)],
)
def test_the_shortest_gap(text: str, gap: int) -> None:
    """Which bounds the jitter."""
    assert shortest_gap(recurrence(text)) == gap
    assert next_after(recurrence(text), NOW, 0) is not None


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("FREQ=SECONDLY;BYHOUR=3;BYMINUTE=3;BYSECOND=3", 86_400),
        ("FREQ=SECONDLY;INTERVAL=7;BYHOUR=3;BYMINUTE=3;BYSECOND=3", 7 * 86_400),
        ("FREQ=MINUTELY;BYDAY=SA;BYHOUR=23;BYMINUTE=59", 7 * 86_400),
        ("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=" + ",".join(map(str, range(1, 367))), 86_400),
    ],
)
def test_the_search_for_the_shortest_gap_ends_with_its_effort(
    monkeypatch: pytest.MonkeyPatch, text: str, gap: int
) -> None:
    """However rarely a rule of many steps comes, and whenever it begins; a gap is found all the same."""
    effort, step = 0, walk._Steps._step

    def counted(self: walk._Steps) -> None:
        nonlocal effort
        effort += self.cost
        step(self)

    monkeypatch.setattr(walk._Steps, "_step", counted)
    walk.walk_of.cache_clear()
    schedule = recurrence(text, "2026-01-01T00:00:00")
    assert shortest_gap(schedule) == gap
    assert effort <= 6 * walk.EFFORT


def test_a_rule_that_never_comes_again_is_refused_with_a_jitter_too() -> None:
    """And where intervals have a least length."""
    schedule = recurrence("FREQ=DAILY;COUNT=10000;BYMONTH=2;BYDAY=MO;BYSETPOS=1", "2026-01-01T00:00:00")
    assert shortest_gap(schedule) >= 1
    refuse_short_interval(schedule, 60)
    with pytest.raises(ValidationFailed, match="so long a time without a run"):
        validate_schedule(schedule, Options(jitter_seconds=1), NOW)


EVERY_MINUTE = "BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=" + ",".join(map(str, range(60)))


def test_the_times_of_earlier_days_are_not_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[datetime] = []
    times = walk._times

    def noted(*args: Any) -> Iterator[datetime]:
        for one in times(*args):
            made.append(one)
            yield one

    monkeypatch.setattr(walk, "_times", noted)
    rule = recurrence(f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSECOND=0;{EVERY_MINUTE}", "2026-01-01T00:00:30")
    assert next_after(rule, at("2026-12-30T23:58:30"), 0) == at("2026-12-30T23:59:00")
    assert next_after(rule, at("2026-12-30T23:59:00"), 0) == at("2026-12-31T00:00:00")
    assert len(made) < 1_000


def test_the_times_of_a_day_are_bounded() -> None:
    seconds = ",".join(map(str, range(60)))
    with pytest.raises(ValidationFailed, match="must have at most 1,440 times of a day"):
        recurrence(f"FREQ=YEARLY;BYMONTH=1;{EVERY_MINUTE};BYSECOND={seconds}")


def test_positions_count_in_the_effort_of_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    step = walk._Steps._step

    def noted(steps: walk._Steps) -> None:
        taken.append(1)
        step(steps)

    monkeypatch.setattr(walk._Steps, "_step", noted)
    positions = ",".join(map(str, range(1, 367)))
    rule = recurrence(f"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;BYSETPOS={positions}", "2026-01-01T00:00:00")
    with pytest.raises(ScheduleError, match="too far away"):
        next_after(rule, at("2026-12-30T23:58:30"), 0)
    assert len(taken) < 100


@pytest.mark.parametrize("fold", ["\r\n ", "\n\t"])
def test_folded_lines_are_read_as_one(fold: str) -> None:
    """As calendar applications write them (RFC 5545 §3.1)."""
    assert recurrence(f"RRULE:FREQ=WEEK{fold}LY;BYDAY=MO,{fold}TU") == recurrence("FREQ=WEEKLY;BYDAY=MO,TU")


def test_an_unknown_parameter_of_a_known_line_is_told() -> None:
    with pytest.raises(ValidationFailed, match='parameters such as VALUE=DATE alone in the line RRULE, not "RRULE;X-A'):
        recurrence("RRULE;X-A=b:FREQ=DAILY")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "FREQ=DAILY\nRDATE;VALUE=PERIOD:20270101T100000/PT1H",
            "must not have periods (VALUE=PERIOD)",
        ),
        (
            "FREQ=DAILY\nRDATE:20270101T100000Z/20270101T110000Z",
            "must not have periods (VALUE=PERIOD)",
        ),
        (
            "FREQ=YEARLY;BYEASTER=1",
            "must not have BYEASTER, which is not in RFC 5545; a calendar with the holidays of",
        ),
        ("FREQ=DAıLY", 'must be made of ASCII letters, digits and signs, not "ı"'),
        ("FREQ=WEEKLY;wkſt=MO", 'must be made of ASCII letters, digits and signs, not "ſ"'),
    ],
)
def test_a_refusal_says_what_to_do(text: str, told: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_schedule("rrule", {"rrule": text})
    assert refused.value.errors[0].message.startswith(told)
