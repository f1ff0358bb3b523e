"""Closed days gained and lost by a change of a calendar: both calendars compared day by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from service.domain.calendars.definition import CalendarDefinition
from service.domain.calendars.work_calendar import WorkCalendar

LEAST_DAYS, MOST_DAYS = 365, 3_660
"""How many days after today are compared: as far as somebody has written dates, within these."""
SHOWN = 20
"""The first days of each kind that are shown."""


def closed_day_changes(before: CalendarDefinition | None, after: CalendarDefinition, today: date) -> dict[str, Any]:
    """Tell which days a change closes, and which ones it opens.

    Args:
        before: the calendar as it is; None for a new one.
        after: as it would be.
        today: the first day to compare.

    Returns:
        `{"from", "until", "gained", "lost"}`; each of the two `{"count", "first": [{"date", "why"}]}`. A day that is
        closed for another reason is neither.
    """
    until = _until(before, after, today)
    old = {} if before is None else dict(WorkCalendar(before).closed_days(today, until))
    new = dict(WorkCalendar(after).closed_days(today, until))
    return {
        "from": today.isoformat(), "until": until.isoformat(), "gained": _side(new, old), "lost": _side(old, new),
    }  # fmt: skip


def _until(before: CalendarDefinition | None, after: CalendarDefinition, today: date) -> date:
    written = [day for one in (before, after) if one is not None for day in _written(one)]
    days = max(((day - today).days for day in written), default=0)
    return today + timedelta(days=min(max(days, LEAST_DAYS), MOST_DAYS, (date.max - today).days))


def _written(definition: CalendarDefinition) -> Iterator[date]:
    yield from definition.dates
    yield from (span.last for span in definition.ranges)


def _side(these: dict[date, str], others: dict[date, str]) -> dict[str, Any]:
    found = [(day, why) for day, why in these.items() if day not in others]
    return {
        "count": len(found),
        "first": [{"date": day.isoformat(), "why": why} for day, why in found[:SHOWN]],
    }
