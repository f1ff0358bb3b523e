"""Daily schedules: every day, or every so many days, at a time of day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from service.domain.input.refusals import Refusals
from service.domain.schedules.calendar_words import rhythm
from service.domain.schedules.fields import TIME_SCHEMAS, TIMEZONE_SCHEMA, Config, Schemas, every_of, time_of_day
from service.domain.schedules.types.crontab import fields_of, next_by_cron
from service.domain.schedules.wall_clock import WallClock, wall_at
from service.domain.schedules.workdays import Calendar
from service.domain.schedules.zones import zone

MOST_DAYS = 366

PROPERTIES: Schemas = {
    **TIME_SCHEMAS,
    "every": {
        "type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": 1,
        "description": "Every so many days, counted from starts_at's local day, else from the day of planning.",
    },
    "timezone": TIMEZONE_SCHEMA,
}  # fmt: skip
REQUIRED = ("hour", "minute")


@dataclass(frozen=True, slots=True)
class Daily:
    """Every `every` days (1–366) at `hour` (0–23) and `minute` (0–59) of the zone's wall clock."""

    hour: int
    minute: int
    timezone: str = "UTC"
    every: int = 1

    @property
    def cron(self) -> str:
        """The time of day as a cron expression."""
        return f"{self.minute} {self.hour} * * *"

    def next_after(self, after: int, anchor: int, calendar: Calendar | None = None) -> int | None:
        """Find the first occurrence strictly after an instant; `anchor`: from whose local day it counts."""
        if self.every == 1:
            return next_by_cron(self.cron, self.timezone, after)
        first = wall_at(anchor, zone(self.timezone))
        return None if first is None else _next_of_some_days(self, first.toordinal(), after)

    def words(self) -> str:
        """Say when it is due."""
        words = rhythm(fields_of(self.cron))
        if self.every > 1:
            words = words.replace("Every day", f"Every {self.every} days")
        return f"{words} ({self.timezone})"


def parse(config: Config) -> Daily:
    """Parse a `schedule_config`. Raises ValidationFailed."""
    refusals = Refusals()
    every = every_of(config, refusals, MOST_DAYS)
    return Daily(*time_of_day(config, refusals), every)


@lru_cache(maxsize=16384)
def _next_of_some_days(schedule: Daily, first_day: int, after: int) -> int | None:
    def next_wall(wall: datetime) -> datetime | None:
        passed = (wall.hour, wall.minute, wall.second) >= (schedule.hour, schedule.minute, 0)
        day = wall.toordinal() + passed
        day += (first_day - day) % schedule.every
        if day > datetime.max.toordinal():
            return None
        return datetime.fromordinal(day).replace(hour=schedule.hour, minute=schedule.minute)

    return WallClock(next_wall, zone(schedule.timezone)).next_after(after)
