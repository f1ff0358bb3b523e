"""Changes of clocks: what becomes of a schedule, in the words of the report, and as its occurrences are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.foresight.clock_changes import Meeting, meetings
from service.domain.foresight.occurrence_changes import Course
from service.domain.foresight.zone_changes import changes_of
from service.domain.options import Options
from service.domain.schedules import next_after
from service.domain.schedules.definition import parse_schedule
from service.domain.timestamps import parse_timestamp

SPRING, AUTUMN = "2027-03-01T00:00:00", "2027-10-01T00:00:00"
DAY = 86_400


def met(kind: str, config: dict[str, Any], since: str, days: int = 45, **bounds: str) -> list[Meeting]:
    """What a schedule meets in the days after an instant."""
    now = parse_timestamp(since, "")
    course = Course(parse_schedule(kind, config), Options.model_validate(bounds), now, 0)
    return list(meetings(course, now, now + days * DAY))


def cron(expression: str, timezone: str = "Europe/Vienna") -> tuple[str, dict[str, Any]]:
    """A schedule by a cron expression."""
    return "cron", {"cron_expression": expression, "timezone": timezone}


def daily(hour: int, minute: int, timezone: str = "Europe/Vienna") -> tuple[str, dict[str, Any]]:
    """A daily schedule."""
    return "daily", {"hour": hour, "minute": minute, "timezone": timezone}


@pytest.mark.parametrize(
    ("schedule", "since", "sentence"),
    [
        (daily(2, 30), SPRING, "02:30 does not exist on 2027-03-28 in Europe/Vienna: runs at 03:00"),
        (daily(2, 30), AUTUMN, "02:30 comes twice on 2027-10-31 in Europe/Vienna: runs the first time"),
        (daily(2, 0), SPRING, "02:00 does not exist on 2027-03-28 in Europe/Vienna: runs at 03:00"),
        (daily(3, 0), SPRING, None),
        (daily(1, 59), SPRING, None),
        (daily(3, 0), AUTUMN, None),
        (daily(2, 30, "UTC"), SPRING, None),
        (("weekly", {"hour": 2, "minute": 30, "day_of_week": "sun", "timezone": "Europe/Vienna"}), SPRING,
         "02:30 does not exist on 2027-03-28 in Europe/Vienna: runs at 03:00"),
        (("weekly", {"hour": 2, "minute": 30, "day_of_week": "mon", "timezone": "Europe/Vienna"}), SPRING, None),
        (("interval", {"minutes": 1}), SPRING, None),
        (cron("0,30 2 * * *"), SPRING,
         "02:00 and 02:30 do not exist on 2027-03-28 in Europe/Vienna: runs once, at 03:00"),
        (cron("30 * * * *"), SPRING, "02:30 does not exist on 2027-03-28 in Europe/Vienna: not run, one run fewer"),
        (cron("*/15 * * * *"), SPRING,
         "02:00 to 02:45 do not exist on 2027-03-28 in Europe/Vienna: not run, 4 runs fewer"),
        (cron("*/15 * * * *"), AUTUMN,
         "02:00 to 02:45 come twice on 2027-10-31 in Europe/Vienna: runs both times"),
        (cron("0 * * * *"), AUTUMN, "02:00 comes twice on 2027-10-31 in Europe/Vienna: runs both times"),
        (cron("0 0 * * *", "Africa/Cairo"), "2027-04-01T00:00:00",
         "00:00 does not exist on 2027-04-30 in Africa/Cairo: runs at 01:00"),
        (cron("15 2 * * *", "Australia/Lord_Howe"), AUTUMN,
         "02:15 does not exist on 2027-10-03 in Australia/Lord_Howe: runs at 02:30"),
    ],
)  # fmt: skip
def test_the_sentence_says_what_becomes_of_it(schedule: tuple[str, Any], since: str, sentence: str | None) -> None:
    """At SPEC's rules: fixed times once, wildcards with the real time."""
    assert [meeting.sentence for meeting in met(*schedule, since)] == ([] if sentence is None else [sentence])


def test_only_changes_within_the_days_count() -> None:
    """From the next second on, and on the last day."""
    assert met(*daily(2, 30), SPRING, days=20) == []
    assert len(met(*daily(2, 30), SPRING, days=366)) == 2
    assert len(met(*daily(2, 30), "2027-03-28T00:59:59")) == 1
    assert met(*daily(2, 30), "2027-03-28T01:00:00") == []


def test_the_bounds_of_a_job_count() -> None:
    """What is not due on that day meets nothing."""
    assert met(*daily(2, 30), SPRING, ends_at="2027-03-28T01:00:00") == []
    assert met(*daily(2, 30), SPRING, starts_at="2027-03-28T01:00:01") == []
    assert len(met(*daily(2, 30), SPRING, starts_at="2027-03-28T01:00:00", ends_at="2027-03-28T01:00:01")) == 1


def test_the_answer_is_ready_for_programs() -> None:
    """Instants in UTC, offsets, local times, and the outcome as a word."""
    (meeting,) = met(*daily(2, 30), AUTUMN)
    assert meeting.answer() == {
        "at": "2027-10-31T01:00:00", "timezone": "Europe/Vienna", "from_offset": "+02:00", "to_offset": "+01:00",
        "local_times": ["2027-10-31T02:30:00"], "count": 1, "outcome": "first", "sentence": meeting.sentence,
    }  # fmt: skip


zones = st.sampled_from(
    ["Europe/Vienna", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Gaza"]
)
fields = st.sampled_from(["*", "*/5", "*/30", "0", "30", "0,15", "45-50"])
hours = st.sampled_from(["*", "*/2", "0", "1", "2", "3", "1-3", "0,2"])


@settings(max_examples=120)
@given(fields, hours, zones, st.integers(0, 330))
def test_the_outcome_is_what_the_engine_does(minute: str, hour: str, timezone: str, day: int) -> None:
    """Each local time of the change is looked up among the occurrences, one by one."""
    expression = f"{minute} {hour} * * *"
    now = parse_timestamp("2027-01-01T00:00:00", "") + day * DAY
    schedule, rules = parse_schedule(*cron(expression, timezone)), ZoneInfo(timezone)
    found = {meeting.change: meeting for meeting in meetings(Course(schedule, Options(), now, 0), now, now + 45 * DAY)}
    for change in changes_of(timezone, now, now + 45 * DAY):
        assert rules.utcoffset(datetime.fromtimestamp(change.at - 1, rules)) == timedelta(seconds=change.before)
        assert rules.utcoffset(datetime.fromtimestamp(change.at, rules)) == timedelta(seconds=change.after)
        start, end = change.span
        utc = parse_schedule(*cron(expression, "UTC"))
        times = [time for time in range(start, end, 60) if next_after(utc, time - 1, 0) == time]
        meeting = found.pop(change, None)
        assert (list(meeting.times) if meeting else []) == times
        if meeting is None:
            continue
        instants = [change.at] if change.skips else [time - change.after for time in times]
        runs = [instant for instant in instants if next_after(schedule, instant - 1, 0) == instant]
        anyway = change.skips and next_after(utc, end - 1, 0) == end
        expected = {(True, True): "moved", (True, False): "skipped", (False, True): "both", (False, False): "first"}
        assert meeting.outcome == expected[change.skips, bool(runs) and not anyway]
    assert found == {}
