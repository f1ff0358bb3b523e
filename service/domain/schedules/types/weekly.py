"""Weekly schedules: on some days of every week, or of every so many weeks, at a time of day. Weeks begin on Monday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from service.domain.input.refusals import Refusals, echo, listed
from service.domain.schedules.calendar_words import WEEKDAYS, rhythm
from service.domain.schedules.cron import LENGTH_LIMIT, parse_cron
from service.domain.schedules.cron_advice import weekdays_meant
from service.domain.schedules.fields import (
    DAY_NAMES,
    TIME_SCHEMAS,
    TIMEZONE_SCHEMA,
    Config,
    Schemas,
    every_of,
    path,
    time_of_day,
)
from service.domain.schedules.types.crontab import fields_of, next_by_cron
from service.domain.schedules.wall_clock import WallClock, wall_at
from service.domain.schedules.workdays import Calendar
from service.domain.schedules.zones import zone
from service.errors import ValidationFailed

MOST_WEEKS = 52
_DAY = f"({'|'.join(DAY_NAMES)})"

PROPERTIES: Schemas = {
    **TIME_SCHEMAS,
    "day_of_week": {
        "type": "string", "pattern": rf"^\s*{_DAY}\s*(,\s*{_DAY}\s*)*$",
        "description": "A comma-separated list such as mon,wed,fri.",
    },
    "every": {
        "type": "integer", "minimum": 1, "maximum": MOST_WEEKS, "default": 1,
        "description": "Every so many weeks, counted from the week of starts_at's local day, else of the day of "
        "planning.",
    },
    "timezone": TIMEZONE_SCHEMA,
}  # fmt: skip
REQUIRED = ("hour", "minute", "day_of_week")


@dataclass(frozen=True, slots=True)
class Weekly:
    """Every `every` weeks (1–52) on `days` (Monday = 0) at `hour` (0–23) and `minute` (0–59) of the zone's clock."""

    hour: int
    minute: int
    days: frozenset[int]
    timezone: str = "UTC"
    every: int = 1

    @property
    def cron(self) -> str:
        """The days and the time as a cron expression."""
        return f"{self.minute} {self.hour} * * {','.join(str((day + 1) % 7) for day in sorted(self.days))}"

    def next_after(self, after: int, anchor: int, calendar: Calendar | None = None) -> int | None:
        """Find the first occurrence strictly after an instant; `anchor`: from whose local week it counts."""
        if self.every == 1:
            return next_by_cron(self.cron, self.timezone, after)
        first = wall_at(anchor, zone(self.timezone))
        return None if first is None else _next_of_some_weeks(self, _week(first.toordinal()), after)

    def words(self) -> str:
        """Say when it is due."""
        if self.every == 1:
            return f"{rhythm(fields_of(self.cron))} ({self.timezone})"
        days = listed((WEEKDAYS[day] for day in sorted(self.days)), "and")
        return f"Every {self.every} weeks on {days} at {self.hour:02d}:{self.minute:02d} ({self.timezone})"


def parse(config: Config) -> Weekly:
    """Parse a `schedule_config`. Raises ValidationFailed."""
    refusals = Refusals()
    days = refusals.attempt(lambda: _days(config))
    every = every_of(config, refusals, MOST_WEEKS)
    hour, minute, timezone = time_of_day(config, refusals)
    return Weekly(hour, minute, days or frozenset(), timezone, every)


def _days(config: Config) -> frozenset[int]:
    field, value = path("day_of_week"), config.get("day_of_week")
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


def _week(day: int) -> int:
    """Return the number of a day's week; day 1, the first of January of the year 1, was a Monday."""
    return (day - 1) // 7


@lru_cache(maxsize=16384)
def _next_of_some_weeks(schedule: Weekly, first_week: int, after: int) -> int | None:
    days = sorted(schedule.days)

    def next_wall(wall: datetime) -> datetime | None:
        passed = (wall.hour, wall.minute, wall.second) >= (schedule.hour, schedule.minute, 0)
        day = wall.toordinal() + passed
        week = _week(day)
        wait = (first_week - week) % schedule.every
        left = [one for one in days if one >= (day - 1) % 7] if wait == 0 else days
        if not left:
            wait, left = schedule.every, days
        day = (week + wait) * 7 + left[0] + 1
        if day > datetime.max.toordinal():
            return None
        return datetime.fromordinal(day).replace(hour=schedule.hour, minute=schedule.minute)

    return WallClock(next_wall, zone(schedule.timezone)).next_after(after)
