"""Definitions of calendars: which days and hours are closed, as people write it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, TypeVar

import orjson

from service.domain.calendars.countries import checked_country, checked_subdivision
from service.domain.input.names import parse_name
from service.domain.input.refusals import Refusals, echo, joined, listed, require_object
from service.domain.job_fields import checked_description
from service.domain.schedules.definition import DAY_NAMES
from service.errors import ValidationFailed

DATES_LIMIT, RANGES_LIMIT = 2_000, 2_000
"""Most dates, and most ranges, of one calendar."""
WHY_LIMIT = 200
"""The longest reason, in characters."""
FIELDS = ("name", "description", "weekdays_off", "dates", "ranges", "country", "subdivision", "open_hours")
READ_ONLY_FIELDS = frozenset({"created_at", "updated_at", "revision", "runs_out_on"})
"""Fields that a body may carry, and that have no effect there."""
_DEFAULTS: Mapping[str, Any] = {
    "description": None, "weekdays_off": [], "dates": [], "ranges": [], "country": None, "subdivision": None,
    "open_hours": None,
}  # fmt: skip
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Closed days from `first` to `last`, both included, and why."""

    first: date
    last: date
    why: str | None = None

    def answer(self) -> dict[str, str]:
        """Write the span as the API shows it."""
        days = {"from": self.first.isoformat(), "to": self.last.isoformat()}
        return days if self.why is None else {**days, "why": self.why}


@dataclass(frozen=True, slots=True)
class OpenHours:
    """The open minutes of a day: `start` ≤ minute < `end`, counted from midnight."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{_clock(self.start)}–{_clock(self.end)}"


@dataclass(frozen=True, slots=True)
class CalendarDefinition:
    """A calendar as its author defines it.

    Args:
        name: as `service.domain.input.names` has them.
        description: text, or None.
        weekdays_off: Monday = 0.
        dates: closed days, in order.
        ranges: closed spans, in order.
        country: ISO 3166-1 alpha-2; its public holidays are closed.
        subdivision: of the country, as the `holidays` package names it.
        open_hours: the open part of each open day; None for all of it.
    """

    name: str
    description: str | None = None
    weekdays_off: frozenset[int] = frozenset()
    dates: tuple[date, ...] = ()
    ranges: tuple[Span, ...] = ()
    country: str | None = None
    subdivision: str | None = None
    open_hours: OpenHours | None = None
    stamp: str = field(init=False, default="", compare=False)
    """Stands for all that decides which days and hours are closed: calendars with one stamp close alike."""

    def __post_init__(self) -> None:
        closing = {name: value for name, value in self.answer().items() if name not in ("name", "description")}
        digest = hashlib.sha256(orjson.dumps(closing)).digest()[:9]
        object.__setattr__(self, "stamp", base64.urlsafe_b64encode(digest).decode())

    def answer(self) -> dict[str, Any]:
        """Write the definition as the API shows it."""
        hours = self.open_hours
        return {
            "name": self.name,
            "description": self.description,
            "weekdays_off": [DAY_NAMES[day] for day in sorted(self.weekdays_off)],
            "dates": [day.isoformat() for day in self.dates],
            "ranges": [span.answer() for span in self.ranges],
            "country": self.country,
            "subdivision": self.subdivision,
            "open_hours": None if hours is None else {"from": _clock(hours.start), "to": _clock(hours.end)},
        }


def parse_calendar(body: object, current: CalendarDefinition | None = None) -> CalendarDefinition:
    """Parse a new calendar, or the one that a change makes of the current one.

    Args:
        body: the fields to set; read-only ones are ignored.
        current: the calendar before; its name stays. None for a new one.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    given = {name: value for name, value in require_object(body, "").items() if name not in READ_ONLY_FIELDS}
    refusals = Refusals()
    refusals.unknown(given, FIELDS, "", "a calendar")
    fields = {**(_DEFAULTS if current is None else current.answer()), **given}
    if "name" not in fields:
        refusals.add("name", "is required: such as austria or office-hours")
    name = refusals.attempt(lambda: parse_name(fields.get("name", "a")))
    if current is not None and name not in (None, current.name):
        refusals.add("name", f"cannot change after the calendar is created; it is {echo(current.name)}")
    description = refusals.attempt(lambda: checked_description(fields["description"]))
    weekdays = refusals.attempt(lambda: frozenset(_items(fields, "weekdays_off", 7, _weekday)))
    dates = refusals.attempt(lambda: tuple(sorted(set(_items(fields, "dates", DATES_LIMIT, parse_day)))))
    spans = refusals.attempt(lambda: tuple(sorted(set(_items(fields, "ranges", RANGES_LIMIT, _span)), key=_order)))
    country = refusals.attempt(lambda: checked_country(fields["country"]))
    subdivision = refusals.attempt(lambda: checked_subdivision(country, fields["subdivision"]))
    hours = refusals.attempt(lambda: _hours(fields["open_hours"]))
    if weekdays is not None and len(weekdays) == 7:
        refusals.add("weekdays_off", "must leave a weekday open")
    refusals.raise_any()
    assert name is not None and weekdays is not None and dates is not None and spans is not None
    return CalendarDefinition(name, description, weekdays, dates, spans, country, subdivision, hours)


def _order(span: Span) -> tuple[date, date, str]:
    return span.first, span.last, span.why or ""


def parse_day(value: object, where: str) -> date:
    """Parse a date such as `2026-12-24`.

    Raises:
        ValidationFailed: it is not a valid one.
    """
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValidationFailed.of(where, f"must be a date such as 2026-12-24, not {echo(value)}")


def _items(fields: Mapping[str, Any], name: str, most: int, parse: Callable[[object, str], Item]) -> list[Item]:
    values = fields[name]
    if not isinstance(values, list) or len(values) > most:
        shown = f"{len(values)} of them" if isinstance(values, list) else echo(values)
        raise ValidationFailed.of(name, f"must be a list of at most {most}, not {shown}")
    refusals = Refusals()
    found = []
    for index, value in enumerate(values):
        if refusals.full:
            break
        found.append(refusals.attempt(partial(parse, value, f"{name}[{index}]")))
    refusals.raise_any()
    return [item for item in found if item is not None]


def _weekday(value: object, where: str) -> int:
    if value in DAY_NAMES:
        return DAY_NAMES.index(value)
    raise ValidationFailed.of(where, f"must be {listed(DAY_NAMES)}, not {echo(value)}")


def _span(value: object, where: str) -> Span:
    fields = require_object(value, where)
    refusals = Refusals()
    refusals.unknown(fields, ("from", "to", "why"), where, "a range")
    first, last = (
        refusals.attempt(partial(parse_day, fields.get(name), joined(where, name))) for name in ("from", "to")
    )
    why = refusals.attempt(lambda: _why(fields.get("why"), joined(where, "why")))
    refusals.raise_any()
    assert first is not None and last is not None
    if last < first:
        raise ValidationFailed.of(
            joined(where, "to"), f"must not be before {first.isoformat()}, not {echo(fields['to'])}"
        )
    return Span(first, last, why)


def _why(value: object, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value) <= WHY_LIMIT:
        raise ValidationFailed.of(where, f"must be one line of 1 to {WHY_LIMIT} characters, not {echo(value)}")
    return value


def _hours(value: object) -> OpenHours | None:
    if value is None:
        return None
    fields = require_object(value, "open_hours")
    refusals = Refusals()
    refusals.unknown(fields, ("from", "to"), "open_hours", "open hours")
    start, end = (refusals.attempt(partial(_minute, fields, name)) for name in ("from", "to"))
    refusals.raise_any()
    assert start is not None and end is not None
    if end <= start:
        raise ValidationFailed.of("open_hours.to", f"must be after {_clock(start)}, not {echo(fields['to'])}")
    return OpenHours(start, end)


def _minute(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if isinstance(value, str) and _TIME.fullmatch(value):
        return int(value[:2]) * 60 + int(value[3:])
    raise ValidationFailed.of(joined("open_hours", name), f'must be a time of day such as "08:00", not {echo(value)}')


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
