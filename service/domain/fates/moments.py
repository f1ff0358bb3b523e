"""Moments that people ask about: `08:30`, `2027-03-28T02:30`, with an offset or without, to the minute or second."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from service.domain.input.refusals import echo
from service.domain.schedules.wall_clock import instant_of, wall_at
from service.domain.timestamps import LAST_INSTANT
from service.errors import ValidationFailed

_FORM = re.compile(
    r"(?:([0-9]{4}-[0-9]{2}-[0-9]{2})[T ])?([0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:\.0{1,9})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
)


class _Outside(Exception):
    """The moment lies outside of the years that the service knows."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment: the spans of instants that it may mean.

    Args:
        spans: first and last instants, epoch seconds; two where a local time comes twice.
        wall: the local time as it was asked for.
        lands_at: where the clocks skip that time: the first instant after the gap, else None.
    """

    spans: tuple[tuple[int, int], ...]
    wall: datetime
    lands_at: int | None = None

    @property
    def at(self) -> int:
        """The first instant that it may mean."""
        return self.spans[0][0]

    @property
    def comes_twice(self) -> bool:
        """Whether it is a local time that comes twice."""
        return len(self.spans) > 1


def parse_moment(text: object, zone: ZoneInfo, now: int) -> Moment:
    """Parse a moment.

    Args:
        text: a timestamp to the minute or second, in the zone unless it has an offset; a time alone is one of today.
        zone: the job's.
        now: epoch seconds.

    Raises:
        ValidationFailed: it is not valid.
    """
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    try:
        if match is None or (match[1] is None and match[4] is not None):
            raise ValueError
        day = match[1] or datetime.fromtimestamp(now, zone).date().isoformat()
        wall = datetime.fromisoformat(f"{day}T{match[2]}{match[3] or ':00'}")
        width = 0 if match[3] else 59
        if match[4] is not None:
            return _known(datetime.fromisoformat(f"{day}T{match[2]}{match[3] or ':00'}{match[4]}"), zone, width)
        return _local(wall, zone, width)
    except (_Outside, OverflowError):
        raise ValidationFailed.of("at", f"must lie in the years 1970 to 9999, not {echo(text)}") from None
    except ValueError:
        raise ValidationFailed.of(
            "at", f'must be a time such as "2027-03-28T08:30", "…+01:00", "…Z" or "08:30", not {echo(text)}'
        ) from None


def _known(moment: datetime, zone: ZoneInfo, width: int) -> Moment:
    at = int(moment.astimezone(UTC).timestamp())
    wall = wall_at(at, zone)
    if not 0 <= at <= LAST_INSTANT or wall is None:
        raise _Outside
    return Moment(((at, at + width),), wall.replace(fold=0))


def _local(wall: datetime, zone: ZoneInfo, width: int) -> Moment:
    first, second = (int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    if not 0 <= min(first, second) <= max(first, second) <= LAST_INSTANT:
        raise _Outside
    if first > second:  # skipped: by the offset before the gap, the time lies behind it
        lands_at = instant_of(wall, zone)
        return Moment(((lands_at, lands_at),), wall, lands_at)
    spans = sorted({(first, first + width), (second, second + width)})
    return Moment(tuple(spans), wall)


def clock(moment: datetime) -> str:
    """Write `08:30`, or `08:30:15` where there are seconds."""
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"


def written(instant: int, zone: ZoneInfo) -> str:
    """Write an instant in a zone: `2027-03-28 08:30`, and with its offset where that time comes twice."""
    moment = datetime.fromtimestamp(instant, zone)
    comes_twice = moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset()
    return f"{moment.date()} {clock(moment)}" + (f" ({moment.isoformat()[-6:]})" if comes_twice else "")
