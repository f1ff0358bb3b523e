"""Calendars at work: is a day closed, and why; is a time outside of the open hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property

from service.domain.calendars.countries import holidays_in
from service.domain.calendars.definition import CalendarDefinition, Span
from service.domain.calendars.stretches import Stretch, cut, days_of
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
        found |= _closed_by(self._nameless, first, last)
        if definition.country is not None:
            found |= holidays_in(definition.country, definition.subdivision, year)
        return found | _closed_by(self._named, first, last)

    @cached_property
    def _nameless(self) -> Sequence[Stretch]:
        """The ranges without a reason of their own."""
        return _stretches(span for span in self.definition.ranges if span.why is None)

    @cached_property
    def _named(self) -> Sequence[Stretch]:
        return _stretches(span for span in self.definition.ranges if span.why is not None)


def _stretches(spans: Iterable[Span]) -> Sequence[Stretch]:
    return cut([
        Stretch(span.first.toordinal(), span.last.toordinal(),
                span.why or f"closed from {span.first.isoformat()} to {span.last.isoformat()}")
        for span in spans
    ])  # fmt: skip


def _closed_by(stretches: Sequence[Stretch], first: date, last: date) -> dict[date, str]:
    found = days_of(stretches, first.toordinal(), last.toordinal())
    return {date.fromordinal(day): why for day, why in found}


def _days(first: date, last: date) -> Iterator[date]:
    return (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))
