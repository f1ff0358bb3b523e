"""Values of the inputs that describe a schedule in the form of a job, for every type at once.

The inputs of the types that the schedule does not have show a useful start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.domain.schedules.calendar_words import WEEKDAYS
from service.domain.schedules.definition import DAY_NAMES, SCHEDULE_TYPES

TYPES = {
    kind: name
    for kind, name in {
        "once": "Once",
        "daily": "Daily",
        "weekly": "Weekly",
        "monthly": "Monthly",
        "interval": "Interval",
        "cron": "Cron",
        "rrule": "Rule",
        "any": "Several",
    }.items()
    if kind in SCHEDULE_TYPES
}
"""The tabs, in their order, and their names."""
DAYS = tuple(zip(DAY_NAMES, WEEKDAYS, strict=True))
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PRESETS = {
    "*/5 * * * *": "Every 5 minutes",
    "*/15 * * * *": "Every 15 minutes",
    "0 * * * *": "Every hour, on the hour",
    "*/15 8-17 * * mon-fri": "Every 15 minutes in working hours",
    "0 8 * * *": "Every day at 8:00",
    "0 8 * * mon-fri": "Monday to Friday at 8:00",
    "0 8,13 * * mon-fri": "Monday to Friday at 8:00 and 13:00",
    "0 8 * * mon": "Every Monday at 8:00",
    "0 3 * * sun": "Every Sunday at 3:00",
    "0 8 1 * *": "On the first of each month at 8:00",
}
"""Cron expression -> its words, for people who do not write such expressions every day."""
NTH = {"1": "First", "2": "Second", "3": "Third", "4": "Fourth", "5": "Fifth", "last": "Last"}
UNITS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
"""The parts of an interval, and their seconds."""
MEMBER = {"schedule_type": "daily", "schedule_config": {}}
"""A new one among several schedules."""


def schedule_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all inputs for schedules, with defaults for the other schedule types.

    Args:
        config: the `schedule_config` of a job, or of one of its several schedules.
    """
    days = config.get("day_of_week", "mon")
    parts = {unit: config.get(unit, 0) for unit in UNITS}
    first, *further = config.get("dates") or [config.get("at", "")]
    return {
        "clock": f"{config.get('hour', 8):02d}:{config.get('minute', 0):02d}",
        "weekdays": [day.strip().lower() for day in days.split(",")],
        "parts": parts if config.keys() & parts.keys() else parts | {"hours": 1},
        "cron_expression": config.get("cron_expression", "0 8 * * 1-5"),
        "timezone": config.get("timezone", "UTC"),
        "every": config.get("every", 1),
        "first": first,
        "further": "\n".join(further),
        "month_day": _month_day(config.get("day", 1)),
        "months": config.get("months", range(1, 13)),
        "short_months": config.get("short_months", "last_day"),
        "rrule": config.get("rrule", "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18;BYMINUTE=0;BYSECOND=0"),
        "dtstart": config.get("dtstart", ""),
        "schedules": [_member(member) for member in config.get("schedules", ())],
        "except": [_member(member) for member in config.get("except", ())],
    }


def new_member() -> dict[str, Any]:
    """Return one more of several schedules, as the form adds it."""
    return _member(MEMBER)


def _member(member: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schedule_type": member["schedule_type"],
        "name": member.get("name") or "",
        "bot_config": member.get("bot_config"),
        "values": schedule_values(member["schedule_config"]),
    }


def _month_day(day: Any) -> dict[str, Any]:
    """Return the parts of a day of the month: which kind of day it is, and the number, the nth, the weekday."""
    shown = {"which": "number", "number": 1, "nth": "1", "weekday": "mon"}
    match day:
        case int():
            return shown | {"number": day}
        case str():
            return shown | {"which": day}
    return shown | {"which": "nth", "nth": str(day["nth"]), "weekday": day["weekday"]}
