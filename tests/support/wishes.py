"""When people want a job to run, in their words, and an oracle for each: a walk over all days, without our engine.

docs/schedules.md has the schedule of each wish under the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

START = datetime(2027, 1, 1, tzinfo=UTC)
"""Occurrences strictly after this are compared."""
END = datetime(2029, 1, 1, tzinfo=UTC)
"""A common year and a leap year later."""
DAY = timedelta(days=1)
Test = Callable[[date], bool]


class Oracle(Protocol):
    """When a wish is due."""

    def instants(self, zone: ZoneInfo) -> Iterator[datetime]:
        """Yields UTC instants, in any order, from about `START` to about `END`."""


@dataclass(frozen=True)
class Days:
    """At some times of the days that pass a test."""

    test: Test
    clocks: tuple[time, ...]

    def instants(self, zone: ZoneInfo) -> Iterator[datetime]:
        day = START.date() - DAY
        while day <= END.date():
            if self.test(day):
                for clock in self.clocks:
                    yield instant(datetime.combine(day, clock), zone)
            day += DAY


@dataclass(frozen=True)
class Dates:
    """At some local times."""

    texts: tuple[str, ...]

    def instants(self, zone: ZoneInfo) -> Iterator[datetime]:
        for text in self.texts:
            yield instant(datetime.fromisoformat(text), zone)


@dataclass(frozen=True)
class Steps:
    """Every so long, counted from `START`."""

    step: timedelta

    def instants(self, zone: ZoneInfo) -> Iterator[datetime]:
        yield from (START + number * self.step for number in range(1, 2000))


@dataclass(frozen=True)
class All:
    """Whenever one of several is due."""

    parts: tuple[Oracle, ...]

    def instants(self, zone: ZoneInfo) -> Iterator[datetime]:
        for part in self.parts:
            yield from part.instants(zone)


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which a clock shows this time, or, if it skips it, the first after the gap."""
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early <= late:
        return early
    at = late  # in a gap: minute by minute to its end
    while at.astimezone(zone).replace(tzinfo=None) < wall:
        at += timedelta(minutes=1)
    return at


def expected(oracle: Oracle, zone: ZoneInfo) -> list[datetime]:
    """All occurrences after `START` and before `END`, each once, in order."""
    return sorted({at for at in oracle.instants(zone) if START < at < END})


# How the oracles below are written


def on(test: Test, *clocks: str) -> Days:
    return Days(test, tuple(map(time.fromisoformat, clocks)))


def every_day(_: date) -> bool:
    return True


def weekdays(*days: int) -> Test:
    """Monday is 0."""
    return lambda day: day.weekday() in days


def both(*tests: Test) -> Test:
    return lambda day: all(test(day) for test in tests)


def months(*numbers: int) -> Test:
    return lambda day: day.month in numbers


def dates(*numbers: int) -> Test:
    """Days of the month; negative ones count from its end."""
    return lambda day: day.day in numbers or day.day - 1 - length(day) in numbers


def length(day: date) -> int:
    return ((day.replace(day=1) + 31 * DAY).replace(day=1) - DAY).day


def nth(number: int, weekday: int) -> Test:
    """Of a month: the first is 1, the last -1."""

    def is_it(day: date) -> bool:
        same = [one for one in month_of(day) if one.weekday() == weekday]
        return len(same) >= number and day == same[number if number < 0 else number - 1]

    return is_it


def nth_workday(number: int) -> Test:
    def is_it(day: date) -> bool:
        return day == [one for one in month_of(day) if one.weekday() < 5][number if number < 0 else number - 1]

    return is_it


def month_of(day: date) -> list[date]:
    return [day.replace(day=number) for number in range(1, length(day) + 1)]


def every(step: int, first: str) -> Test:
    """Every so many days from a date on."""
    start = date.fromisoformat(first)
    return lambda day: day >= start and (day - start).days % step == 0


def since(first: str) -> Test:
    return lambda day: day >= date.fromisoformat(first)


def until(last: str) -> Test:
    return lambda day: day <= date.fromisoformat(last)


def weekend_before(day: date) -> bool:
    """The 15th; the Friday before where that is a Saturday or a Sunday."""
    pay_day = day.replace(day=15)
    while pay_day.weekday() >= 5:
        pay_day -= DAY
    return day == pay_day


def hours(first: int, last: int, *minutes: int) -> tuple[str, ...]:
    return tuple(f"{hour:02d}:{minute:02d}" for hour in range(first, last + 1) for minute in minutes or (0,))


WORKDAYS = weekdays(0, 1, 2, 3, 4)

WISHES: dict[str, Oracle] = {
    # Every so often
    "Every 15 minutes": on(every_day, *hours(0, 23, 0, 15, 30, 45)),
    "Every 90 minutes": Steps(timedelta(minutes=90)),
    "Every 45 seconds": Steps(timedelta(seconds=45)),
    "Every 6 hours": Steps(timedelta(hours=6)),
    "Every 36 hours": Steps(timedelta(hours=36)),
    "Every 10 days, to the second": Steps(timedelta(days=10)),
    "Every full hour": on(every_day, *hours(0, 23)),
    "Twice an hour, at 5 and 35 past": on(every_day, *hours(0, 23, 5, 35)),
    "Every 5 minutes of office hours, 9 to 5": on(WORKDAYS, *hours(9, 16, *range(0, 60, 5))),
    "Every 20 minutes from 9:00 to 17:00 inclusive": on(every_day, *hours(9, 16, 0, 20, 40), "17:00"),
    "Each full hour of opening hours, shorter on Saturdays": All(
        (on(WORKDAYS, *hours(8, 18)), on(weekdays(5), *hours(9, 13)))
    ),
    # Days
    "Every day at 8:00": on(every_day, "08:00"),
    "Twice a day, at 8:00 and 17:30": on(every_day, "08:00", "17:30"),
    "Every night at 2:30, also when the clocks change": on(every_day, "02:30"),
    "On weekdays at 7:30": on(WORKDAYS, "07:30"),
    "Twice a day on weekdays": on(WORKDAYS, "08:00", "16:00"),
    "On weekends at 10:00": on(weekdays(5, 6), "10:00"),
    "Every day except Sunday": on(weekdays(0, 1, 2, 3, 4, 5), "08:00"),
    "At 8:00, and on Mondays also at noon": All((on(every_day, "08:00"), on(weekdays(0), "12:00"))),
    "At 8:00 on weekdays, at 10:00 on weekends": All((on(WORKDAYS, "08:00"), on(weekdays(5, 6), "10:00"))),
    "Every other day": on(every(2, "2027-01-02"), "08:00"),
    "Every 10 days at 8:00": on(every(10, "2027-01-05"), "08:00"),
    "Every day, but not on 25 and 26 December": on(
        lambda day: (day.month, day.day) not in ((12, 25), (12, 26)), "08:00"
    ),
    "More profiles on weekdays than on weekends": All((on(WORKDAYS, "09:00"), on(weekdays(5, 6), "09:00"))),
    # Weeks
    "Every Monday at 9:00": on(weekdays(0), "09:00"),
    "On Mondays, Wednesdays and Fridays": on(weekdays(0, 2, 4), "09:00"),
    "On weekdays except Wednesday": on(weekdays(0, 1, 3, 4), "09:00"),
    "Tuesdays at 10:00 and Thursdays at 15:00": All((on(weekdays(1), "10:00"), on(weekdays(3), "15:00"))),
    "On Tuesdays, in the morning and in the evening": on(weekdays(1), "08:00", "20:00"),
    "Every other Tuesday": on(every(14, "2027-01-05"), "10:00"),
    "Every third Monday, counted in weeks": on(every(21, "2027-01-04"), "10:00"),
    "Every four weeks on Wednesday and Thursday": on(
        lambda day: every(28, "2027-01-06")(day) or every(28, "2027-01-07")(day), "10:00"
    ),
    "On the Mondays of odd calendar weeks": on(both(weekdays(0), lambda day: day.isocalendar().week % 2 == 1), "09:00"),
    # Months
    "On the first of the month, just after midnight": on(dates(1), "00:05"),
    "On the 15th of each month": on(dates(15), "09:00"),
    "On the 1st and the 15th": on(dates(1, 15), "09:00"),
    "On the last day of the month": on(dates(-1), "23:00"),
    "On the 31st, in the months that have one": on(dates(31), "09:00"),
    "On the 30th, in February on the last day": on(
        lambda day: day.day == 30 or (day.month == 2 and day.day == length(day)), "09:00"
    ),
    "Two days before the last day of the month": on(dates(-3), "09:00"),
    "On the first working day of the month": on(nth_workday(1), "06:00"),
    "On the last working day of the month": on(nth_workday(-1), "18:00"),
    "On the last working day but one": on(nth_workday(-2), "18:00"),
    "On the first Monday of the month": on(nth(1, 0), "09:00"),
    "On the second Tuesday of the month": on(nth(2, 1), "20:00"),
    "On the last Friday of the month": on(nth(-1, 4), "18:00"),
    "On the fifth Saturday, where there is one": on(nth(5, 5), "10:00"),
    "On the 10th and on the last Friday": All((on(dates(10), "15:00"), on(nth(-1, 4), "15:00"))),
    "On the 15th, or on the Friday before a weekend": on(weekend_before, "09:00"),
    "On Friday the 13th": on(both(dates(13), weekdays(4)), "13:00"),
    "Every other month": on(both(dates(1), months(1, 3, 5, 7, 9, 11)), "08:00"),
    "Every three months from 10 February on": on(both(dates(10), months(2, 5, 8, 11)), "08:00"),
    "At the start of each quarter": on(both(dates(1), months(1, 4, 7, 10)), "08:00"),
    "Third Thursday, quarterly": on(both(nth(3, 3), months(3, 6, 9, 12)), "14:00"),
    "On the last working day of each quarter": on(both(nth_workday(-1), months(3, 6, 9, 12)), "17:00"),
    "Twice a year": on(both(dates(1), months(1, 7)), "08:00"),
    # Years and seasons
    "Each year on 24 December at 18:00": on(both(dates(24), months(12)), "18:00"),
    "Only in December": on(months(12), "18:00"),
    "Not in August": on(lambda day: day.month != 8, "08:00"),
    "Saturdays in summer": on(both(weekdays(5), months(6, 7, 8)), "10:00"),
    "Only on 29 February": Dates(("2028-02-29 09:00",)),
    "On the last Sunday of March and of October": on(both(nth(-1, 6), months(3, 10)), "12:00"),
    "On the fourth Thursday of November": on(both(nth(4, 3), months(11)), "09:00"),
    "On the Tuesday after the first Monday of November": on(
        lambda day: day.month == 11 and nth(1, 0)(day - DAY), "07:00"
    ),
    "On the 256th day of the year": on(lambda day: day.timetuple().tm_yday == 256, "09:00"),
    # Once, and for a while
    "Once, on 24 December 2027 at 18:00": Dates(("2027-12-24 18:00",)),
    "On three dates": Dates(("2027-03-01 09:00", "2027-06-15 14:30", "2027-10-04 09:00")),
    "Ten times, and then no more": on(both(since("2027-02-01"), until("2027-02-10")), "09:00"),
    "Every day until the end of March": on(until("2027-03-31"), "08:00"),
    "Every Monday from June on": on(both(weekdays(0), since("2027-06-01")), "09:00"),
}

AUSTRIAN = (
    "2027-01-01 2027-01-06 2027-03-29 2027-05-01 2027-05-06 2027-05-17 2027-05-27 2027-08-15 2027-10-26 "
    "2027-11-01 2027-12-08 2027-12-25 2027-12-26 2028-01-01 2028-01-06 2028-04-17 2028-05-01 2028-05-25 "
    "2028-06-05 2028-06-15 2028-08-15 2028-10-26 2028-11-01 2028-12-08 2028-12-25 2028-12-26 2029-01-01"
)
"""Public holidays, by hand."""
HOLIDAYS = set(map(date.fromisoformat, AUSTRIAN.split()))
CALENDAR = {"name": "office", "weekdays_off": ["sat", "sun"], "country": "AT"}
"""The calendar of the wishes below."""


def is_open(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS


def moved(test: Test, step: int) -> Test:
    """The open days to which the days that pass a test move."""

    def is_it(day: date) -> bool:
        if not is_open(day):
            return False
        found = test(day)
        closed = day - step * DAY
        while not is_open(closed):
            found = found or test(closed)
            closed -= step * DAY
        return found

    return is_it


def nth_open(number: int) -> Test:
    def is_it(day: date) -> bool:
        return day == [one for one in month_of(day) if is_open(one)][number if number < 0 else number - 1]

    return is_it


CALENDAR_WISHES: dict[str, Oracle] = {
    "On working days, not on public holidays": on(is_open, "08:00"),
    "On the first working day of the month, holidays count": on(nth_open(1), "06:00"),
    "On the last working day of the month, holidays count": on(nth_open(-1), "18:00"),
    "On Mondays; on the next working day if that is a holiday": on(moved(weekdays(0), 1), "09:00"),
    "On the 15th, or on the working day before": on(moved(dates(15), -1), "09:00"),
    "On the first of the month, or on the working day after": on(moved(dates(1), 1), "08:00"),
    "Each full hour of working days": on(is_open, *hours(8, 18)),
}
WISHES |= CALENDAR_WISHES
