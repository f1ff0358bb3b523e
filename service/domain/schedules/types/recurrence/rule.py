"""A recurrence rule of RFC 5545 §3.3.10, checked part by part."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.domain.input.refusals import echo, listed

FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, SECONDLY = range(7)
"""The numbers by which `dateutil` knows them."""
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

MOST_OCCURRENCES = 10_000
"""The highest COUNT: the rule is walked from its start."""
LONGEST_STEP = 100_000
"""The highest INTERVAL."""
MOST_TIMES = 1_440
"""The most times of one day that BYHOUR, BYMINUTE and BYSECOND make together; FREQ=MINUTELY and SECONDLY make more."""

_BY_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_TIME = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z?))?")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. An empty list means that the part is left out. `bydays`: weekdays (Monday = 0), each with its nth, or 0.

    `until`: the last local time; `until_is_utc`: it is UTC instead. `until` with a date alone means its last second.
    """

    freq: int
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    until_is_utc: bool = False
    bymonth: tuple[int, ...] = ()
    byweekno: tuple[int, ...] = ()
    byyearday: tuple[int, ...] = ()
    bymonthday: tuple[int, ...] = ()
    bydays: tuple[tuple[int, int], ...] = ()
    byhour: tuple[int, ...] = ()
    byminute: tuple[int, ...] = ()
    bysecond: tuple[int, ...] = ()
    bysetpos: tuple[int, ...] = ()
    wkst: int = 0

    @property
    def follows_real_time(self) -> bool:
        """Whether it is due by the hour or more often, with no number of occurrences to keep."""
        return self.freq >= HOURLY and self.count is None


def parse_rule(text: str) -> Rule:
    """Parse `FREQ=…;…`.

    Raises:
        ValueError: it is not a rule of RFC 5545; the predicate of a sentence says why.
    """
    fields: dict[str, Any] = {}
    for part in text.upper().strip().rstrip(";").split(";"):
        name, equals, value = (one.strip() for one in part.partition("="))
        if not equals or not value:
            raise ValueError(f'must be made of parts such as "FREQ=WEEKLY;BYDAY=FR", not {echo(part)}')
        field, read = _part(name)
        if field in fields:
            raise ValueError(f"must not have the part {name} twice")
        fields[field] = read(name, value)
    if "freq" not in fields:
        raise ValueError(f"must have a part FREQ, which is {listed(FREQUENCIES)}")
    until = fields.pop("until", None)
    if until is not None:
        fields |= {"until": until[0], "until_is_utc": until[1]}
    rule = Rule(**fields)
    _check_together(rule)
    return rule


def parse_time(text: str) -> tuple[datetime, bool, bool]:
    """Parse `20261224T180000`, `…Z` or `20261224`.

    Returns:
        The time, whether it is UTC, and whether it is a date alone.

    Raises:
        ValueError: it has another form, or does not exist.
    """
    match = _TIME.fullmatch(text.strip().upper())
    if match is None:
        raise ValueError(f"must have times such as 20261224T180000, not {echo(text)}")
    try:
        return datetime.strptime(match[1] + (match[2] or "000000"), "%Y%m%d%H%M%S"), bool(match[3]), match[2] is None
    except ValueError:
        raise ValueError(f"must have times that exist, not {echo(text)}") from None


def _part(name: str) -> tuple[str, Callable[[str, str], Any]]:
    if name == "BYEASTER":
        raise ValueError(
            "must not have BYEASTER, which is not in RFC 5545; a calendar with the holidays of a country leaves Easter "
            "out (options.calendar), and the type once names its dates, also as a member of any"
        )
    if name not in _PARTS:
        raise ValueError(f"must be made of the parts {listed(_PARTS, 'and')}, not {echo(name)}")
    return _PARTS[name]


def _number(low: int, high: int) -> Callable[[str, str], int]:
    def read(name: str, value: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,6}", value) or not low <= int(value) <= high:
            raise ValueError(f"must have {_article(name)} {name} from {low} to {high}, not {echo(value)}")
        return int(value)

    return read


def _article(name: str) -> str:
    return "an" if name == "INTERVAL" else "a"


def _numbers(low: int, high: int, *, signed: bool = False) -> Callable[[str, str], tuple[int, ...]]:
    span = f"{low} to {high}" + (f" or -{high} to -{low}" if signed else "")

    def read(name: str, value: str) -> tuple[int, ...]:
        found = set()
        for one in value.split(","):
            number = int(one) if re.fullmatch(r"[+-]?[0-9]{1,3}", one.strip()) else None
            if number is None or not low <= (abs(number) if signed else number) <= high:
                raise ValueError(f"must have a {name} with numbers from {span}, not {echo(one)}")
            found.add(number)
        return tuple(sorted(found))

    return read


def _frequency(name: str, value: str) -> int:
    if value not in FREQUENCIES:
        raise ValueError(f"must have a FREQ of {listed(FREQUENCIES)}, not {echo(value)}")
    return FREQUENCIES.index(value)


def _until(name: str, value: str) -> tuple[datetime, bool]:
    time, is_utc, is_date = parse_time(value)
    return (time + timedelta(days=1, seconds=-1) if is_date else time), is_utc


def _weekday(name: str, value: str) -> int:
    if value not in DAYS:
        raise ValueError(f"must have a {name} of {listed(DAYS)}, not {echo(value)}")
    return DAYS.index(value)


def _weekdays(name: str, value: str) -> tuple[tuple[int, int], ...]:
    found = set()
    for one in value.split(","):
        match = _BY_DAY.fullmatch(one.strip())
        nth = int(match[1] or 0) if match else 0
        if match is None or abs(nth) > 53 or (match[1] and nth == 0):
            raise ValueError(f"must have a BYDAY such as MO,-1FR, not {echo(one)}")
        found.add((DAYS.index(match[2]), nth))
    return tuple(sorted(found))


_PARTS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "FREQ": ("freq", _frequency),
    "INTERVAL": ("interval", _number(1, LONGEST_STEP)),
    "COUNT": ("count", _number(1, MOST_OCCURRENCES)),
    "UNTIL": ("until", _until),
    "BYMONTH": ("bymonth", _numbers(1, 12)),
    "BYWEEKNO": ("byweekno", _numbers(1, 53, signed=True)),
    "BYYEARDAY": ("byyearday", _numbers(1, 366, signed=True)),
    "BYMONTHDAY": ("bymonthday", _numbers(1, 31, signed=True)),
    "BYDAY": ("bydays", _weekdays),
    "BYHOUR": ("byhour", _numbers(0, 23)),
    "BYMINUTE": ("byminute", _numbers(0, 59)),
    "BYSECOND": ("bysecond", _numbers(0, 59)),
    "BYSETPOS": ("bysetpos", _numbers(1, 366, signed=True)),
    "WKST": ("wkst", _weekday),
}


def _check_together(rule: Rule) -> None:
    """Refuse parts that RFC 5545 forbids together."""
    name = FREQUENCIES[rule.freq]
    if rule.count is not None and rule.until is not None:
        raise ValueError("must not have both COUNT and UNTIL")
    if rule.byweekno and rule.freq != YEARLY:
        raise ValueError(f"must not have BYWEEKNO with FREQ={name}")
    if rule.byyearday and rule.freq in (MONTHLY, WEEKLY, DAILY):
        raise ValueError(f"must not have BYYEARDAY with FREQ={name}")
    if rule.bymonthday and rule.freq == WEEKLY:
        raise ValueError("must not have BYMONTHDAY with FREQ=WEEKLY")
    if any(nth for _, nth in rule.bydays) and (rule.freq not in (YEARLY, MONTHLY) or rule.byweekno):
        raise ValueError("must not have numbers before its days, unless FREQ is MONTHLY, or YEARLY without BYWEEKNO")
    chosen = (
        rule.bymonth, rule.byweekno, rule.byyearday, rule.bymonthday, rule.bydays, rule.byhour, rule.byminute,
        rule.bysecond,
    )  # fmt: skip
    if rule.bysetpos and not any(chosen):
        raise ValueError("must have another part that starts with BY beside BYSETPOS")
    if rule.freq < HOURLY and len(rule.byhour) * max(len(rule.byminute), 1) * max(len(rule.bysecond), 1) > MOST_TIMES:
        raise ValueError(f"must have at most {MOST_TIMES:,} times of a day; for more, FREQ is MINUTELY or SECONDLY")
    _check_positions(rule)


def _check_positions(rule: Rule) -> None:
    """Refuse positions beyond the largest set of a period of less than a day: the rule would never come."""
    if not rule.bysetpos or rule.freq < HOURLY:
        return
    minutes = len(rule.byminute) or 1 if rule.freq == HOURLY else 1
    seconds = len(rule.bysecond) or 1 if rule.freq <= MINUTELY else 1
    if all(abs(position) > minutes * seconds for position in rule.bysetpos):
        raise ValueError(f"must have a BYSETPOS of at most {minutes * seconds}, as many times as a period has")
