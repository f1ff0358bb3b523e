"""Monthly schedules: on a date, a working day or the nth weekday of a month, at a time of day."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, Literal

from service.domain.input.refusals import Refusals, echo, listed
from service.domain.schedules.calendar_words import MONTHS, WEEKDAYS, ordinal
from service.domain.schedules.fields import (
    DAY_NAMES,
    TIME_SCHEMAS,
    TIMEZONE_SCHEMA,
    Config,
    Schemas,
    in_range,
    path,
    time_of_day,
)
from service.domain.schedules.wall_clock import WallClock
from service.domain.schedules.workdays import MONDAY_TO_FRIDAY, Calendar
from service.domain.schedules.zones import zone
from service.errors import ValidationFailed

MONTHS_AHEAD = 12 * 100
"""A schedule without an occurrence in so many months has none any more."""
WORKLESS_MONTHS = 12 * 10
"""The same of a working day: each month is looked through, and a calendar that opens later plans its jobs anew."""
_NAMED = ("last", "first_workday", "last_workday")
_EXPECTED = (
    'a whole number from 1 to 31, "last", "first_workday", "last_workday", or the nth weekday such as '
    '{"nth": 2, "weekday": "tue"}'
)

PROPERTIES: Schemas = {
    "day": {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": 31},
            {"enum": list(_NAMED)},
            {
                "type": "object",
                "properties": {
                    "nth": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 5}, {"const": "last"}]},
                    "weekday": {"enum": list(DAY_NAMES)},
                },
                "required": ["nth", "weekday"],
                "additionalProperties": False,
            },
        ],
        "description": "Working days follow the job's calendar, else they are Monday to Friday.",
    },
    **TIME_SCHEMAS,
    "months": {
        "type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 12}, "minItems": 1, "maxItems": 12,
        "description": "Only in these; all if left out.",
    },
    "short_months": {
        "enum": ["last_day", "skip"], "default": "last_day", "description": "Where the month has no such day.",
    },
    "timezone": TIMEZONE_SCHEMA,
}  # fmt: skip
REQUIRED = ("day", "hour", "minute")


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """The nth (1–5; -1: the last) weekday (Monday = 0) of a month. A month without a fifth one is left out."""

    nth: int
    weekday: int


Day = int | Literal["last", "first_workday", "last_workday"] | NthWeekday


@dataclass(frozen=True, slots=True)
class Monthly:
    """On `day` of each of `months` (empty: all) at `hour` and `minute` of the zone's wall clock.

    `skips_short`: whether a month that is too short for the day is left out; else its last day counts.
    """

    day: Day
    hour: int
    minute: int
    timezone: str = "UTC"
    months: frozenset[int] = frozenset()
    skips_short: bool = False

    def next_after(self, after: int, anchor: int, calendar: Calendar | None = None) -> int | None:
        """Find the first occurrence strictly after an instant; `calendar` says what a working day is."""
        return _next(self, calendar or MONDAY_TO_FRIDAY, after)

    def words(self) -> str:
        """Say when it is due."""
        names = listed((MONTHS[month - 1] for month in sorted(self.months)), "and") if self.months else "each month"
        short = ", or on the last day of a shorter one" if isinstance(self.day, int) and self.day > 28 else ""
        if self.skips_short and short:
            short = ", if there is one"
        return f"On {_day_words(self.day)} of {names}{short}, at {self.hour:02d}:{self.minute:02d} ({self.timezone})"


def parse(config: Config) -> Monthly:
    """Parse a `schedule_config`. Raises ValidationFailed."""
    refusals = Refusals()
    day = refusals.attempt(lambda: _day(config))
    chosen = refusals.attempt(lambda: _months(config["months"])) if "months" in config else frozenset()
    short = config.get("short_months", "last_day")
    if short not in ("last_day", "skip"):
        refusals.add(path("short_months"), f'must be "last_day" or "skip", not {echo(short)}')
    hour, minute, timezone = time_of_day(config, refusals)
    assert day is not None
    return Monthly(day, hour, minute, timezone, chosen or frozenset(), short == "skip")


def _day(config: Config) -> Day:
    if "day" not in config:
        raise ValidationFailed.of(path("day"), f"is required: {_EXPECTED}")
    value = config["day"]
    if isinstance(value, dict):
        return _nth(value)
    named: dict[object, Day] = {"last": "last", "first_workday": "first_workday", "last_workday": "last_workday"}
    if isinstance(value, str) and value in named:
        return named[value]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 31:
        raise ValidationFailed.of(path("day"), f"must be {_EXPECTED}, not {echo(value)}")
    return value


def _nth(value: dict[str, Any]) -> NthWeekday:
    refusals = Refusals()
    refusals.unknown(value, ("nth", "weekday"), path("day"), "the nth weekday")
    nth, weekday = value.get("nth"), value.get("weekday")
    if nth != "last" and (isinstance(nth, bool) or not isinstance(nth, int) or not 1 <= nth <= 5):
        refusals.add(path("day.nth"), f'must be a whole number from 1 to 5, or "last", not {echo(nth)}')
    if weekday not in DAY_NAMES:
        refusals.add(path("day.weekday"), f"must be {listed(map(echo, DAY_NAMES))}, not {echo(weekday)}")
    refusals.raise_any()
    return NthWeekday(-1 if nth == "last" else int(nth or 1), DAY_NAMES.index(str(weekday)))


def _months(value: object) -> frozenset[int]:
    if not isinstance(value, list) or not 1 <= len(value) <= 12:
        raise ValidationFailed.of(path("months"), f"must be a list of 1 to 12 months, each 1 to 12, not {echo(value)}")
    return frozenset(in_range(one, f"{path('months')}[{index}]", 1, 12) for index, one in enumerate(value))


def _day_words(day: Day) -> str:
    if isinstance(day, NthWeekday):
        return f"the {'last' if day.nth == -1 else ordinal(day.nth)} {WEEKDAYS[day.weekday]}"
    named = {"last": "the last day", "first_workday": "the first working day", "last_workday": "the last working day"}
    return named[day] if isinstance(day, str) else f"the {ordinal(day)}"


@lru_cache(maxsize=16384)
def _next(schedule: Monthly, calendar: Calendar, after: int) -> int | None:
    at = time(schedule.hour, schedule.minute)

    def next_wall(wall: datetime) -> datetime | None:
        number = wall.year * 12 + wall.month - 1
        ahead = WORKLESS_MONTHS if schedule.day in ("first_workday", "last_workday") else MONTHS_AHEAD
        for month in range(number, min(number + ahead, 10_000 * 12)):
            day = _day_in(schedule, calendar, month // 12, month % 12 + 1)
            if day is not None and (found := datetime.combine(day, at)) > wall:
                return found
        return None

    return WallClock(next_wall, zone(schedule.timezone)).next_after(after)


def _day_in(schedule: Monthly, calendar: Calendar, year: int, month: int) -> date | None:
    """Find the schedule's day in a month; None if that has none."""
    if schedule.months and month not in schedule.months:
        return None
    first_weekday, length = monthrange(year, month)
    match schedule.day:
        case int(day):
            return date(year, month, min(day, length)) if day <= length or not schedule.skips_short else None
        case "last":
            return date(year, month, length)
        case NthWeekday(nth=-1, weekday=weekday):
            return date(year, month, length - (first_weekday + length - 1 - weekday) % 7)
        case NthWeekday(nth=nth, weekday=weekday):
            number = 1 + (weekday - first_weekday) % 7 + 7 * (nth - 1)
            return date(year, month, number) if number <= length else None
    order = 1 if schedule.day == "first_workday" else -1
    days = [date(year, month, number) for number in range(1, length + 1)][::order]
    return next((one for one in days if calendar.closed(one) is None), None)
