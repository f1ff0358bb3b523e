"""Intervals: every so many seconds of real time, whatever wall clocks show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from service.domain.input.refusals import Refusals
from service.domain.schedules.calendar_words import duration
from service.domain.schedules.fields import Config, Schemas, whole
from service.domain.schedules.intervals import LONGEST_INTERVAL
from service.domain.schedules.workdays import Calendar
from service.errors import ValidationFailed

_UNITS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}

PROPERTIES: Schemas = {
    unit: {"type": "integer", "minimum": 0, "maximum": LONGEST_INTERVAL // seconds} for unit, seconds in _UNITS.items()
}
REQUIRED = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so many `seconds` (1 to 366 days), counted from the anchor that is kept with the job."""

    seconds: int

    @property
    def timezone(self) -> str:
        """An interval knows no wall clock; it is shown in UTC."""
        return "UTC"

    def next_after(self, after: int, anchor: int, calendar: Calendar | None = None) -> int | None:
        """Find the first of anchor + n × interval, n ≥ 1, strictly after an instant."""
        return anchor + max(1, (after - anchor) // self.seconds + 1) * self.seconds

    def words(self) -> str:
        """Say when it is due."""
        words = duration(self.seconds)
        return f"Every {words.removeprefix('1 ') if words.count(' ') == 1 else words}"


def parse(config: Config) -> Interval:
    """Parse a `schedule_config`. Raises ValidationFailed."""
    refusals = Refusals()
    total = 0
    for key, unit in _UNITS.items():
        if key in config:
            part = refusals.attempt(partial(whole, config, key, LONGEST_INTERVAL // unit))
            total += unit * (part or 0)
    refusals.raise_any()
    if not 1 <= total <= LONGEST_INTERVAL:
        raise ValidationFailed.of(
            "schedule_config",
            "must add up to at least 1 second and at most 366 days of days, hours, minutes and seconds, "
            f"not {total} seconds",
        )
    return Interval(total)
