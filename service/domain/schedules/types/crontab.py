"""Schedules by a cron expression; `cronsim` walks the calendar on the wall clock.

Where neither minute nor hour starts with `*`, times are fixed; else they follow real time (see `wall_clock`). Plain
daily and weekly schedules are cron expressions in other words, so that one engine serves all three.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cronsim import CronSim

from service.domain.input.refusals import Refusals
from service.domain.schedules.calendar_words import rhythm
from service.domain.schedules.cron import CronFields, parse_cron
from service.domain.schedules.fields import TIMEZONE_SCHEMA, Config, Schemas, path, timezone_of
from service.domain.schedules.wall_clock import WallClock
from service.domain.schedules.workdays import Calendar
from service.domain.schedules.zones import zone

_EPOCH = datetime(1970, 1, 1)

PROPERTIES: Schemas = {
    "cron_expression": {
        "type": "string",
        "description": "Five fields with crontab(5)'s meaning, or @hourly, @daily, @midnight, @weekly, @monthly, "
        "@yearly, @annually.",
    },
    "timezone": TIMEZONE_SCHEMA,
}
REQUIRED = ("cron_expression",)


@dataclass(frozen=True, slots=True)
class Cron:
    """By a crontab(5) `expression`, read on the zone's wall clock."""

    expression: str
    timezone: str = "UTC"

    def next_after(self, after: int, anchor: int, calendar: Calendar | None = None) -> int | None:
        """Find the first occurrence strictly after an instant, epoch seconds."""
        return next_by_cron(self.expression, self.timezone, after)

    def words(self) -> str:
        """Say when it is due."""
        return f"{rhythm(fields_of(self.expression))} ({self.timezone})"


def parse(config: Config) -> Cron:
    """Parse a `schedule_config`. Raises ValidationFailed."""
    refusals = Refusals()
    field = path("cron_expression")
    if "cron_expression" not in config:
        refusals.add(field, 'is required: five fields such as "0 8 * * 1-5"')
    else:
        refusals.attempt(lambda: parse_cron(config["cron_expression"], field))
    timezone = refusals.attempt(lambda: timezone_of(config))
    refusals.raise_any()
    return Cron(config["cron_expression"], timezone or "UTC")


def fields_of(expression: str) -> CronFields:
    """Return the sets of an expression's fields.

    Raises:
        ValidationFailed: it is not valid (any more).
    """
    return parse_cron(expression, path("cron_expression"))


@lru_cache(maxsize=16384)
def next_by_cron(expression: str, timezone: str, after: int) -> int | None:
    """Find the next occurrence, and keep it: many jobs share an expression, and ask at the same instant."""
    return _wall_clock(expression, timezone).next_after(after)


@lru_cache(maxsize=4096)
def _wall_clock(expression: str, timezone: str) -> WallClock:
    fields = fields_of(expression)
    calendar = CronSim(fields.expression, _EPOCH)

    def next_wall(wall: datetime) -> datetime | None:
        walk = copy.copy(calendar)
        walk.dt = wall
        try:
            return next(walk)
        except (StopIteration, OverflowError, ValueError):  # none within 50 years, or past the year 9999
            return None

    return WallClock(next_wall, zone(timezone), fields.wildcard)
