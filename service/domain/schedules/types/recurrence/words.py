"""Recurrence rules in plain English."""

from __future__ import annotations

from collections.abc import Sequence

from service.domain.input.refusals import listed
from service.domain.schedules.calendar_words import MONTHS, WEEKDAYS, counted, ordinal
from service.domain.schedules.types.recurrence.rule import DAILY, YEARLY, Rule

_UNITS = ("year", "month", "week", "day", "hour", "minute", "second")
_SHOWN = 8
"""Most items of a list that are shown."""


def words_of(rule: Rule) -> str:
    """Write `Every 2 weeks on Tuesday and Friday at 09:00`."""
    every = f"every {_UNITS[rule.freq]}" if rule.interval == 1 else f"every {rule.interval} {_UNITS[rule.freq]}s"
    parts = [every.capitalize(), *_days(rule), *_times(rule)]
    if rule.bysetpos:
        places = listed((_nth(position) for position in rule.bysetpos), "and")
        parts[-1] += ","
        parts.append(f"but only the {places} of these in each {_UNITS[rule.freq]}")
    text = " ".join(parts)
    if rule.count is not None:
        return f"{text}, {counted(rule.count, 'time')}"
    if rule.until is not None:
        return f"{text}, until {rule.until:%Y-%m-%d %H:%M}{' UTC' if rule.until_is_utc else ''}"
    return text


def _days(rule: Rule) -> list[str]:
    found = []
    if rule.bymonth:
        found.append(f"in {_months(rule.bymonth)}")
    if rule.byweekno:
        found.append(f"in the {_some([_nth(number) for number in rule.byweekno])} week of the year")
    if rule.byyearday:
        found.append(f"on the {_some([_nth(number) for number in rule.byyearday])} day of the year")
    if rule.bymonthday:
        found.append(f"on the {_some([_nth(number) for number in rule.bymonthday])} day of the month")
    if rule.bydays:
        of = "" if not any(nth for _, nth in rule.bydays) else _owner(rule)
        days = [_weekday(day, nth) for day, nth in rule.bydays]
        dated = rule.bymonthday or rule.byyearday
        found.append(f"that is {'' if of else 'a '}{listed(days, 'or')}{of}" if dated else f"on {_some(days)}{of}")
    return found


def _months(months: Sequence[int]) -> str:
    others = [name for month, name in enumerate(MONTHS, start=1) if month not in months]
    if len(months) <= _SHOWN:
        return listed((MONTHS[month - 1] for month in months), "and")
    return f"every month except {listed(others, 'and')}" if others else "every month"


def _owner(rule: Rule) -> str:
    return " of the year" if rule.freq == YEARLY and not rule.bymonth else " of the month"


def _weekday(day: int, nth: int) -> str:
    return f"the {_nth(nth)} {WEEKDAYS[day]}" if nth else WEEKDAYS[day]


def _times(rule: Rule) -> list[str]:
    if rule.freq <= DAILY and rule.byhour:
        times = [
            f"{hour:02d}:{minute:02d}" + (f":{second:02d}" if second else "")
            for hour in rule.byhour for minute in rule.byminute or (0,) for second in rule.bysecond or (0,)
        ]  # fmt: skip
        if len(times) <= _SHOWN:
            return [f"at {listed(times, 'and')}"]
        return [f"at {len(times)} times of the day from {times[0]} to {times[-1]}"]
    given = (("hour", rule.byhour), ("minute", rule.byminute), ("second", rule.bysecond))
    return [
        f"in {name}{'s' if len(values) > 1 else ''} {_some(list(map(str, values)))}" for name, values in given if values
    ]


def _nth(number: int) -> str:
    if number == -1:
        return "last"
    return ordinal(number) if number > 0 else f"{ordinal(-number)} last"


def _some(items: Sequence[str]) -> str:
    if len(items) <= _SHOWN:
        return listed(items, "and")
    return f"{', '.join(items[:3])} and {len(items) - 3} more"
