"""Days that a list's filters have, made into instants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from service.domain.schedules.zones import parse_zone, zone
from service.domain.timestamps import format_timestamp
from service.errors import ValidationFailed


def period_of(asked: Mapping[str, str]) -> dict[str, str | None]:
    """Return the period between two days, both included, as use cases take it.

    Args:
        asked: `since` and `until`, days such as `2026-11-30` or empty, and `zone`: the reader's time zone, if the
            page's script says which it is, else UTC.

    Returns:
        `since` and `until`, timestamps or None.

    Raises:
        ValidationFailed: a day or the zone is not valid.
    """
    return {"since": _instant(asked, "since"), "until": _instant(asked, "until", timedelta(days=1))}


def _instant(asked: Mapping[str, str], name: str, later: timedelta = timedelta(0)) -> str | None:
    """Return when a day begins."""
    if not asked[name]:
        return None
    place = zone(parse_zone(asked["zone"] or "UTC", "zone"))
    try:
        day = date.fromisoformat(asked[name]) + later
        return format_timestamp(int(datetime(day.year, day.month, day.day, tzinfo=place).astimezone(UTC).timestamp()))
    except (ValueError, OverflowError):
        raise ValidationFailed.of(name, "must be a day, such as 2026-11-30") from None
