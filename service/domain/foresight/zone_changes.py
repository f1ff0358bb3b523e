"""Changes of a zone's clocks: when they come, and which local times are skipped or come twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from service.domain.schedules.zones import zone

DAY = 86_400
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """A change of a zone's clocks.

    Args:
        timezone: the zone's name.
        at: the first instant with the new offset, epoch seconds.
        before: the offset from UTC until then, seconds.
        after: the offset from then on, seconds.
    """

    timezone: str
    at: int
    before: int
    after: int

    @property
    def skips(self) -> bool:
        """Whether local times are skipped; else some come twice."""
        return self.after > self.before

    @property
    def span(self) -> tuple[int, int]:
        """The local times that are skipped or come twice, from and until, as seconds on a clock that never changes."""
        return self.at + min(self.before, self.after), self.at + max(self.before, self.after)


def changes_of(timezone: str, after: int, until: int) -> list[ZoneChange]:
    """Find the changes of a zone's clocks.

    Args:
        timezone: the zone's name.
        after: epoch seconds; the changes come after this.
        until: epoch seconds, inclusive.

    Raises:
        ScheduleError: the zone is not known.
    """
    return [change for change in _around(timezone, after // DAY, until // DAY + 1) if after < change.at <= until]


@lru_cache(maxsize=2048)
def _around(timezone: str, first_day: int, last_day: int) -> tuple[ZoneChange, ...]:
    """Find the changes between two days of the epoch: a day with two of them is not known."""
    found = []
    for day in range(first_day, last_day):
        low, high = day * DAY, (day + 1) * DAY
        before, after = _offset(timezone, low), _offset(timezone, high)
        if before == after:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _offset(timezone, middle) == after else (middle, high)
        found.append(ZoneChange(timezone, high, before, after))
    return tuple(found)


def _offset(timezone: str, instant: int) -> int:
    offset = datetime.fromtimestamp(instant, UTC).astimezone(zone(timezone)).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)


def wall_clock(seconds: int) -> datetime:
    """Return a local time, given as seconds on a clock that never changes."""
    return _EPOCH + timedelta(seconds=seconds)


def on_wall_clock(timezone: str, instant: int) -> int:
    """Return the local time of an instant, as seconds on a clock that never changes."""
    return instant + _offset(timezone, instant)
