"""Cron expressions, exactly as crontab(5) defines them.

Five fields; in each a comma-separated list of `*`, numbers, names (`jan`…, `sun`…, any case), ranges `a-b`; a step
`/n` after `*` or a range. 0 and 7 are Sunday. Where day-of-month and day-of-week are both restricted (neither starts
with `*`), a day matches that matches either; else one that matches both. `@hourly`, `@daily`, `@midnight`,
`@weekly`, `@monthly`, `@yearly` and `@annually` stand for expressions. `L`, `#`, `W`, `?`, `@reboot`, seconds, years
and `5/10` are extensions of others, and are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from service.domain.input.refusals import echo
from service.domain.schedules.cron_advice import advice
from service.domain.schedules.cron_tables import FIELDS, MONTHS, NICKNAMES, Field
from service.errors import ValidationFailed

LENGTH_LIMIT = 1000
"""Characters in an expression; all five fields written out as lists need about half of it."""

_TERM = re.compile(r"(\*|[0-9]{1,4}|[A-Z]{3})(?:-([0-9]{1,4}|[A-Z]{3}))?(?:/([0-9]{1,9}))?")
_LONGEST_MONTH = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}


@dataclass(frozen=True, slots=True)
class CronFields:
    """A cron expression, parsed.

    `expression` is written so that every engine reads it alike. `weekdays` count from Sunday = 0. `wildcard`:
    the minute or the hour starts with `*`, so that it follows real time across a change of the clocks. `both_days`:
    a day must match day-of-month *and* day-of-week.
    """

    expression: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    wildcard: bool
    both_days: bool


def parse_cron(value: object, field: str) -> CronFields:
    """Parse a cron expression.

    Args:
        value: five fields with white space between them, and perhaps around them.
        field: its path, for the refusal.

    Raises:
        ValidationFailed: it is not a crontab(5) expression, or can never fire (February 30); the sentence says what to
            write instead, where that can be guessed.
    """
    if not isinstance(value, str):
        raise ValidationFailed.of(field, f'must be a cron expression such as "0 8 * * 1-5", not {echo(value)}')
    if len(value) > LENGTH_LIMIT:
        raise ValidationFailed.of(field, f"must be at most {LENGTH_LIMIT} characters long, not {len(value)}")
    try:
        return _parsed(value)
    except ValueError as error:
        raise ValidationFailed.of(field, f"{error}{advice(value, _reads)}") from None


def _reads(text: str) -> bool:
    try:
        _parsed(text)
    except ValueError:
        return False
    return True


def plain(expression: str) -> str:
    """Write out a nickname such as `@daily`."""
    return NICKNAMES.get(expression.strip().lower(), expression)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> CronFields:
    parts = plain(text).upper().split()
    if len(parts) != 5:
        raise ValueError(
            f"must have five fields, minute hour day-of-month month day-of-week, not {len(parts)}: {echo(text)}"
        )
    written, values = zip(*(_field(field, part) for field, part in zip(FIELDS, parts, strict=True)), strict=True)
    fields = CronFields(
        expression=" ".join(written),
        minutes=values[0],
        hours=values[1],
        days=values[2],
        months=values[3],
        weekdays=frozenset(day % 7 for day in values[4]),
        wildcard=parts[0].startswith("*") or parts[1].startswith("*"),
        both_days=parts[2].startswith("*") or parts[4].startswith("*"),
    )
    if fields.both_days and min(fields.days) > max(_LONGEST_MONTH[month] for month in fields.months):
        raise ValueError(f"can never be due: none of its months has a day {min(fields.days)}: {echo(text)}")
    return fields


def _field(field: Field, part: str) -> tuple[str, frozenset[int]]:
    """Write a field so that every engine reads it alike, and list its values.

    A leading `*` of a day's field stays, because it decides between "and" and "or".
    """
    written: list[str] = []
    values: set[int] = set()
    for term in part.split(","):
        found = _term(field, part, term)
        values.update(found)
        starred = term.startswith("*") and (len(found) > 1 or field.name.startswith("day"))
        written.append(term if starred else _written(found))
    return ",".join(written), frozenset(values)


def _written(values: range) -> str:
    """Write a term as numbers alone, its steps carried out (engines read `8-8/2` differently)."""
    if len(values) > 1 and values.step == 1:
        return f"{values[0]}-{values[-1]}"
    return ",".join(map(str, values))


def _term(field: Field, part: str, term: str) -> range:
    match = _TERM.fullmatch(term)
    if match is None:
        raise _wrong(field, part, "must be made of numbers, *, a-b, /n and commas")
    first, last, step = match.groups()
    if first == "*" and last:
        raise _wrong(field, part, "must not have a range that starts with *")
    if step and first != "*" and not last:
        raise _wrong(field, part, f"must have its step after * or a range, such as {first}-{field.high}/{step}")
    if step and int(step) == 0:
        raise _wrong(field, part, "must have a step of at least 1")
    low = field.low if first == "*" else _number(field, part, first)
    high = field.high if first == "*" else _number(field, part, last) if last else low
    if high < low:
        raise _wrong(field, part, "must have ranges that go upwards")
    return range(low, high + 1, int(step or 1))


def _number(field: Field, part: str, text: str) -> int:
    number = int(text) if text.isdigit() else field.names.get(text)
    if number is None or not field.low <= number <= field.high:
        names = f" or {'jan to dec' if field.names is MONTHS else 'sun to sat'}" if field.names else ""
        raise _wrong(field, part, f"must lie within {field.low} to {field.high}{names}")
    return number


def _wrong(field: Field, part: str, why: str) -> ValueError:
    return ValueError(f"must follow crontab(5): its {field.name} {why}, not {echo(part.lower())}")
