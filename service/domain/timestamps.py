"""Timestamps: ISO 8601, whole seconds, UTC unless an offset says otherwise."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from service.domain.input.refusals import echo
from service.errors import ValidationFailed

LAST_INSTANT = 253_402_300_799
"""9999-12-31T23:59:59Z, the last instant that a timestamp can name, epoch seconds."""

_FORM = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))?"
)
_EPOCH = datetime(1970, 1, 1)


def parse_timestamp(value: object, field: str) -> int:
    """Parse the instant that a timestamp names.

    Args:
        value: `YYYY-MM-DDTHH:MM:SS`, then nothing or `Z` (UTC) or `±HH:MM`. A fraction of zero (`.000`) is accepted.
        field: its path, for the refusal.

    Returns:
        Epoch seconds, from 0 (1970) to the end of the year 9999.

    Raises:
        ValidationFailed: it is not of this form, does not exist, or lies outside of 1970 to 9999.
    """
    match = _FORM.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValidationFailed.of(
            field, f'must be a timestamp such as "2025-01-15T08:00:00", "…Z" or "…+01:00", not {echo(value)}'
        )
    if int(match[7] or 0):
        raise ValidationFailed.of(field, f"must be in whole seconds, not {echo(value)}")
    sign = -1 if match[8] == "-" else 1
    offset_hours, offset_minutes = int(match[9] or 0), int(match[10] or 0)
    try:
        if offset_hours > 23 or offset_minutes > 59:
            raise ValueError
        local = datetime(*(int(part) for part in match.groups()[:6]))  # type: ignore[arg-type]
        seconds = (local - _EPOCH) // timedelta(seconds=1) - sign * (offset_hours * 3600 + offset_minutes * 60)
    except ValueError:
        raise ValidationFailed.of(field, f"must be a date and time that exist, not {echo(value)}") from None
    if not 0 <= seconds <= LAST_INSTANT:
        raise ValidationFailed.of(field, f"must lie in the years 1970 to 9999, not {echo(value)}")
    return seconds


def parse_period(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """Parse the two ends of a period, `since` and `until`; None for an open end.

    Raises:
        ValidationFailed: one is no timestamp, or `until` is before `since`.
    """
    start = None if since is None else parse_timestamp(since, "since")
    end = None if until is None else parse_timestamp(until, "until")
    if start is not None and end is not None and end < start:
        raise ValidationFailed.of("until", f"must not be before since, which is {echo(since)}, not {echo(until)}")
    return start, end


def format_timestamp(epoch_seconds: int) -> str:
    """Write an instant as `YYYY-MM-DDTHH:MM:SS` in UTC, the format of every timestamp in the API's answers."""
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat()[:19]


def format_ms(epoch_ms: int) -> str:
    """Write an instant, in epoch milliseconds, as `format_timestamp` does."""
    return format_timestamp(epoch_ms // 1000)
