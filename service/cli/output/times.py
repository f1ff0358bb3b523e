"""Times for people: how long ago, or in how long; programs get the time itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z?")
_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::(?!00)\d{2})?)(?::00)?(?:[+-]\d{2}:\d{2}|Z)?")
_UNITS = ((60, 1, "s"), (60, 60, "min"), (48, 3600, "h"), (60, 86_400, "d"), (24, 2_629_800, "mo"))
"""Units in which spans are told that are less than so many of them: the number, the seconds in one, and its name."""
_YEAR = 31_557_600


class ServiceClock:
    """The service's time, as its answers tell it: this machine's clock may be wrong."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def hear(self, date: str | None) -> None:
        """Take the header `Date` of an answer."""
        try:
            self._ahead = timedelta() if date is None else parsedate_to_datetime(date) - datetime.now(UTC)
        except (ValueError, TypeError):
            self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the time, in UTC. The header has whole seconds, so it may be a second behind."""
        return datetime.now(UTC) + self._ahead


CLOCK = ServiceClock()


def utc(at: str) -> str:
    """Write a time of the API's; in a column whose heading says UTC, it stands alone."""
    return f"{at} UTC"


def is_time(text: object) -> bool:
    """Tell whether this is a time of the API's."""
    return isinstance(text, str) and _STAMP.fullmatch(text) is not None


def to_the_minute(at: str) -> str:
    """Write a local time of the API's as people do: `2027-01-15 08:00`; with its seconds if it has some."""
    found = _LOCAL.fullmatch(at)
    return at if found is None else f"{found[1]} {found[2]}"


def relative(at: str, now: datetime) -> str:
    """Say how far a time is from now: `in 8 h`, `3 min ago`.

    Args:
        at: A time of the API's, in UTC.
        now: The service's time, by which it wrote `at`.
    """
    seconds = round((datetime.fromisoformat(at.removesuffix("Z")).replace(tzinfo=UTC) - now).total_seconds())
    if seconds == 0:
        return "now"
    return f"in {_span(seconds)}" if seconds > 0 else f"{_span(-seconds)} ago"


def _span(seconds: int) -> str:
    most = ((round(seconds / size), unit) for number, size, unit in _UNITS if round(seconds / size) < number)
    number, unit = next(most, (round(seconds / _YEAR), "y"))
    return f"{number} {unit}"
