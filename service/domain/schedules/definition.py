"""Schedules as authors write them: daily, weekly, at an interval, or by a cron expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from service.domain.input.refusals import Refusals, echo, joined, listed, require_object
from service.domain.schedules.cron import LENGTH_LIMIT, parse_cron
from service.domain.schedules.cron_advice import weekdays_meant
from service.domain.schedules.intervals import LONGEST_INTERVAL
from service.domain.schedules.zones import parse_zone
from service.errors import ValidationFailed

_BLANKS = {"cron_expression": " \t", "day_of_week": " ", "timezone": ""}
"""The texts of a `schedule_config`, and the white space that each may have."""

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day at `hour` (0–23) and `minute` (0–59) of the zone's wall clock."""

    hour: int
    minute: int
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Weekly:
    """On `days` (Monday = 0) at `hour` (0–23) and `minute` (0–59) of the zone's wall clock."""

    hour: int
    minute: int
    days: frozenset[int]
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so many `seconds` (1 to 366 days), counted from the anchor that is kept with the job."""

    seconds: int

    @property
    def timezone(self) -> str:
        """An interval knows no wall clock; it is shown in UTC."""
        return "UTC"


@dataclass(frozen=True, slots=True)
class Cron:
    """By a crontab(5) `expression`, read on the zone's wall clock."""

    expression: str
    timezone: str = "UTC"


Schedule = Daily | Weekly | Interval | Cron


def parse_schedule(schedule_type: object, schedule_config: object) -> Schedule:
    """Parse a schedule.

    Args:
        schedule_type: `daily`, `weekly`, `interval` or `cron`.
        schedule_config: that type's object; unknown keys are refused.

    Raises:
        ValidationFailed: naming `schedule_type` or the fields of `schedule_config`.
    """
    if not isinstance(schedule_type, str) or schedule_type not in _PARSERS:
        raise ValidationFailed.of("schedule_type", f"must be {listed(map(echo, _PARSERS))}, not {echo(schedule_type)}")
    known, parse = _PARSERS[schedule_type]
    config = require_object(tidied(schedule_config), "schedule_config")
    refusals = Refusals()
    refusals.unknown(config, known, "schedule_config", f"a schedule of type {schedule_type}")
    schedule = refusals.attempt(lambda: parse(config))
    refusals.raise_any()
    assert schedule is not None
    return schedule


def tidied(schedule_config: object) -> object:
    """Remove the line breaks and other odd white space of copied texts from a `schedule_config`, before it is stored.

    Earlier releases, which run beside this one during a deploy, do not read those.
    """
    if not isinstance(schedule_config, dict) or not any(isinstance(schedule_config.get(name), str) for name in _BLANKS):
        return schedule_config
    return {name: _tidy(value, _BLANKS.get(name)) for name, value in schedule_config.items()}


def _tidy(value: object, blanks: str | None) -> object:
    if blanks is None or not isinstance(value, str):
        return value
    odd = any(character.isspace() and character not in blanks for character in value)
    return " ".join(value.split()) if odd else value


def _daily(config: Mapping[str, Any]) -> Daily:
    hour, minute, timezone = _time_of_day(config, Refusals())
    return Daily(hour, minute, timezone)


def _weekly(config: Mapping[str, Any]) -> Weekly:
    refusals = Refusals()
    days = refusals.attempt(lambda: _days(config))
    hour, minute, timezone = _time_of_day(config, refusals)
    return Weekly(hour, minute, days or frozenset(), timezone)


def _time_of_day(config: Mapping[str, Any], refusals: Refusals) -> tuple[int, int, str]:
    hour = refusals.attempt(lambda: _whole(config, "hour", 23))
    minute = refusals.attempt(lambda: _whole(config, "minute", 59))
    timezone = refusals.attempt(lambda: _timezone(config))
    refusals.raise_any()
    return hour or 0, minute or 0, timezone or "UTC"


def _days(config: Mapping[str, Any]) -> frozenset[int]:
    field, value = joined("schedule_config", "day_of_week"), config.get("day_of_week")
    expected = f'a comma-separated list of {listed(DAY_NAMES, "and")}, such as "mon,wed,fri"'
    if "day_of_week" not in config:
        raise ValidationFailed.of(field, f"is required: {expected}")
    names = [name.strip(" ").lower() for name in value.split(",")] if isinstance(value, str) else []
    if not names or not set(names) <= set(DAY_NAMES):
        raise ValidationFailed.of(field, f"must be {expected}, not {echo(value)}{_days_advice(value)}")
    return frozenset(DAY_NAMES.index(name) for name in names)


def _days_advice(value: object) -> str:
    """Advise `; write "mon,tue" instead`; nothing where the days cannot be guessed."""
    if not isinstance(value, str) or len(value) > LENGTH_LIMIT:
        return ""
    try:
        meant = parse_cron(f"0 0 * * {weekdays_meant(value)}", "").weekdays
    except ValidationFailed:
        return ""
    return f"; write {echo(','.join(name for index, name in enumerate(DAY_NAMES) if (index + 1) % 7 in meant))} instead"


def _interval(config: Mapping[str, Any]) -> Interval:
    refusals = Refusals()
    total = 0
    for key, unit in (("hours", 3600), ("minutes", 60), ("seconds", 1)):
        if key in config:
            part = refusals.attempt(partial(_whole, config, key, LONGEST_INTERVAL // unit))
            total += unit * (part or 0)
    refusals.raise_any()
    if not 1 <= total <= LONGEST_INTERVAL:
        raise ValidationFailed.of(
            "schedule_config",
            f"must add up to at least 1 second and at most 366 days of hours, minutes and seconds, not {total} seconds",
        )
    return Interval(total)


def _cron(config: Mapping[str, Any]) -> Cron:
    refusals = Refusals()
    field = joined("schedule_config", "cron_expression")
    if "cron_expression" not in config:
        refusals.add(field, 'is required: five fields such as "0 8 * * 1-5"')
    else:
        refusals.attempt(lambda: parse_cron(config["cron_expression"], field))
    timezone = refusals.attempt(lambda: _timezone(config))
    refusals.raise_any()
    return Cron(config["cron_expression"], timezone or "UTC")


def _whole(config: Mapping[str, Any], key: str, high: int) -> int:
    field, expected = joined("schedule_config", key), f"a whole number from 0 to {high}"
    if key not in config:
        raise ValidationFailed.of(field, f"is required: {expected}")
    value = config[key]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
        raise ValidationFailed.of(field, f"must be {expected}, not {echo(value)}")
    return value


def _timezone(config: Mapping[str, Any]) -> str:
    return parse_zone(config.get("timezone", "UTC"), joined("schedule_config", "timezone"))


_PARSERS: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Schedule]]] = {
    "daily": (("hour", "minute", "timezone"), _daily),
    "weekly": (("hour", "minute", "day_of_week", "timezone"), _weekly),
    "interval": (("hours", "minutes", "seconds"), _interval),
    "cron": (("cron_expression", "timezone"), _cron),
}
SCHEDULE_TYPES = tuple(_PARSERS)


def schedule_schemas() -> dict[str, dict[str, Any]]:
    """Return each type's `schedule_config` as a JSON schema; the parsers check the rest (a sum, a calendar)."""
    hour, minute = ({"type": "integer", "minimum": 0, "maximum": high} for high in (23, 59))
    day = f"({'|'.join(DAY_NAMES)})"
    fields: dict[str, dict[str, Any]] = {
        "hour": hour,
        "minute": minute,
        "day_of_week": {
            "type": "string",
            "pattern": rf"^\s*{day}\s*(,\s*{day}\s*)*$",
            "description": "A comma-separated list such as mon,wed,fri.",
        },
        "timezone": {"type": "string", "default": "UTC", "description": "An IANA name such as Europe/Vienna."},
        "cron_expression": {"type": "string", "description": "Five fields with crontab(5)'s meaning."},
    }
    for unit, seconds in (("hours", 3600), ("minutes", 60), ("seconds", 1)):
        fields[unit] = {"type": "integer", "minimum": 0, "maximum": LONGEST_INTERVAL // seconds}
    optional = {"timezone", "hours", "minutes", "seconds"}
    return {
        kind: {
            "type": "object",
            "properties": {name: fields[name] for name in known},
            "required": [name for name in known if name not in optional],
            "additionalProperties": False,
        }
        for kind, (known, _) in _PARSERS.items()
    }
