"""Each wish of docs/schedules.md, against dates that are worked out day by day."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.domain.calendars.definition import parse_calendar
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.job_requests import parse_preview
from service.usecases.previews import preview_of
from tests.support.flags import flags_of, options_of
from tests.support.wishes import CALENDAR, CALENDAR_WISHES, END, START, WISHES, expected

PAGE = Path(__file__).parents[2] / "docs" / "schedules.md"
ROW = re.compile(r'^\| ([^|]+) \| (?:`([^`]*)`)? \| `("schedule_type"[^`]*)` \| ([^|]*) \|$', re.MULTILINE)
MOST = 1000
"""Occurrences that a preview shows at most."""

ROWS: dict[str, tuple[str, dict[str, Any], str]] = {
    words: (flags, json.loads(f"{{{fields}}}"), first) for words, flags, fields, first in ROW.findall(PAGE.read_text())
}
"""Wish -> the flags, the fields of the job, and the first times that the page shows."""


def test_the_page_has_each_wish_once() -> None:
    """In the order of the oracles, at least sixty."""
    assert list(ROWS) == list(WISHES)
    assert len(WISHES) >= 60 and len(ROW.findall(PAGE.read_text())) == len(WISHES)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Vienna"])
@pytest.mark.parametrize("wish", WISHES)
def test_a_schedule_is_due_when_the_wish_says(wish: str, zone: str) -> None:
    """Over two years, or the first thousand times; never else."""
    fields = in_zone(ROWS[wish][1], zone)
    oracle = [f"{at:%Y-%m-%dT%H:%M:%S}" for at in expected(WISHES[wish], ZoneInfo(zone))][:MOST]
    asked = {**fields, "from": f"{START:%Y-%m-%dT%H:%M:%S}", "count": MOST}
    calendar = WorkCalendar(parse_calendar(CALENDAR)) if wish in CALENDAR_WISHES else None
    now = int((START - timedelta(days=1)).timestamp())
    found = preview_of(parse_preview(asked), now, calendar)["occurrences"]
    assert oracle and found[: len(oracle)] == oracle
    assert all(datetime.fromisoformat(f"{at}+00:00") >= END for at in found[len(oracle) :])


@pytest.mark.parametrize("wish", WISHES)
def test_the_page_shows_the_first_times(wish: str) -> None:
    """Three, in UTC, or as many as there are."""
    first = expected(WISHES[wish], ZoneInfo("UTC"))[:3]
    form = "%Y-%m-%d %H:%M:%S" if any(at.second for at in first) else "%Y-%m-%d %H:%M"
    assert ROWS[wish][2] == ", ".join(at.strftime(form) for at in first)


@pytest.mark.parametrize("wish", [wish for wish, (flags, _, _) in ROWS.items() if flags])
def test_the_flags_make_the_schedule(wish: str) -> None:
    """And the options, of `jobs create`."""
    flags, fields, _ = ROWS[wish]
    options = options_of(flags)
    assert {**flags_of(flags).fields(), **({"options": options} if options else {})} == fields


def in_zone(schedule: dict[str, Any], zone: str) -> dict[str, Any]:
    """The same schedule in a time zone, all its members too."""
    if schedule["schedule_type"] == "interval":
        return schedule
    config = schedule["schedule_config"]
    if schedule["schedule_type"] == "any":
        lists = {name: [in_zone(member, zone) for member in members] for name, members in config.items()}
        return {**schedule, "schedule_config": lists}
    return {**schedule, "schedule_config": {**config, "timezone": zone}}


def test_the_oracle_knows_gaps_and_repeated_times() -> None:
    """Half past two in Vienna, on the days on which the clocks change."""
    vienna = ZoneInfo("Europe/Vienna")
    nights = expected(WISHES["Every night at 2:30, also when the clocks change"], vienna)
    for at in (datetime(2027, 3, 28, 1, 0, tzinfo=UTC), datetime(2027, 10, 31, 0, 30, tzinfo=UTC)):
        assert at in nights
