"""Parse the texts that people type for a schedule: times of day, durations, days of a month, dates.

The names of fields are the API's; what only the API can judge, such as a day of a month, is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH_DAYS = ("last", "first-workday", "last-workday")

_DURATION = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")
_DAYS_OR_WEEKS = re.compile(r"(\d{1,6})([dw])")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_AND_MINUTE = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{1,2}:\d{2})")
_NTH_WEEKDAY = re.compile(r"(last|[1-5])(?:st|nd|rd|th)?-(mon|tue|wed|thu|fri|sat|sun)[a-z]*")
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {"weekdays": DAYS[:5], "weekends": DAYS[5:]}


def parsed_times(text: str) -> list[dict[str, int]]:
    """Parse `08:00` or `08:00,17:30`.

    Raises:
        Failure: It is no time of day.
    """
    return [_time(part, text) for part in text.split(",")]


def _time(part: str, text: str) -> dict[str, int]:
    found = _TIME.fullmatch(part.strip())
    if found is None:
        raise Failure(
            Exit.USAGE, f"--at takes a time such as 08:30, or several such as 08:00,17:30, not {quoted(text)}"
        )
    return {"hour": int(found[1]), "minute": int(found[2])}


def parsed_duration(text: str) -> dict[str, int] | None:
    """Parse a duration such as `2h30m`.

    Returns:
        Its days, hours, minutes and seconds, without those that are zero; None if `text` is invalid.
    """
    found = _DURATION.fullmatch(text.replace(" ", "").lower())
    if found is None or not any(found.groups()):
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    named = {"days": weeks * 7 + days, "hours": hours, "minutes": minutes, "seconds": seconds}
    return {name: value for name, value in named.items() if value} or {"seconds": 0}


def parsed_interval(text: str) -> dict[str, int]:
    """Parse the interval of `--every`.

    Raises:
        Failure: It is no duration.
    """
    if (interval := parsed_duration(text)) is None:
        raise Failure(Exit.USAGE, f"--every takes an interval such as 2h30m, 45s or 10d, not {quoted(text)}")
    return interval


def parsed_step(text: str) -> tuple[int, str]:
    """Parse `10d` or `2w`, the `--every` of a time of day.

    Returns:
        The number, and `d` or `w`.

    Raises:
        Failure: It has another unit.
    """
    found = _DAYS_OR_WEEKS.fullmatch(text.replace(" ", "").lower())
    if found is None:
        raise Failure(Exit.USAGE, f"--every with --at takes days or weeks, such as 10d or 2w, not {quoted(text)}")
    return int(found[1]), found[2]


def parsed_weekdays(text: str) -> str:
    """Write `mon,fri`, `Monday`, `weekdays`, `weekends` and ranges such as `mon-fri` or `fri-mon` as the API's list.

    Raises:
        Failure: It has something else than days.
    """
    return ",".join(dict.fromkeys(day for part in text.split(",") for day in _weekdays(part.strip().lower(), text)))


def _weekdays(part: str, text: str) -> Sequence[str]:
    if part in _GROUPS:
        return _GROUPS[part]
    first, dash, last = part.partition("-")
    start, end = _weekday(first), _weekday(last if dash else first)
    if start is None or end is None:
        known = "days such as mon,wed,fri, ranges such as mon-fri, weekdays and weekends"
        raise Failure(Exit.USAGE, f"--on takes {known}, not {quoted(text)}")
    return [DAYS[day % 7] for day in range(start, end + 1 if end >= start else end + 8)]


def _weekday(text: str) -> int | None:
    """Return a day's number, Monday = 0, by its English name or the first letters of it; None if it is no day."""
    text = text.strip()
    return next((day for day, name in enumerate(_NAMES) if text in (DAYS[day], name)), None)


def parsed_month_day(text: str) -> Any:
    """Parse the day of `--monthly`: `15`, `last`, `first-workday`, `last-fri`, `3rd-thu`.

    Raises:
        Failure: It is no day of a month.
    """
    day = text.strip().lower().replace(" ", "-").replace("_", "-")
    if day.isascii() and day.isdigit():
        return int(day)
    if day in MONTH_DAYS:
        return day.replace("-", "_")
    if (found := _NTH_WEEKDAY.fullmatch(day)) is None:
        known = f"a day from 1 to 31, {', '.join(MONTH_DAYS)}, or a weekday such as 2nd-tue or last-fri"
        raise Failure(Exit.USAGE, f"--monthly takes {known}, not {quoted(text)}")
    return {"nth": "last" if found[1] == "last" else int(found[1]), "weekday": found[2]}


def parsed_months(text: str) -> list[int]:
    """Parse `jan,jul` or `1,7`.

    Raises:
        Failure: It has something else than months.
    """
    return [month for part in text.split(",") for month in _months(part.strip().lower(), text)]


def _months(part: str, text: str) -> range:
    first, dash, last = part.partition("-")
    found = range(_month(first), (_month(last) if dash else _month(first)) + 1)
    if not (found and found[0]):
        raise Failure(Exit.USAGE, f"--months takes months such as jan,jul, 1,7 or mar-oct, not {quoted(text)}")
    return found


def _month(text: str) -> int:
    """Return a month's number; 0 if it is no month."""
    if text.isascii() and text.isdigit():
        return int(text) if 1 <= int(text) <= 12 else 0
    return MONTHS.index(text[:3]) + 1 if text[:3] in MONTHS else 0


def parsed_dates(texts: Sequence[str], times: Sequence[Mapping[str, int]]) -> list[str]:
    """Write dates as the API has them: `2026-12-24 18:00`, or `2026-12-24` with the times of `--at`.

    Raises:
        Failure: A date has no time, and `--at` is not there; or it has one, and `--at` is there, too.
    """
    clocks = [f"T{time['hour']:02d}:{time['minute']:02d}:00" for time in times]
    found = []
    for text in map(str.strip, ",".join(texts).split(",")):
        alone = _DATE.fullmatch(text) is not None
        if alone != bool(clocks):
            taken = "a date such as 2026-12-24" if clocks else "a time such as 2026-12-24T18:00, or a date with --at"
            raise Failure(Exit.USAGE, f"--once takes {taken}, not {quoted(text)}")
        found += [f"{text}{clock}" for clock in clocks] if alone else [_in_full(text)]
    return found


def _in_full(text: str) -> str:
    found = _DATE_AND_MINUTE.fullmatch(text)
    return text if found is None else f"{found[1]}T{found[2]:0>5}:00"
