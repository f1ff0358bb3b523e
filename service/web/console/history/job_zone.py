"""Zone of a job's pages: that of its schedule, in which they write all times and read those that a person enters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from service.domain.schedules.definition import parse_schedule
from service.domain.schedules.wall_clock import instant_of
from service.domain.schedules.zones import zone
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import ScheduleError, ServiceError
from service.web.console.formatting import local

TO_THE_MINUTE = len("2027-03-28T02:30")


class JobZone:
    """The zone of one job.

    Args:
        job: as the API shows it. If nobody can read its schedule, its zone is UTC.
    """

    def __init__(self, job: Mapping[str, Any]) -> None:
        self._zone = _zone_of(job)

    @property
    def name(self) -> str:
        """Its IANA name, which stands beside the times."""
        return str(self._zone.key)

    def __call__(self, timestamp: str) -> str:
        """Write a timestamp of the API: `Sun 2025-03-30 03:00:00 +02:00`."""
        return local(datetime.fromtimestamp(parse_timestamp(timestamp, "at"), self._zone).isoformat())

    def clock(self, seconds: int) -> str:
        """Write the time of day of an instant, epoch seconds: `08:30`, and the seconds if there are any."""
        at = datetime.fromtimestamp(seconds, self._zone)
        return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"

    def entered(self, timestamp: str) -> str:
        """Write a timestamp of the API as the input of a form has it: `2025-03-30T03:00:00`."""
        return datetime.fromtimestamp(parse_timestamp(timestamp, "at"), self._zone).isoformat()[:19]

    def read(self, text: str | None) -> str | None:
        """Read a time that the input of a form sent, as a timestamp; one with an offset, and no time, stay as sent."""
        try:
            wall = datetime.fromisoformat(text or "")
            if text is None or wall.tzinfo is not None or len(text) < TO_THE_MINUTE:
                return text
            return format_timestamp(instant_of(wall, self._zone))
        except (ValueError, OverflowError):
            return text


def _zone_of(job: Mapping[str, Any]) -> ZoneInfo:
    try:
        return zone(parse_schedule(job["schedule_type"], job["schedule_config"]).timezone)
    except (ServiceError, ScheduleError):
        return zone("UTC")
