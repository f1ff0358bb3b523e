"""Fields of a `schedule_config` that several types of schedules share: checks, and JSON schemas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.domain.input.refusals import Refusals, echo, joined
from service.domain.schedules.zones import parse_zone
from service.errors import ValidationFailed

Config = Mapping[str, Any]
Schemas = dict[str, dict[str, Any]]

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOCAL_FORM = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?"

TIMEZONE_SCHEMA = {"type": "string", "default": "UTC", "description": "An IANA name such as Europe/Vienna."}
LOCAL_SCHEMA = {"type": "string", "pattern": f"^{LOCAL_FORM}$", "description": "A local time: 2026-12-24T18:00."}
TIME_SCHEMAS: Schemas = {
    "hour": {"type": "integer", "minimum": 0, "maximum": 23},
    "minute": {"type": "integer", "minimum": 0, "maximum": 59},
}


def path(name: str) -> str:
    """Return the path of a field of the `schedule_config`."""
    return joined("schedule_config", name)


def whole(config: Config, key: str, high: int, low: int = 0) -> int:
    """Read a whole number from `low` to `high`. Raises ValidationFailed."""
    expected = f"a whole number from {low} to {high}"
    if key not in config:
        raise ValidationFailed.of(path(key), f"is required: {expected}")
    return in_range(config[key], path(key), low, high)


def in_range(value: object, field: str, low: int, high: int) -> int:
    """Check a whole number. Raises ValidationFailed."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValidationFailed.of(field, f"must be a whole number from {low} to {high}, not {echo(value)}")
    return value


def timezone_of(config: Config) -> str:
    """Read the time zone, UTC by default. Raises ValidationFailed."""
    return parse_zone(config.get("timezone", "UTC"), path("timezone"))


def time_of_day(config: Config, refusals: Refusals) -> tuple[int, int, str]:
    """Read `hour`, `minute` and `timezone`; raise these refusals and earlier ones. Raises ValidationFailed."""
    hour = refusals.attempt(lambda: whole(config, "hour", 23))
    minute = refusals.attempt(lambda: whole(config, "minute", 59))
    timezone = refusals.attempt(lambda: timezone_of(config))
    refusals.raise_any()
    return hour or 0, minute or 0, timezone or "UTC"


def every_of(config: Config, refusals: Refusals, most: int) -> int:
    """Read `every`, 1 by default; note a refusal."""
    return refusals.attempt(lambda: whole({"every": 1, **config}, "every", most, 1)) or 1


def local_time(value: object, field: str) -> datetime:
    """Parse a local time such as `2026-12-24T18:00` or `2026-12-24T18:00:00`.

    Raises:
        ValidationFailed: it is not of this form, does not exist, or lies outside of 1970 to 9999.
    """
    if isinstance(value, str) and re.fullmatch(r"\+?[0-9]{5,}-.*", value):
        raise ValidationFailed.of(field, f"must lie in the years 1970 to 9999, not {echo(value)}")
    if not isinstance(value, str) or not re.fullmatch(LOCAL_FORM, value):
        zoned = isinstance(value, str) and re.fullmatch(LOCAL_FORM + r"(?:\.0+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})", value)
        ending = "; its zone belongs into the field timezone" if zoned else ""
        raise ValidationFailed.of(field, f'must be a local time such as "2026-12-24T18:00", not {echo(value)}{ending}')
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise ValidationFailed.of(field, f"must be a date and time that exist, not {echo(value)}") from None
    if found.year < 1970:
        raise ValidationFailed.of(field, f"must lie in the years 1970 to 9999, not {echo(value)}")
    return found
