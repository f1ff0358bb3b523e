"""Quiet hours of a channel: a part of each day, by the clocks of a time zone, in which it is told nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from service.domain.input.refusals import Refusals, echo, require_object
from service.domain.schedules.zones import parse_zone, zone
from service.errors import ValidationFailed

TIME_PATTERN = "([01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = re.compile(TIME_PATTERN)
_FIELDS = ("from", "to", "timezone")
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A part of each day, from one time of the wall clock up to, but not including, another; over midnight, too.

    Args:
        start: seconds after midnight.
        end: seconds after midnight, another than `start`.
        timezone: an IANA name.
    """

    start: int
    end: int
    timezone: str

    def until(self, now: int) -> int | None:
        """Return when the quiet hours end that an instant lies in; None if it lies in none. Epoch seconds.

        The wall clock decides: where clocks go back over the end, the hours begin a second time.
        """
        at = now
        while (left := self._left(at)) is not None:
            end = at + left
            shift = self._shift(at, end)
            at = end if shift is None else shift
        return None if at == now else at

    def answer(self) -> dict[str, str]:
        """Write the quiet hours as the API shows them."""
        return {"from": _clock(self.start), "to": _clock(self.end), "timezone": self.timezone}

    def _left(self, at: int) -> int | None:
        """Return the seconds up to the end, by the wall clock; None outside of the quiet hours."""
        wall = _wall(at, self.timezone) % _DAY
        if (wall - self.start) % _DAY >= (self.end - self.start) % _DAY:
            return None
        return (self.end - wall) % _DAY

    def _shift(self, since: int, until: int) -> int | None:
        """Return the first instant after `since` at which clocks have been changed; None if that is after `until`."""
        if _offset(since, self.timezone) == _offset(until, self.timezone):
            return None
        before, after = since, until
        while after - before > 1:
            middle = (before + after) // 2
            same = _offset(middle, self.timezone) == _offset(since, self.timezone)
            before, after = (middle, after) if same else (before, middle)
        return after


def parse_quiet_hours(value: object) -> QuietHours | None:
    """Parse `{"from": "22:00", "to": "07:00", "timezone": "Europe/Vienna"}`; None stays None.

    Raises:
        ValidationFailed: it is anything else.
    """
    if value is None:
        return None
    fields, refusals = require_object(value, "quiet_hours"), Refusals()
    refusals.unknown(fields, _FIELDS, "quiet_hours", "quiet_hours")
    start, end = (refusals.attempt(lambda name=name: _time(fields.get(name), name)) for name in ("from", "to"))  # type: ignore[misc]
    timezone = refusals.attempt(lambda: parse_zone(fields.get("timezone"), "quiet_hours.timezone"))
    if start is not None and start == end:
        refusals.add("quiet_hours.to", "must be another time than from")
    refusals.raise_any()
    assert start is not None and end is not None and timezone is not None
    return QuietHours(start, end, timezone)


def local_time(epoch_ms: int, timezone: str) -> str:
    """Write an instant, ms, by the clocks of a time zone, and name the zone."""
    local = datetime.fromtimestamp(epoch_ms // 1000, zone(timezone))
    return f"{local:%Y-%m-%dT%H:%M:%S} {timezone}"


def _wall(at: int, timezone: str) -> int:
    return at + _offset(at, timezone)


def _offset(at: int, timezone: str) -> int:
    offset = datetime.fromtimestamp(at, UTC).astimezone(zone(timezone)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _time(value: object, name: str) -> int:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return int(value[:2]) * 3600 + int(value[3:]) * 60
    raise ValidationFailed.of(f"quiet_hours.{name}", f'must be a time of day such as "22:00", not {echo(value)}')


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
