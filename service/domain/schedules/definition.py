"""Schedules as authors write them, whatever their type; each type has a room in `types`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from service.domain.input.refusals import Refusals, echo, listed, require_object
from service.domain.schedules.fields import DAY_NAMES, Config
from service.domain.schedules.types import crontab, daily, interval, monthly, once, recurrence, union, weekly
from service.domain.schedules.types.crontab import Cron
from service.domain.schedules.types.daily import Daily
from service.domain.schedules.types.interval import Interval
from service.domain.schedules.types.monthly import Monthly
from service.domain.schedules.types.once import Once
from service.domain.schedules.types.recurrence import Recurrence
from service.domain.schedules.types.union import Member, Single, Union
from service.domain.schedules.types.weekly import Weekly
from service.errors import ValidationFailed

__all__ = [
    "DAY_NAMES",
    "FIRST_TYPES",
    "SCHEDULE_TYPES",
    "Cron",
    "Daily",
    "Interval",
    "Member",
    "Monthly",
    "Once",
    "Recurrence",
    "Schedule",
    "Single",
    "Union",
    "Weekly",
    "parse_schedule",
    "schedule_schemas",
    "singles_in",
    "tidied",
]

_BLANKS = {"cron_expression": " \t", "day_of_week": " ", "timezone": ""}
"""The texts of a `schedule_config`, and the white space that each may have."""

Schedule = Daily | Weekly | Interval | Cron | Once | Monthly | Recurrence | Union

FIRST_TYPES = ("daily", "weekly", "interval", "cron")
"""The types that the first release knew."""


def parse_schedule(schedule_type: object, schedule_config: object) -> Schedule:
    """Parse a schedule.

    Args:
        schedule_type: one of `SCHEDULE_TYPES`.
        schedule_config: that type's object; unknown keys are refused.

    Raises:
        ValidationFailed: naming `schedule_type` or the fields of `schedule_config`.
    """
    if not isinstance(schedule_type, str) or schedule_type not in SCHEDULE_TYPES:
        raise _unknown_type(schedule_type, SCHEDULE_TYPES)
    if schedule_type == "any":
        return _parsed(schedule_type, schedule_config, union.properties({}), partial(union.parse, parse_single=_single))
    found: Schedule = _single(schedule_type, schedule_config)
    return found


def _single(schedule_type: object, schedule_config: object) -> Any:
    if not isinstance(schedule_type, str) or schedule_type not in _PARSERS:
        raise _unknown_type(schedule_type, _PARSERS)
    return _parsed(schedule_type, schedule_config, _ROOMS[schedule_type].PROPERTIES, _PARSERS[schedule_type])


def _parsed(kind: str, config: object, known: Mapping[str, Any], parse: Callable[[Config], Schedule]) -> Schedule:
    given = require_object(tidied(config), "schedule_config")
    refusals = Refusals()
    refusals.unknown(given, known, "schedule_config", f"a schedule of type {kind}")
    schedule = refusals.attempt(lambda: parse(given))
    refusals.raise_any()
    assert schedule is not None
    return schedule


def _unknown_type(value: object, known: Mapping[str, Any] | tuple[str, ...]) -> ValidationFailed:
    return ValidationFailed.of("schedule_type", f"must be {listed(map(echo, known))}, not {echo(value)}")


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
    if value.isascii() and value.isprintable() and " " in blanks:
        return value  # all of its white space is plain blanks
    odd = any(character.isspace() and character not in blanks for character in value)
    return " ".join(value.split()) if odd else value


_ROOMS: dict[str, Any] = {
    "daily": daily, "weekly": weekly, "interval": interval, "cron": crontab,
    "once": once, "monthly": monthly, "rrule": recurrence,
}  # fmt: skip
_PARSERS: dict[str, Callable[[Config], Any]] = {kind: room.parse for kind, room in _ROOMS.items()}
SCHEDULE_TYPES = (*_ROOMS, "any")


def singles_in(schedule: Schedule) -> Iterator[Single]:
    """Yield a schedule itself, or all those that a union is made of."""
    if isinstance(schedule, Union):
        yield from (member.schedule for member in schedule.members)
        yield from schedule.excepted
    else:
        yield schedule


def schedule_schemas() -> dict[str, dict[str, Any]]:
    """Return each type's `schedule_config` as a JSON schema; the parsers check the rest (a sum, a calendar)."""
    singles = {kind: _object(room.PROPERTIES, room.REQUIRED) for kind, room in _ROOMS.items()}
    return singles | {"any": _object(union.properties(singles), union.REQUIRED)}


def _object(properties: Mapping[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "object", "properties": dict(properties), "required": list(required), "additionalProperties": False,
    }  # fmt: skip
