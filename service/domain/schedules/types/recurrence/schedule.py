"""Schedules by a recurrence rule, with more dates (RDATE) and without some (EXDATE)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from service.domain.input.refusals import Refusals, echo
from service.domain.schedules.fields import (
    LOCAL_SCHEMA,
    TIMEZONE_SCHEMA,
    Config,
    Schemas,
    local_time,
    path,
    timezone_of,
)
from service.domain.schedules.types.recurrence.rule import HOURLY, MINUTELY, SECONDLY, Rule, parse_rule, parse_time
from service.domain.schedules.types.recurrence.walk import spelled_out, walk_of
from service.domain.schedules.types.recurrence.words import words_of
from service.domain.schedules.wall_clock import NextWall, WallClock, wall_at
from service.domain.schedules.workdays import Calendar
from service.domain.schedules.zones import zone
from service.errors import ValidationFailed

LONGEST_TEXT = 10_000
"""Characters."""
_LINE = re.compile(r"(RRULE|RDATE|EXDATE)((?:;[A-Z]+=[^:;]+)*):(.*)", re.IGNORECASE)

PROPERTIES: Schemas = {
    "rrule": {
        "type": "string", "minLength": 1, "maxLength": LONGEST_TEXT,
        "description": "A rule of RFC 5545, such as FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18; lines RRULE, RDATE and EXDATE.",
    },
    "dtstart": {
        **LOCAL_SCHEMA,
        "description": "The local time from which the rule counts; else the rule counts from starts_at or the time of "
        "planning, and times that it leaves open are 0.",
    },
    "timezone": TIMEZONE_SCHEMA,
}  # fmt: skip
REQUIRED = ("rrule",)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """By `rule`, on local times, and at `rdates`; not at `exdates`, nor on `exdays`.

    `dtstart`: from which the rule counts; None: from the anchor.
    """

    rule: Rule
    timezone: str = "UTC"
    dtstart: datetime | None = None
    rdates: tuple[datetime, ...] = ()
    exdates: frozenset[datetime] = frozenset()
    exdays: frozenset[date] = frozenset()
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        parts = self.rule, self.timezone, self.dtstart, self.rdates, self.exdates, self.exdays
        object.__setattr__(self, "_hash", hash(parts))

    def __hash__(self) -> int:
        return self._hash  # made once: it is asked for whenever an answer is looked up

    def next_after(self, after: int, anchor: int, calendar: Calendar | None = None) -> int | None:
        """Find the first occurrence strictly after an instant.

        Raises:
            ScheduleError: it is too far away to be searched for.
        """
        return _next(self, None if self.dtstart is not None else anchor, after)

    def words(self) -> str:
        """Say when it is due."""
        words = words_of(spelled_out(self.rule, self.dtstart))
        if self.dtstart is not None:
            words += f", from {self.dtstart:%Y-%m-%d} on"
        if self.rdates:
            words += f", and on {len(self.rdates)} more date{'s' if len(self.rdates) > 1 else ''}"
        excepted = len(self.exdates) + len(self.exdays)
        if excepted:
            words += f", except on {excepted} date{'s' if excepted > 1 else ''}"
        return f"{words} ({self.timezone})"


def parse(config: Config) -> Recurrence:
    """Parse a `schedule_config`. Raises ValidationFailed."""
    refusals = Refusals()
    timezone = refusals.attempt(lambda: timezone_of(config)) or "UTC"
    start = refusals.attempt(lambda: local_time(config["dtstart"], path("dtstart"))) if "dtstart" in config else None
    found = refusals.attempt(lambda: _read(config, timezone, start))
    refusals.raise_any()
    assert found is not None
    return found


def _read(config: Config, timezone: str, start: datetime | None) -> Recurrence:
    value = config.get("rrule")
    if "rrule" not in config:
        raise ValidationFailed.of(path("rrule"), 'is required: a rule such as "FREQ=WEEKLY;BYDAY=FR;BYHOUR=18"')
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        told = echo(value) if not isinstance(value, str) else f"{len(value)}"
        raise ValidationFailed.of(path("rrule"), f"must be text of at most {LONGEST_TEXT} characters, not {told}")
    try:
        return _from_lines(value, timezone, start)
    except ValueError as error:
        raise ValidationFailed.of(path("rrule"), str(error)) from None


def _from_lines(text: str, timezone: str, start: datetime | None) -> Recurrence:
    rules: list[Rule] = []
    more: set[datetime] = set()
    less: set[datetime] = set()
    days: set[date] = set()
    if not text.isascii():  # letters such as ı would become others in upper case
        odd = next(char for char in text if not char.isascii())
        raise ValueError(f"must be made of ASCII letters, digits and signs, not {echo(odd)}")
    unfolded = re.sub(r"\r?\n[ \t]", "", text)  # RFC 5545 §3.1
    for line in filter(None, map(str.strip, unfolded.splitlines())):
        match = _LINE.fullmatch(line)
        if match is None and re.match(r"[A-Za-z]+[:;]", line) and not line.upper().startswith("FREQ"):
            raise ValueError(_unknown_line(line))
        if match is None or match[1].upper() == "RRULE":
            rules.append(parse_rule(line if match is None else match[3]))
            continue
        for wall, is_date in _dates(match[2], match[3], timezone):
            if match[1].upper() == "RDATE":
                more.add(datetime.combine(wall, start.time()) if is_date and start else wall)
            elif is_date:
                days.add(wall.date())
            else:
                less.add(wall)
    if len(rules) != 1:
        raise ValueError(f"must have one rule, not {len(rules)}; the schedule type any joins several")
    rule = _in_zone(rules[0], timezone)
    return Recurrence(rule, timezone, start, tuple(sorted(more)), frozenset(less), frozenset(days))


def _unknown_line(line: str) -> str:
    name = re.split("[:;]", line)[0].upper()
    if name == "DTSTART":
        return "must have lines RRULE, RDATE and EXDATE alone; the start belongs into the field dtstart"
    if name in ("RRULE", "RDATE", "EXDATE"):
        return f"must have parameters such as VALUE=DATE alone in the line {name}, not {echo(line)}"
    return f"must have lines RRULE, RDATE and EXDATE alone, not {echo(name)}"


def _dates(parameters: str, values: str, timezone: str) -> list[tuple[datetime, bool]]:
    """Read the local times of an RDATE or EXDATE line; and of each, whether it is a date alone."""
    if "VALUE=PERIOD" in parameters.upper() or "/" in values:
        raise ValueError("must not have periods (VALUE=PERIOD): a run has no end; give their starts as times, RDATE:…")
    for parameter in filter(None, parameters.upper().split(";")):
        if parameter not in ("VALUE=DATE", "VALUE=DATE-TIME", f"TZID={timezone.upper()}"):
            raise ValueError(f"must have dates in the schedule's zone {timezone} or in UTC, not {echo(parameter)}")
    found = []
    for text in values.split(","):
        wall, is_utc, is_date = parse_time(text)
        found.append((_local(wall, zone(timezone)) if is_utc else wall, is_date))
    return found


def _in_zone(rule: Rule, timezone: str) -> Rule:
    """Give the rule its last local time, where it was given in UTC."""
    if rule.until is None or not rule.until_is_utc:
        return rule
    return replace(rule, until=_local(rule.until, zone(timezone)), until_is_utc=False)


def _local(utc: datetime, rules: ZoneInfo) -> datetime:
    try:
        return utc.replace(tzinfo=UTC).astimezone(rules).replace(tzinfo=None, fold=0)
    except OverflowError:
        return utc


@lru_cache(maxsize=16384)
def _next(schedule: Recurrence, anchor: int | None, after: int) -> int | None:
    clocks = _clocks(schedule, anchor)
    found = [instant for clock in clocks if (instant := clock.next_after(after)) is not None]
    return min(found, default=None)


@lru_cache(maxsize=4096)
def _clocks(schedule: Recurrence, anchor: int | None) -> tuple[WallClock, ...]:
    """Return the clocks of the rule, and of the further dates, which are fixed times."""
    rules = zone(schedule.timezone)
    start = schedule.dtstart
    rule = schedule.rule
    if start is None:
        start = wall_at(anchor or 0, rules)
        if start is None:
            return ()
        start, rule = start.replace(fold=0), _with_whole_times(rule)
    walk = WallClock(_without(walk_of(rule, start).next_wall, schedule), rules, rule.follows_real_time)
    if not schedule.rdates:
        return (walk,)
    return walk, WallClock(_without(_among(schedule.rdates), schedule), rules)


def _with_whole_times(rule: Rule) -> Rule:
    """Give 0 to the times that a rule without a start leaves open: it would run at the seconds of its planning."""
    found = {
        name: (0,) for name, freq in (("byhour", HOURLY), ("byminute", MINUTELY), ("bysecond", SECONDLY))
        if rule.freq < freq and not getattr(rule, name)
    }  # fmt: skip
    return replace(rule, **found)  # type: ignore[arg-type]


def _among(times: tuple[datetime, ...]) -> NextWall:
    def next_wall(wall: datetime) -> datetime | None:
        return next((time for time in times if time > wall), None)

    return next_wall


def _without(walk: NextWall, schedule: Recurrence) -> NextWall:
    """Leave out the excepted times."""
    if not schedule.exdates and not schedule.exdays:
        return walk

    def next_wall(wall: datetime) -> datetime | None:
        found = walk(wall)
        while found is not None and (found in schedule.exdates or found.date() in schedule.exdays):
            found = walk(found)
        return found

    return next_wall
