"""Dates: single local times, after the last of which the job has ended."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial

from service.domain.input.refusals import Refusals, echo
from service.domain.schedules.fields import (
    LOCAL_SCHEMA,
    TIMEZONE_SCHEMA,
    Config,
    Schemas,
    local_time,
    path,
    timezone_of,
)
from service.domain.schedules.wall_clock import instant_of
from service.domain.schedules.workdays import Calendar
from service.domain.schedules.zones import zone
from service.domain.timestamps import LAST_INSTANT
from service.errors import ValidationFailed

MOST_DATES = 1000

PROPERTIES: Schemas = {
    "at": LOCAL_SCHEMA,
    "dates": {"type": "array", "items": LOCAL_SCHEMA, "minItems": 1, "maxItems": MOST_DATES},
    "timezone": TIMEZONE_SCHEMA,
}
REQUIRED = ()


@dataclass(frozen=True, slots=True)
class Once:
    """At `times`, local times in order, each of them once."""

    times: tuple[datetime, ...]
    timezone: str = "UTC"

    def next_after(self, after: int, anchor: int, calendar: Calendar | None = None) -> int | None:
        """Find the first occurrence strictly after an instant, epoch seconds."""
        instants = _instants(self)
        place = bisect_right(instants, after)
        return instants[place] if place < len(instants) else None

    def words(self) -> str:
        """Say when it is due."""
        first, last = self.times[0], self.times[-1]
        if len(self.times) == 1:
            return f"Once, on {_written(first)} ({self.timezone})"
        return f"On {len(self.times)} dates, from {_written(first)} to {_written(last)} ({self.timezone})"


def parse(config: Config) -> Once:
    """Parse a `schedule_config`. Raises ValidationFailed."""
    refusals = Refusals()
    times = refusals.attempt(lambda: _times(config))
    timezone = refusals.attempt(lambda: timezone_of(config))
    refusals.raise_any()
    assert times is not None and timezone is not None
    latest = max(times)
    if instant_of(latest, zone(timezone)) > LAST_INSTANT:
        field = path("at" if "at" in config else f"dates[{times.index(latest)}]")
        raise ValidationFailed.of(field, f"must lie before the end of the year 9999 in UTC, not {latest.isoformat()}")
    return Once(tuple(sorted(set(times))), timezone)


def _times(config: Config) -> list[datetime]:
    if ("at" in config) == ("dates" in config):
        raise ValidationFailed.of("schedule_config", 'must have either "at", a local time, or "dates", a list of them')
    if "at" in config:
        return [local_time(config["at"], path("at"))]
    given = config["dates"]
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_DATES:
        told = f"a list of {len(given)} items" if isinstance(given, list) else echo(given)
        raise ValidationFailed.of(path("dates"), f"must be a list of 1 to {MOST_DATES} local times, not {told}")
    refusals = Refusals()
    found = [refusals.attempt(partial(local_time, one, f"{path('dates')}[{i}]")) for i, one in enumerate(given)]
    refusals.raise_any()
    return [time for time in found if time is not None]


def _written(wall: datetime) -> str:
    return f"{wall:%Y-%m-%d at %H:%M}" + (f":{wall:%S}" if wall.second else "")


@lru_cache(maxsize=1024)
def _instants(schedule: Once) -> tuple[int, ...]:
    rules = zone(schedule.timezone)
    return tuple(sorted({instant_of(time, rules) for time in schedule.times}))
