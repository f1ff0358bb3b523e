"""Schedules as flags of a command line, and as a few words in a table."""

from __future__ import annotations

import shlex
from io import StringIO
from typing import Any

import pytest
import typer.main
from rich.console import Console

from service.cli.commands import jobs
from service.cli.exits import Failure
from service.cli.input.schedule_flags import ScheduleFlags
from service.cli.output.plans import show_plan
from service.cli.output.schedule_words import in_words, occurrence_note
from tests.support.flags import flags_of

VIENNA = {"timezone": "Europe/Vienna"}


def made(line: str, current: tuple[str, dict[str, Any]] | None = None) -> tuple[str, dict[str, Any]]:
    """The type and the config that the flags make, also of a job that is changed."""
    job = None if current is None else dict(zip(("schedule_type", "schedule_config"), current, strict=True))
    fields = flags_of(line).fields(job)
    return fields["schedule_type"], fields["schedule_config"]


@pytest.mark.parametrize(
    ("line", "kind", "config"),
    [
        ("--at 7:05", "daily", {"hour": 7, "minute": 5}),
        ("--at 08:30 --on mon,fri", "weekly", {"hour": 8, "minute": 30, "day_of_week": "mon,fri"}),
        ("--at 08:30 --on Weekends", "weekly", {"hour": 8, "minute": 30, "day_of_week": "sat,sun"}),
        ("--at 08:30 --on mon-wed,sat", "weekly", {"hour": 8, "minute": 30, "day_of_week": "mon,tue,wed,sat"}),
        ("--at 08:30 --on fri-mon", "weekly", {"hour": 8, "minute": 30, "day_of_week": "fri,sat,sun,mon"}),
        ("--at 08:30 --on Monday,sun-sun,mon", "weekly", {"hour": 8, "minute": 30, "day_of_week": "mon,sun"}),
        ("--at 08:30 --every 10d", "daily", {"hour": 8, "minute": 30, "every": 10}),
        (
            "--at 08:30 --every 2w --on tue --timezone Europe/Vienna",
            "weekly", {"hour": 8, "minute": 30, "every": 2, "day_of_week": "tue"} | VIENNA,
        ),
        ("--every 1d2h30m", "interval", {"days": 1, "hours": 2, "minutes": 30}),
        ("--every 2w", "interval", {"days": 14}),
        ("--every 45s", "interval", {"seconds": 45}),
        ("--cron @daily", "cron", {"cron_expression": "@daily"}),
        ("--monthly 31 --at 18:00", "monthly", {"day": 31, "hour": 18, "minute": 0}),
        ("--monthly last-workday --at 18:00", "monthly", {"day": "last_workday", "hour": 18, "minute": 0}),
        (
            "--monthly last-fri --at 18:00",
            "monthly", {"day": {"nth": "last", "weekday": "fri"}, "hour": 18, "minute": 0},
        ),
        (
            "--monthly '3rd Thursday' --months mar,jun,sep-oct --at 9:00",
            "monthly", {"day": {"nth": 3, "weekday": "thu"}, "months": [3, 6, 9, 10], "hour": 9, "minute": 0},
        ),
        (
            "--monthly 31 --short-months skip --at 9:00",
            "monthly", {"day": 31, "short_months": "skip", "hour": 9, "minute": 0},
        ),
        ("--once 2026-12-24T18:00", "once", {"at": "2026-12-24T18:00:00"}),
        ("--once '2026-12-24 8:00' --timezone Europe/Vienna", "once", {"at": "2026-12-24T08:00:00"} | VIENNA),
        ("--once 2026-12-24 --at 18:00", "once", {"at": "2026-12-24T18:00:00"}),
        ("--once 2026-12-24T18:00:30", "once", {"at": "2026-12-24T18:00:30"}),
        (
            "--once 2026-12-24,2026-12-31 --at 8:00,18:00", "once",
            {"dates": ["2026-12-24T08:00:00", "2026-12-24T18:00:00", "2026-12-31T08:00:00", "2026-12-31T18:00:00"]},
        ),
        (
            "--rrule FREQ=DAILY --dtstart 2027-01-01T08:00",
            "rrule", {"rrule": "FREQ=DAILY", "dtstart": "2027-01-01T08:00:00"},
        ),
        (r"--rrule 'FREQ=DAILY\nEXDATE:20270101T080000'", "rrule", {"rrule": "FREQ=DAILY\nEXDATE:20270101T080000"}),
        (
            "--at 08:00,17:30 --on sat",
            "any", {"schedules": [
                {"schedule_type": "weekly", "schedule_config": {"hour": 8, "minute": 0, "day_of_week": "sat"}},
                {"schedule_type": "weekly", "schedule_config": {"hour": 17, "minute": 30, "day_of_week": "sat"}},
            ]},
        ),
    ],
)  # fmt: skip
def test_flags_make_a_schedule(line: str, kind: str, config: dict[str, Any]) -> None:
    """As a person types them; what only the API can judge is left to it."""
    assert made(line) == (kind, config)


MONTHLY: tuple[str, dict[str, Any]] = ("monthly", {"day": "last", "months": [1], "hour": 8, "minute": 0} | VIENNA)
WEEKLY: tuple[str, dict[str, Any]] = ("weekly", {"day_of_week": "tue", "every": 2, "hour": 8, "minute": 0})
DAILY: tuple[str, dict[str, Any]] = ("daily", {"every": 3, "hour": 8, "minute": 0} | VIENNA)
NINE = {"hour": 9, "minute": 0}


@pytest.mark.parametrize(
    ("line", "current", "kind", "config"),
    [
        ("--at 9:00", MONTHLY, "monthly", MONTHLY[1] | NINE),
        ("--months feb", MONTHLY, "monthly", MONTHLY[1] | {"months": [2]}),
        ("--monthly 5", MONTHLY, "monthly", MONTHLY[1] | {"day": 5}),
        ("--timezone Asia/Tokyo", MONTHLY, "monthly", MONTHLY[1] | {"timezone": "Asia/Tokyo"}),
        ("--at 9:00", WEEKLY, "weekly", WEEKLY[1] | NINE),
        ("--on wed", WEEKLY, "weekly", WEEKLY[1] | {"day_of_week": "wed"}),
        ("--every 3w --on wed", WEEKLY, "weekly", WEEKLY[1] | {"every": 3, "day_of_week": "wed"}),
        ("--at 9:00", DAILY, "daily", DAILY[1] | NINE),
        ("--on wed", DAILY, "weekly", {"day_of_week": "wed", "hour": 8, "minute": 0} | VIENNA),
        ("--every 2d", DAILY, "interval", {"days": 2}),
        ("--monthly last", DAILY, "monthly", {"day": "last", "hour": 8, "minute": 0} | VIENNA),
        ("--timezone Asia/Tokyo", ("once", {"at": "2027-01-01T08:00:00"}), "once",
         {"at": "2027-01-01T08:00:00", "timezone": "Asia/Tokyo"}),
    ],
)  # fmt: skip
def test_a_change_keeps_what_no_flag_names(
    line: str, current: tuple[str, dict[str, Any]], kind: str, config: dict[str, Any]
) -> None:
    """Zone, days, months, and every how many of them."""
    assert made(line, current) == (kind, config)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--at 8", "--at takes a time"),
        ("--every soon", "--every takes an interval"),
        ("--every 1h --at 08:00", "--every with --at takes days or weeks"),
        ("--every 1w --at 08:00", "goes with --on"),
        ("--every 2d --at 08:00 --on mon", "goes without --on"),
        ("--on mon", "--on goes with --at"),
        ("--on schooldays --at 8:00", "--on takes days such as mon,wed,fri, ranges such as mon-fri, weekdays"),
        ("--on mon- --at 8:00", "--on takes days"),
        ("--on frı --at 8:00", "--on takes days"),
        ("--on mon,, --at 8:00", "--on takes days"),
        ("--monthly last", "--monthly goes with --at"),
        ("--monthly 1st --at 8:00", "--monthly takes a day from 1 to 31"),
        ("--monthly 5 --at 8:00 --months june,foo", "--months takes months"),
        ("--monthly 5 --at 8:00 --months 13", "--months takes months"),
        ("--monthly 5 --at 8:00 --months oct-mar", "--months takes months"),
        ("--months 5 --at 8:00", "--months goes with --monthly"),
        ("--dtstart 2027-01-01T08:00", "--dtstart goes with --rrule"),
        ("--once 2027-01-01", "or a date with --at"),
        ("--once 2027-01-01T08:00 --at 08:00", "a date such as"),
        ("--cron @daily --at 08:00", "A schedule is one of"),
        ("--once 2027-01-01 --monthly 5 --at 08:00", "--once excludes --monthly"),
        ("--rrule FREQ=DAILY --on mon", "--rrule excludes --on"),
        ("--timezone UTC", "--timezone goes with"),
        ("--every 1h --timezone UTC", "an interval is the same in every zone"),
    ],
)  # fmt: skip
def test_flags_that_make_no_schedule_are_told(line: str, told: str) -> None:
    """Before anything is sent."""
    with pytest.raises(Failure, match=told.replace("(", r"\(")):
        flags_of(line).fields()


@pytest.mark.parametrize(
    ("line", "field", "flag"),
    [
        ("--at 25:00", "schedule_config.hour", "--at"),
        ("--at 25:00,8:00", "schedule_config.schedules[0].schedule_config.hour", "--at"),
        ("--on mon --at 8:00", "schedule_config.day_of_week", "--on"),
        ("--monthly 32 --at 8:00", "schedule_config.day", "--monthly"),
        ("--monthly 6th-fri --at 8:00", "schedule_config.day.nth", "--monthly"),
        ("--once 2027-02-30T08:00", "schedule_config.at", "--once"),
        ("--once 2027-02-30T08:00 --once x", "schedule_config.dates[0]", "--once"),
        ("--rrule FREQ=x", "schedule_config.rrule", "--rrule"),
        ("--every 0s", "schedule_config", "--every"),
        ("--at 8:00", "schedule_config.timezone", "schedule_config.timezone"),
        ("--at 8:00", "bot_config.hour", "bot_config.hour"),
    ],
)
def test_a_refusal_names_the_flags_that_were_typed(line: str, field: str, flag: str) -> None:
    """In the sentence and in the list; a field that no flag set keeps its name."""
    refusal = Failure(4, f"{field} must be better", [{"field": field, "message": "must be better"}])  # type: ignore[arg-type]
    flags = ScheduleFlags(monthly="x") if "6th" in line else flags_of(line)
    with pytest.raises(Failure) as told, flags.refused_in_flags():
        raise refusal
    assert told.value.sentence == f"{flag} must be better"
    assert told.value.errors == [{"field": flag, "message": "must be better"}]


@pytest.mark.parametrize(
    ("kind", "config", "words"),
    [
        ("daily", {"hour": 8, "minute": 0}, "08:00"),
        (*DAILY, "every 3d 08:00 Europe/Vienna"),
        (*WEEKLY, "every 2w tue 08:00"),
        (*MONTHLY, "last day of jan 08:00 Europe/Vienna"),
        ("monthly", {"day": 5, "hour": 8, "minute": 5}, "day 5 08:05"),
        ("monthly", {"day": "first_workday", "hour": 8, "minute": 5}, "first workday 08:05"),
        ("monthly", {"day": {"nth": 3, "weekday": "thu"}, "hour": 8, "minute": 5}, "3rd thu 08:05"),
        ("interval", {"days": 10, "minutes": 5}, "every 10d 5m"),
        ("cron", {"cron_expression": "@daily", "timezone": "UTC"}, "@daily"),
        ("once", {"at": "2026-12-24T18:00:00"}, "2026-12-24 18:00"),
        ("once", {"dates": [f"2027-01-0{n}T08:00:30" for n in range(1, 6)]},
         "2027-01-01 08:00:30, 2027-01-02 08:00:30, 2027-01-03 08:00:30 and 2 more"),
        ("rrule", {"rrule": "RRULE:FREQ=DAILY\nEXDATE:20270101T080000"}, "RRULE:FREQ=DAILY EXDATE:20270101T080000"),
        ("any", {"schedules": [
            {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}},
            {"schedule_type": "interval", "schedule_config": {"hours": 5}},
        ], "except": [{"schedule_type": "daily", "schedule_config": {"hour": 9, "minute": 0}}]},
         "08:00; every 5h, with exceptions"),
    ],
)  # fmt: skip
def test_a_schedule_fits_a_cell(kind: str, config: dict[str, Any], words: str) -> None:
    """In words that a person would type."""
    assert in_words({"schedule_type": kind, "schedule_config": config}) == words


@pytest.mark.parametrize(
    ("detail", "note"),
    [
        ({}, ""),
        ({"names": ["morning", "noon"]}, "morning, noon"),
        ({"closed": "Easter Monday"}, "closed: Easter Monday"),
        ({"closed": "Easter Monday", "names": ["noon"]}, "noon, closed: Easter Monday"),
        (
            {"moved_from": "2027-03-29T08:00:00", "names": ["noon"]},
            "noon, moved from 2027-03-29T08:00:00 UTC by the calendar",
        ),
    ],
)
def test_a_previewed_occurrence_says_what_is_special_about_it(detail: dict[str, Any], note: str) -> None:
    """Which schedules are due, that its day is closed, or from when it moved."""
    assert occurrence_note({"at": "2027-03-29T08:00:00", **detail}) == note


@pytest.mark.parametrize(
    ("option", "typed", "offered"),
    [
        ("--monthly", "last", ["last", "last-workday", "last-mon", "last-tue"]),
        ("--on", "mon,tue,w", ["mon,tue,wed", "mon,tue,weekdays", "mon,tue,weekends"]),
        ("--months", "jan,ju", ["jan,jun", "jan,jul"]),
        ("--timezone", "Europe/Vi", ["Europe/Vienna", "Europe/Vilnius"]),
        ("--short-months", "s", ["skip"]),
    ],
)
def test_a_shell_completes_the_words_of_a_schedule(option: str, typed: str, offered: list[str]) -> None:
    """Lists word by word."""
    command = typer.main.get_command(jobs.app).commands["create"]  # type: ignore[attr-defined]
    (parameter,) = [one for one in command.params if option in one.opts]
    context = command.make_context("create", shlex.split("x"))
    found = [item.value for item in parameter.shell_complete(context, typed)]
    assert found[: len(offered)] == offered


@pytest.mark.parametrize(("field", "told"), [("options.calendar", True), ("schedule_type", True), ("name", False)])
def test_a_plan_says_that_no_occurrence_is_gained_or_lost(field: str, told: bool) -> None:
    """Of a change that might have gained or lost some: silence would not tell whether anybody looked."""
    printed = StringIO()
    none = {"count": 0, "first": []}
    occurrences = {"gained": none, "lost": none, "until": "2027-01-31T00:00:00", "complete": True}
    change = {"action": "update", "id": "1", "name": "Report", "fields": {field: {"from": None, "to": "office"}}}
    show_plan([{**change, "occurrences": occurrences}], Console(file=printed, width=200), "")
    assert ("no occurrence is gained or lost until 2027-01-31T00:00:00 UTC" in printed.getvalue()) is told
