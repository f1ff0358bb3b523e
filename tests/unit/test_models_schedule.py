"""Schedules as people send them: what is understood, and how the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.schedules.cron import parse_cron
from service.domain.schedules.definition import Cron, Daily, Interval, Weekly, parse_schedule
from service.domain.schedules.zones import zone, zone_names
from service.errors import ScheduleError, ValidationFailed

DAILY = {"hour": 8, "minute": 0}

TYPES = '"daily", "weekly", "interval", "cron", "once", "monthly", "rrule" or "any"'


def refused(schedule_type: object, config: object) -> str:
    """The whole sentence of a refusal."""
    with pytest.raises(ValidationFailed) as refusal:
        parse_schedule(schedule_type, config)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("schedule_type", "config", "expected"),
    [
        ("daily", {"hour": 8, "minute": 0}, Daily(8, 0, "UTC")),
        ("daily", {"hour": 23, "minute": 59, "timezone": "Europe/Paris"}, Daily(23, 59, "Europe/Paris")),
        ("weekly", {"hour": 14, "minute": 30, "day_of_week": "mon,wed,fri"}, Weekly(14, 30, frozenset({0, 2, 4}))),
        ("weekly", {"hour": 0, "minute": 0, "day_of_week": "Sun, sun"}, Weekly(0, 0, frozenset({6}))),
        ("interval", {"hours": 2, "minutes": 0}, Interval(7200)),
        ("interval", {"seconds": 1}, Interval(1)),
        ("interval", {"hours": 1, "minutes": 1, "seconds": 1}, Interval(3661)),
        ("interval", {"hours": 8784}, Interval(366 * 86400)),
        ("cron", {"cron_expression": "0 8-18 * * 1-5"}, Cron("0 8-18 * * 1-5")),
        ("cron", {"cron_expression": "* * * * *", "timezone": "UTC"}, Cron("* * * * *", "UTC")),
    ],
)
def test_understood(schedule_type: str, config: dict[str, Any], expected: object) -> None:
    """Each type of schedule is understood from its own keys, in UTC unless a zone is named."""
    assert parse_schedule(schedule_type, config) == expected


@pytest.mark.parametrize(
    ("schedule_type", "config", "sentence"),
    [
        (
            "hourly",
            {},
            f'schedule_type must be {TYPES}, not "hourly"',
        ),
        (
            None,
            {},
            f"schedule_type must be {TYPES}, not null",
        ),
        (
            ["daily"],
            {},
            f"schedule_type must be {TYPES}, not a list",
        ),
        ("daily", None, "schedule_config must be a JSON object, not null"),
        ("daily", [], "schedule_config must be a JSON object, not a list"),
        ("daily", {"hour": "8", "minute": 0}, 'schedule_config.hour must be a whole number from 0 to 23, not "8"'),
        ("daily", {"hour": 8.0, "minute": 0}, "schedule_config.hour must be a whole number from 0 to 23, not 8.0"),
        ("daily", {"hour": True, "minute": 0}, "schedule_config.hour must be a whole number from 0 to 23, not true"),
        ("daily", {"hour": 24, "minute": 0}, "schedule_config.hour must be a whole number from 0 to 23, not 24"),
        ("daily", {"hour": -1, "minute": 0}, "schedule_config.hour must be a whole number from 0 to 23, not -1"),
        ("daily", {"hour": None, "minute": 0}, "schedule_config.hour must be a whole number from 0 to 23, not null"),
        ("daily", {"hour": 8}, "schedule_config.minute is required: a whole number from 0 to 59"),
        ("daily", {"hour": 8, "minute": 60}, "schedule_config.minute must be a whole number from 0 to 59, not 60"),
        (
            "daily",
            {},
            (
                "schedule_config.hour is required: a whole number from 0 to 23; "
                "schedule_config.minute is required: a whole number from 0 to 59"
            ),
        ),
        (
            "daily",
            DAILY | {"seconds": 1},
            "schedule_config.seconds is not known: a schedule of type daily has hour, minute, every and timezone",
        ),
        (
            "weekly",
            DAILY,
            (
                "schedule_config.day_of_week is required: a comma-separated list of mon, tue, wed, thu, fri, "
                'sat and sun, such as "mon,wed,fri"'
            ),
        ),
        (
            "weekly",
            DAILY | {"day_of_week": "monday"},
            (
                "schedule_config.day_of_week must be a comma-separated list of mon, "
                'tue, wed, thu, fri, sat and sun, such as "mon,wed,fri", not "monday"; write "mon" instead'
            ),
        ),
        (
            "interval",
            {},
            (
                "schedule_config must add up to at least 1 second and at most 366 days of days, hours, minutes and "
                "seconds, not 0 seconds"
            ),
        ),
        (
            "interval",
            {"hours": 8784, "seconds": 1},
            (
                "schedule_config must add up to at least 1 second and at most 366 days "
                "of days, hours, minutes and seconds, not 31622401 seconds"
            ),
        ),
        (
            "interval",
            {"hours": -1, "minutes": 90},
            "schedule_config.hours must be a whole number from 0 to 8784, not -1",
        ),
        (
            "interval",
            {"seconds": 5, "timezone": "UTC"},
            "schedule_config.timezone is not known: a schedule of type interval has days, hours, minutes and seconds",
        ),
        ("cron", {}, 'schedule_config.cron_expression is required: five fields such as "0 8 * * 1-5"'),
        (
            "cron",
            {"cron_expression": 5},
            'schedule_config.cron_expression must be a cron expression such as "0 8 * * 1-5", not 5',
        ),
    ],
)
def test_refused(schedule_type: object, config: object, sentence: str) -> None:
    """A refusal is one sentence a field, saying what it may be and what it was."""
    assert refused(schedule_type, config) == sentence


@pytest.mark.parametrize("days", ["", ",", "mon,,tue", "mon;tue", "1", "mon tue", None, ["mon"], 1, "m\ud800n"])
def test_days_are_a_comma_list(days: object) -> None:
    """`day_of_week` is nothing but a comma list of the seven names."""
    assert refused("weekly", DAILY | {"day_of_week": days}).startswith("schedule_config.day_of_week must be ")


@pytest.mark.parametrize(
    "timezone",
    [
        "",
        "Mars/Olympus",
        "../UTC",
        "/etc/localtime",
        "localtime",
        "Europe/../UTC",
        "europe/paris",
        "UTC\x00",
        "Factory",
        "posixrules",
        "posix/UTC",
        "right/UTC",
        "tzdata.zi",
        "zone.tab",
        "__init__.py",
        "Europe",
        "Europe/",
        "a" * 100_000,
        5,
        None,
        True,
        ["UTC"],
        "\ud800",
        "EST5EDT4",
        "UTC+1",
        ".",
    ],
)
def test_zones_are_iana_names(timezone: object) -> None:
    """Only names of the IANA database count: no paths, no files of the host, no other case, nothing near."""
    sentence = refused("daily", DAILY | {"timezone": timezone})
    assert sentence.startswith("schedule_config.timezone must be ")
    assert len(sentence) < 300


def test_every_zone_can_be_loaded() -> None:
    """Each name that is accepted has rules, under its own name; any other is an error of ours."""
    assert {"UTC", "Europe/Paris", "Asia/Kolkata", "US/Eastern"} <= zone_names()
    assert all(zone(name).key == name for name in zone_names())
    with pytest.raises(ScheduleError):
        zone("../UTC")


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *",
        "0 0 * * 0",
        "0 0 * * 7",
        "0 0 * * sun",
        "0 0 * JAN-mar Mon,WED",
        "*/5,7 0-23/2 1,15 * *",
        "59 23 31 12 7",
        "0 8-8 * * *",
        "0 8-8/2 * * *",
        " 0  0\t* * * ",
        "00 07 * * *",
        "*/90 * * * *",
        "0 0 29 2 *",
        "0 0 30 2 1",
        "0 0 31 * *",
        "0 0 * * 0-7",
        "*,5 * * * *",
    ],
)
def test_cron_as_in_crontab(expression: str) -> None:
    """What crontab(5) allows is taken."""
    assert parse_schedule("cron", {"cron_expression": expression}) == Cron(expression)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("0 * * * * *", "five fields"),
        ("0 0 0 1 1 * 2025", "five fields"),
        ("@reboot", "five fields"),
        ("60 * * * *", "minute must lie within 0 to 59"),
        ("* 24 * * *", "hour must lie within 0 to 23"),
        ("* * 0 * *", "day-of-month must lie within 1 to 31"),
        ("* * 32 * *", "day-of-month"),
        ("* * * 0 *", "month must lie within 1 to 12"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day-of-week"),
        ("* * * sun *", "month must lie within"),
        ("* * * * jan", "day-of-week must lie within"),
        ("* * * * sunday", "day-of-week must be made of"),
        ("jan * * * *", "minute must lie within 0 to 59"),
        ("*/0 * * * *", "a step of at least 1"),
        ("5/15 * * * *", "5-59/15"),
        ("22-6 * * * *", 'upwards, not "22-6"; write "22-59,0-6 * * * *" instead'),
        ("* * * * fri-sun", "ranges that go upwards"),
        ("*-5 * * * *", "range that starts with *"),
        ("* * L * *", "made of"),
        ("* * LW * *", "made of"),
        ("* * * * 5L", "made of"),
        ("* * * * 5#2", "made of"),
        ("* * * * ?", "made of"),
        ("* * 15W * *", "made of"),
        ("H * * * *", "made of"),
        ("1,,2 * * * *", "made of"),
        (", * * * *", "made of"),
        ("1- * * * *", "made of"),
        ("-1 * * * *", "made of"),
        ("1.5 * * * *", "made of"),
        ("٣ * * * *", "made of"),
        ("0 0 * * \x00", "made of"),
        ("1" * 900, "five fields"),
        ("1" * 500 + " * * * *", "made of"),
        ("* " * 600, "at most 1000 characters"),
        ("0 0 30 2 *", "none of its months has a day 30"),
        ("0 0 31 2,4,6,9,11 *", "none of its months has a day 31"),
        ("0 0 30,31 2 */2", "none of its months has a day 30"),
    ],
)
def test_cron_beyond_crontab_is_refused(expression: str, reason: str) -> None:
    """What crontab(5) does not know, and what can never fire, is refused with its reason, at no great length."""
    sentence = refused("cron", {"cron_expression": expression})
    field, _, predicate = sentence.partition(" ")
    assert field == "schedule_config.cron_expression" and predicate.startswith(("must ", "can never be due: "))
    assert reason in sentence
    assert len(sentence) < 400


def test_both_days_or_either() -> None:
    """A day must match both day fields if one of them starts with `*`, else either; times with `*` are wildcards."""
    assert parse_cron("0 0 1 * 1", "x").both_days is False
    assert parse_cron("0 0 1 * *", "x").both_days is True
    assert parse_cron("0 0 */2 * 1", "x").both_days is True
    assert parse_cron("0 0 1 * 1,*", "x").both_days is False
    assert parse_cron("0 */2 * * *", "x").wildcard is True
    assert parse_cron("0-59 0-23 * * *", "x").wildcard is False


@pytest.mark.parametrize(
    ("schedule_type", "config", "expected"),
    [
        ("cron", {"cron_expression": "0 8 * * *\n"}, Cron("0 8 * * *")),
        ("cron", {"cron_expression": "0 8 * * *\r\n"}, Cron("0 8 * * *")),
        ("cron", {"cron_expression": "\n\t 0 8 *\n* *"}, Cron("0 8 * * *")),
        ("cron", {"cron_expression": "0\u00a08 * *\u2003*\u00a0"}, Cron("0 8 * * *")),
        ("cron", {"cron_expression": " 0  8\t* * * "}, Cron(" 0  8\t* * * ")),
        ("cron", {"cron_expression": "0 8 * * *", "timezone": " Europe/Berlin\n"}, Cron("0 8 * * *", "Europe/Berlin")),
        ("weekly", {**DAILY, "day_of_week": "mon, tue\n"}, Weekly(8, 0, frozenset({0, 1}))),
        ("weekly", {**DAILY, "day_of_week": "mon,\r\n tue,\u00a0wed"}, Weekly(8, 0, frozenset({0, 1, 2}))),
        ("daily", {**DAILY, "timezone": "\tEurope/Berlin\u00a0"}, Daily(8, 0, "Europe/Berlin")),
    ],
)
def test_white_space_of_copied_texts_does_not_matter(schedule_type: str, config: object, expected: object) -> None:
    """The line break of a YAML block, of Windows or of a web page, around a text and where a blank may stand."""
    assert parse_schedule(schedule_type, config) == expected


@pytest.mark.parametrize(
    ("days", "ending"),
    [
        ("Monday", '; write "mon" instead'),
        ("monday, TUESDAYS", '; write "mon,tue" instead'),
        ("mon-fri", '; write "mon,tue,wed,thu,fri" instead'),
        ("fri-mon", '; write "mon,fri,sat,sun" instead'),
        ("mon;wed", '; write "mon,wed" instead'),
        ("mon wed and fri", '; write "mon,wed,fri" instead'),
        ("1,3", '; write "mon,wed" instead'),
        ("weekdays", '; write "mon,tue,wed,thu,fri" instead'),
        ("weekend", '; write "sat,sun" instead'),
        ("lundi", 'not "lundi"'),
        (",", 'not ","'),
    ],
)
def test_days_in_another_spelling_are_answered_with_ours(days: str, ending: str) -> None:
    """Where it can be told which days are meant, the refusal writes them."""
    assert refused("weekly", DAILY | {"day_of_week": days}).endswith(ending)


@given(st.text(alphabet="0123456789*/,- \tLW#?@sunjaMON\n", max_size=40))
@settings(max_examples=300)
def test_no_text_breaks_cron(expression: str) -> None:
    """Any text is either a cron expression with something in every field, or refused."""
    try:
        fields = parse_cron(expression, "x")
    except ValidationFailed:
        return
    assert all((fields.minutes, fields.hours, fields.days, fields.months, fields.weekdays))
