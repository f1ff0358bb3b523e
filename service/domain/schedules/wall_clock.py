"""Wall clocks: what the local times of a schedule mean in a zone whose clocks change.

By Debian cron's rules:

- *Fixed times*: a time that does not exist, because the clocks skipped it, happens once, at the first instant after
  the gap; a time that comes twice happens the first time only.
- *Real time*: each instant at which the wall clock shows a matching time, both times where it comes twice, and not at
  all where it does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1)
_SECOND = timedelta(seconds=1)

NextWall = Callable[[datetime], datetime | None]
"""Finds the next matching time after a given one, on a wall clock that never changes."""


@dataclass(frozen=True, slots=True)
class WallClock:
    """The times of a schedule on one zone's wall clock.

    Args:
        next_wall: walks the times.
        zone: the zone.
        follows_real_time: whether they follow real time; else they are fixed.
    """

    next_wall: NextWall
    zone: ZoneInfo
    follows_real_time: bool = False

    def next_after(self, after: int) -> int | None:
        """Find the first occurrence strictly after `after`, epoch seconds."""
        here = wall_at(after, self.zone)
        if here is None:
            return None
        wall = here.replace(fold=0)
        if not self.follows_real_time:
            return self._fixed(wall, after)
        found = self._real(wall, after)
        if here.fold == 0 and _early(wall, self.zone) < _late(wall, self.zone):
            # The first pass through times that come twice: those up to `wall` come again once the clocks go back.
            back = _transition(wall, self.zone)
            if found is None or found >= back:
                again = datetime.fromtimestamp(back, self.zone).replace(tzinfo=None, fold=0)
                return self._real(again - _SECOND, back - 1)
        return found

    def _fixed(self, wall: datetime, after: int) -> int | None:
        while (found := self.next_wall(wall)) is not None:
            wall, instant = found, instant_of(found, self.zone)
            if instant > after:
                return instant
        return None

    def _real(self, wall: datetime, after: int) -> int | None:
        while (found := self.next_wall(wall)) is not None:
            wall, early, late = found, _early(found, self.zone), _late(found, self.zone)
            if early <= late and late > after:
                return early if early > after else late
        return None


def wall_at(instant: int, zone: ZoneInfo) -> datetime | None:
    """Return what a wall clock shows at an instant, epoch seconds; None where it is past the year 9999.

    Of times that come twice, `fold` tells which it is.
    """
    try:
        return datetime.fromtimestamp(instant, zone).replace(tzinfo=None)
    except (OverflowError, ValueError):
        return None


def instant_of(wall: datetime, zone: ZoneInfo) -> int:
    """Return the instant of a fixed time, epoch seconds."""
    early = _early(wall, zone)
    return _transition(wall, zone) if early > _late(wall, zone) else early


def _early(wall: datetime, zone: ZoneInfo) -> int:
    """Return the instant of a wall-clock time by the offset that holds before a change.

    Of a time that comes twice it is the first; of one that is skipped it lies after the gap, and so after `_late`.
    """
    return _instant(wall, zone)


def _late(wall: datetime, zone: ZoneInfo) -> int:
    """Return the same by the offset that holds after the change."""
    return _instant(wall.replace(fold=1), zone)


def _instant(wall: datetime, zone: ZoneInfo) -> int:
    offset = wall.replace(tzinfo=zone).utcoffset()
    assert offset is not None
    return (wall.replace(fold=0) - _EPOCH - offset) // _SECOND


def _transition(wall: datetime, zone: ZoneInfo) -> int:
    """Find when the clocks change, for a time that they skip or show twice: the first instant of the new offset."""
    low, high = sorted((_early(wall, zone), _late(wall, zone)))
    new = datetime.fromtimestamp(high, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == new:
            high = middle
        else:
            low = middle
    return high
