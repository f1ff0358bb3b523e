"""Calendars at work: is a day closed, and why; is a time outside of the open hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from service.domain.calendars.countries import holidays_in
from service.domain.calendars.definition import CalendarDefinition, Span
from service.domain.schedules.calendar_words import WEEKDAYS

YEARS_KEPT = 64
"""Years whose closed days a calendar keeps; it starts over beyond that."""
WARN_DAYS = 60
"""A calendar of dates alone that closes nothing beyond so many days runs out."""
_DAY = timedelta(days=1)


class WorkCalendar:
    """Closed days of one definition, worked out a year at a time.

    Args:
        definition: the calendar's.
    """

    def __init__(self, definition: CalendarDefinition) -> None:
        self.definition = definition
        self._years: dict[int, Mapping[date, str]] = {}

    @property
    def stamp(self) -> str:
        """Stands for what is closed: two calendars with the same stamp close the same days and hours."""
        return self.definition.stamp

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkCalendar) and other.stamp == self.stamp

    def __hash__(self) -> int:
        return hash(self.stamp)

    def closed(self, day: date) -> str | None:
        """Return why a day is closed, such as `Christmas Day` or `Saturday`; None if it is open."""
        days = self._years.get(day.year)
        if days is None:
            if len(self._years) >= YEARS_KEPT:
                self._years = {}
            days = self._years[day.year] = self._closed_in(day.year)
        return days.get(day)

    def outside_hours(self, local: datetime) -> str | None:
        """Return why a time of an open day is closed: it is outside of the open hours. None if it is open."""
        hours = self.definition.open_hours
        if hours is None or hours.start <= local.hour * 60 + local.minute < hours.end:
            return None
        return f"outside of the open hours {hours}"

    @property
    def opens_at(self) -> int:
        """The minute of the day at which days open."""
        return 0 if self.definition.open_hours is None else self.definition.open_hours.start

    def closed_days(self, first: date, last: date) -> Iterator[tuple[date, str]]:
        """List the closed days from `first` to `last`, both included, with why."""
        day = first
        while day <= last:
            if (why := self.closed(day)) is not None:
                yield day, why
            if day == date.max:
                return
            day += _DAY

    def runs_out_on(self, today: date) -> date | None:
        """Return the last closed day of a calendar that needs new ones soon; None if it does not.

        It does if its closed days are dates and ranges that somebody has written, and none is more than 60 days ahead.
        """
        definition = self.definition
        written = [*definition.dates, *(span.last for span in definition.ranges)]
        if definition.country is not None or not written:
            return None
        return max(written) if (max(written) - today).days <= WARN_DAYS else None

    def _closed_in(self, year: int) -> Mapping[date, str]:
        """Find the closed days of a year; of several reasons for a day, the one that tells most."""
        definition, first, last = self.definition, date(year, 1, 1), date(year, 12, 31)
        found = {day: WEEKDAYS[day.weekday()] for day in _days(first, last) if day.weekday() in definition.weekdays_off}
        found |= {day: "closed on this date" for day in definition.dates if day.year == year}
        spans = [span for span in definition.ranges if span.first <= last and span.last >= first]
        found |= _laid_over([span for span in spans if span.why is None], first, last)
        if definition.country is not None:
            found |= holidays_in(definition.country, definition.subdivision, year)
        return found | _laid_over([span for span in spans if span.why is not None], first, last)


def _laid_over(spans: Sequence[Span], first: date, last: date) -> dict[date, str]:
    """Return the days of spans between two days, with why: the last span's that has the day.

    Each day is looked at once, however many of the spans have it.
    """
    found: dict[date, str] = {}
    start, end = first.toordinal(), last.toordinal()
    free = list(range(start, end + 2))  # day - start -> the next day from there on that no later span has
    for span in reversed(spans):
        words = span.why or f"closed from {span.first.isoformat()} to {span.last.isoformat()}"
        day, final = _free(free, max(span.first.toordinal(), start), start), min(span.last.toordinal(), end)
        while day <= final:
            found[date.fromordinal(day)] = words
            free[day - start] = day + 1
            day = _free(free, day + 1, start)
    return found


def _free(free: list[int], day: int, start: int) -> int:
    """Follow the pointers from a day to the next free one, and shorten them on the way."""
    passed = []
    while free[day - start] != day:
        passed.append(day)
        day = free[day - start]
    for one in passed:
        free[one - start] = day
    return day


def _days(first: date, last: date) -> Iterator[date]:
    return (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))
