"""Calendar schedules in plain English, made of the sets of their fields and never of their text.

Schedules that are due at the same times on a wall clock have the same words, however they are written; others have
other words, unless more than a dozen minutes of an hour had to be abridged. "or" joins lists between which a day may
choose, "and" joins all others: where cron means "or" (either day field matches), the sentence has no "and" between
days, and where it means "and", no "or". The times are those of the wall clock; the words leave out what happens to a
time that a change of the clocks skips or repeats.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from service.domain.input.refusals import listed
from service.domain.schedules.cron import CronFields

MINUTES_SHOWN = 12
"""Most minutes, or runs of them, that are listed; of more, the first three."""
TIMES_SHOWN = 8
"""Most times of a day that are listed."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_LONGEST = {month: 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31 for month in range(1, 13)}
_UNITS = {86400: "day", 3600: "hour", 60: "minute", 1: "second"}


@lru_cache(maxsize=4096)
def rhythm(fields: CronFields) -> str:
    """Write `Every Monday at 08:00`, `Every 15 minutes, Monday to Friday`, `At 08:00 on the 31st of January`."""
    return _sentence(_times(fields), _dates(fields))


def duration(seconds: int) -> str:
    """Write `1 hour and 30 minutes`, for at least a second."""
    parts = []
    rest = seconds
    for size, unit in _UNITS.items():
        number, rest = divmod(rest, size)
        if number:
            parts.append(counted(number, unit))
    return listed(parts, "and")


def counted(number: int, unit: str) -> str:
    """Write `1 hour`, `2 hours`."""
    return f"{number} {unit}{'s' if number != 1 else ''}"


def ordinal(number: int) -> str:
    """Write `1st`, `2nd`, `3rd`, `11th`, `21st`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


# Which days


@dataclass(frozen=True, slots=True)
class _Dates:
    """The days of a schedule, in the one form that all schedules of the same days share.

    `days`, `weekdays` (Monday = 0) and `months` are empty where every one counts. `either`: a day matches by its date
    or by its weekday, else by both.
    """

    days: tuple[int, ...]
    weekdays: tuple[int, ...]
    months: tuple[int, ...]
    either: bool


def _dates(fields: CronFields) -> _Dates:
    by_date = {day for day in fields.days if day <= max(_LONGEST[month] for month in fields.months)}
    weekdays = tuple(sorted((day + 6) % 7 for day in fields.weekdays))
    every_date = len(by_date) == max(_LONGEST[month] for month in fields.months)
    if not fields.both_days:
        if every_date or len(weekdays) == 7:
            return _Dates((), (), _some(fields.months, range(1, 13)), False)
        if by_date:
            return _Dates(tuple(sorted(by_date)), weekdays, _some(fields.months, range(1, 13)), True)
        return _Dates((), weekdays, _some(fields.months, range(1, 13)), False)
    # Months without any of the dates do not matter, named or not.
    possible = [month for month in _LONGEST if _LONGEST[month] >= min(by_date)]
    months = _some([month for month in fields.months if month in possible], possible)
    return _Dates(() if every_date else tuple(sorted(by_date)), weekdays if len(weekdays) < 7 else (), months, False)


def _some(values: Iterable[int], all: Iterable[int]) -> tuple[int, ...]:
    """Sort the values; return none if they are all possible values."""
    found = set(values)
    return () if found == set(all) else tuple(sorted(found))


# Which times


@dataclass(frozen=True, slots=True)
class _Times:
    """The times of a day. `at`: `words` list them, such as `08:00 and 20:30`; else `words` are a rhythm."""

    words: str
    at: bool


def _times(fields: CronFields) -> _Times:
    minutes, hours = sorted(fields.minutes), sorted(fields.hours)
    times = [hour * 60 + minute for hour in hours for minute in minutes]
    step = _step(times)
    if step and len(times) * step == 1440 and step <= 60:
        return _Times(_all_day(times[0], step), False)
    if step and len(times) > 3:
        return _Times(f"Every {_interval(step)} from {_clock(times[0])} to {_clock(times[-1])}", False)
    if len(times) <= TIMES_SHOWN:
        return _Times(listed(map(_clock, times), "and"), True)
    return _Times(_minutes(minutes, hours), False)


def _step(values: Sequence[int]) -> int:
    """Return the one distance between neighbours; 0 if there are several, or no neighbours."""
    steps = {later - earlier for earlier, later in itertools.pairwise(values)}
    return steps.pop() if len(steps) == 1 else 0


def _all_day(first: int, step: int) -> str:
    if step == 60:
        return "Every hour on the hour" if first == 0 else f"At {counted(first, 'minute')} past every hour"
    if first == 0:
        return f"Every {_interval(step)}"
    return f"Every {_interval(step)} from {_clock(first)} to {_clock(first + 1440 - step)}"


def _interval(minutes: int) -> str:
    return duration(minutes * 60).removeprefix("1 ")


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _minutes(minutes: list[int], hours: list[int]) -> str:
    """Put times that are too many to list into words, as minutes of hours."""
    hour = "every hour" if len(hours) == 24 else f"the hours {listed(_runs(hours, str), 'and')}"
    step = _step(minutes)
    if minutes[0] == 0 and step and len(minutes) * step == 60:
        return f"Every {_interval(step)} in {hour}"
    shown = _runs(minutes, str)
    if len(shown) > MINUTES_SHOWN:
        each = hour if len(hours) == 24 else f"each of {hour}"
        return f"{len(minutes)} times in {each} (at {', '.join(map(str, minutes[:3]))}, … minutes past)"
    return f"At {listed(shown, 'and')} minute{'s' if minutes != [1] else ''} past {hour}"


def _runs(values: Sequence[int], name: Callable[[int], str]) -> list[str]:
    """List the names of values in order; three neighbours or more as `8 to 11`."""
    found: list[str] = []
    start = 0
    for end in range(1, len(values) + 1):
        if end < len(values) and values[end] == values[end - 1] + 1:
            continue
        run = values[start:end]
        found += [f"{name(run[0])} to {name(run[-1])}"] if len(run) > 2 else map(name, run)
        start = end
    return found


# Both together


def _sentence(times: _Times, dates: _Dates) -> str:
    if dates.days:
        return f"At {times.words} on {_on_dates(dates)}" if times.at else f"{times.words}, on {_on_dates(dates)}"
    days, season = _weekdays(dates.weekdays, "and"), _season(dates.months, "and")
    if times.at and " to " not in days:
        return " ".join(filter(None, (f"Every {days or 'day'}", season, f"at {times.words}")))
    if " to " not in days:
        days = f"on {_weekdays(dates.weekdays, 'and', 's')}" if days else ""
    return ", ".join(filter(None, (f"At {times.words}" if times.at else times.words, days, season)))


def _on_dates(dates: _Dates) -> str:
    """Put days into words: `the 1st and 15th of January`, `the 1st or 15th of the month or on any Monday`."""
    if dates.either:
        days = f"the {_ordinals(dates.days, 'or')} of the month or on any {_weekdays(dates.weekdays, 'or')}"
        return ", ".join(filter(None, (days, _season(dates.months, "or"))))
    only = f", but only on {_weekdays(dates.weekdays, 'and', 's')}" if dates.weekdays else ""
    return f"the {_ordinals(dates.days, 'and')} of {_owner(dates.months)}{only}"


def _ordinals(days: Sequence[int], last: str) -> str:
    return listed(_runs(days, ordinal), last)


def _weekdays(days: Sequence[int], last: str, ending: str = "") -> str:
    return listed(_runs(days, lambda day: WEEKDAYS[day] + ending), last) if days else ""


def _owner(months: Sequence[int]) -> str:
    """Write to which months a date belongs: `the month`, `January and March`, `each month from March to June`."""
    names = listed(_runs(months, _month), "and") if months else "the month"
    return f"each month from {names}" if _is_one_run(names) else names


def _season(months: Sequence[int], last: str) -> str:
    """Write `in January`, `from March to June`; nothing for all year."""
    names = listed(_runs(months, _month), last) if months else ""
    return f"from {names}" if _is_one_run(names) else f"in {names}" if names else ""


def _is_one_run(names: str) -> bool:
    return len(names.split(" ")) == 3 and " to " in names


def _month(month: int) -> str:
    return MONTHS[month - 1]
