"""Days off from iCalendar files (RFC 5545): their all-day events, as spans of a calendar.

Files come from anywhere, so everything is bounded, and `icalendar` parses one event after the other. Of recurring
events, those that come on the same date each year are read, as files of holidays have them, up to ten years ahead; the
parser's own rules of recurrence are never run, since a malicious one computes for minutes. `icalendar` is imported when
the first file comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from service.domain.calendars.definition import RANGES_LIMIT, WHY_LIMIT, CalendarDefinition, Span
from service.domain.calendars.ics_text import decoded, events_in
from service.errors import ValidationFailed

LONGEST_EVENT = 366
"""Days; a longer event is left out."""
YEARS_AHEAD = 10
"""Years for which an event is read that comes each year without end."""
SKIPPED_SHOWN = 100
"""Skipped events that are told one by one."""
_WANTED = frozenset(("DTSTART", "DTEND", "DURATION", "SUMMARY", "STATUS", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"))
"""Properties that tell of days off."""
_DAMAGED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""Errors of `icalendar` and of dates about a property that is not as it should be."""


@dataclass(frozen=True, slots=True)
class Events:
    """The days off of a file, and its events that were left out: their positions, from 1, and why."""

    spans: tuple[Span, ...]
    skipped: tuple[tuple[int, str], ...]


class _Skipped(Exception):
    """An event is left out; the text says why."""


def read_events(file: bytes, today: date, charset: str | None = None) -> Events:
    """Read the all-day events of a file.

    Args:
        file: the whole file.
        today: up to ten years after this, events that come each year are read.
        charset: the file's declared encoding; None for UTF-8.

    Raises:
        ValidationFailed: it is no iCalendar file, or too long.
    """
    spans: dict[Span, None] = {}
    skipped: list[tuple[int, str]] = []
    for position, event in enumerate(events_in(decoded(file, charset), _WANTED), 1):
        try:
            spans |= dict.fromkeys(_spans(_parsed(event), today))
        except _Skipped as why:
            skipped.append((position, str(why)))
        except _DAMAGED:
            skipped.append((position, "it is damaged"))
    return Events(tuple(spans), tuple(skipped))


def with_events(definition: CalendarDefinition, events: Events) -> tuple[CalendarDefinition, int]:
    """Add the days off of a file to a calendar. Return the calendar, and how many spans are new.

    Raises:
        ValidationFailed: it would have too many.
    """
    known = frozenset(definition.ranges)
    new = [span for span in events.spans if span not in known]
    ranges = sorted([*definition.ranges, *new], key=lambda span: (span.first, span.last, span.why or ""))
    if len(ranges) > RANGES_LIMIT:
        raise ValidationFailed.of("body", f"must leave the calendar at most {RANGES_LIMIT} ranges, not {len(ranges)}")
    fields = {name: getattr(definition, name) for name in definition.__slots__ if name not in ("ranges", "stamp")}
    return CalendarDefinition(**fields, ranges=tuple(ranges)), len(new)


def _parsed(event: str) -> Mapping[str, Any]:
    from icalendar import Event

    if not event:
        raise _Skipped("it is too long")
    return Event.from_ical(event)


def _spans(event: Mapping[str, Any], today: date) -> Iterator[Span]:
    first, days = _days(event)
    why = " ".join(str(event.get("SUMMARY") or "").split())[:WHY_LIMIT] or None
    if why is not None and not why.isprintable():
        why = "".join(filter(str.isprintable, why)) or None
    for start in _each_year(event, first, today):
        yield Span(start, start + timedelta(days=days - 1), why)


def _days(event: Mapping[str, Any]) -> tuple[date, int]:
    """Return the first day of an event, and how many there are. `DTEND` is the first day after it (RFC 5545, 3.6.1)."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        raise _Skipped("it is cancelled")
    start = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(start, date) or isinstance(start, datetime):
        raise _Skipped("it is not an all-day event")
    end, duration = getattr(event.get("DTEND"), "dt", None), getattr(event.get("DURATION"), "dt", None)
    if isinstance(end, date) and not isinstance(end, datetime):
        days = (end - start).days or 1  # some programs write the last day itself
    else:
        days = duration.days if isinstance(duration, timedelta) else 1
    if not 1 <= days <= LONGEST_EVENT:
        raise _Skipped(f"it lasts {days} days, not 1 to {LONGEST_EVENT}")
    return start, days


def _each_year(event: Mapping[str, Any], first: date, today: date) -> list[date]:
    """Return the first days of an event that may come each year."""
    if event.get("RDATE") is not None or event.get("RECURRENCE-ID") is not None:
        raise _Skipped("it recurs in a way that is not read; only events that come on the same date each year are")
    rule = event.get("RRULE")
    if rule is None:
        return [first]
    count, until = _yearly(rule, first)
    last = min(today.year + YEARS_AHEAD, first.year + count - 1)
    found = []
    for year in range(first.year, last + 1) if last - first.year < 10_000 else ():
        try:
            start = first.replace(year=year)
        except ValueError:  # February 29
            continue
        if until is None or start <= until:
            found.append(start)
    excluded = _excluded(event)
    return [start for start in found if start not in excluded and (start >= first and start.year >= today.year - 1)]


def _yearly(rule: Any, first: date) -> tuple[int, date | None]:
    """Return how often a rule that comes each year does, and until when.

    Raises:
        _Skipped: it is another rule.
    """
    parts = {} if isinstance(rule, list) else {str(name).upper(): list(values) for name, values in rule.items()}
    known = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "WKST"}
    plain = (
        [str(value).upper() for value in parts.get("FREQ", ())] == ["YEARLY"]
        and set(parts) <= known
        and parts.get("INTERVAL", [1]) == [1]
        and [int(month) for month in parts.get("BYMONTH", [first.month])] == [first.month]
        and [int(day) for day in parts.get("BYMONTHDAY", [first.day])] == [first.day]
    )
    if not plain:
        raise _Skipped("it recurs in a way that is not read; only events that come on the same date each year are")
    until = parts.get("UNTIL", [None])[0]
    return int(parts.get("COUNT", [10_000])[0]), until.date() if isinstance(until, datetime) else until


def _excluded(event: Mapping[str, Any]) -> set[date]:
    value = event.get("EXDATE")
    lists = value if isinstance(value, list) else [] if value is None else [value]
    days = (each.dt for one in lists for each in getattr(one, "dts", ()))
    return {day.date() if isinstance(day, datetime) else day for day in days}
