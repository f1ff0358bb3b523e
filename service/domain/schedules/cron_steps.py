"""Cron steps that never repeat: `*/90` in the minute means once an hour, and not every 90 minutes.

crontab(5) accepts them, so a stored job with such a step stays valid; an author who writes one now gets a refusal that
explains it. A step is refused if it is longer than the field, or than its range. A step as long as the field
(`*/60`, `0 */24`) is accepted, because it means what it says: once an hour, once a day. So is a step after a single
value (`8-8/2`), which promises no second one, and an uneven one (`*/40`), which comes round: the job's description says
when.
"""

from __future__ import annotations

import re

from service.domain.input.refusals import echo
from service.domain.schedules.cron import plain
from service.domain.schedules.cron_advice import LOOKALIKES
from service.domain.schedules.cron_tables import FIELDS, Field
from service.domain.schedules.intervals import LONGEST_INTERVAL, as_interval
from service.errors import ValidationFailed

DAY = 86_400
_STEPPED = re.compile(r"(?:\*|(\w+)-(\w+))/(\d+)")


def refuse_foreign_letters(expression: str, path: str) -> None:
    """Refuse letters that only look like those of crontab(5): in upper case, the dotless ı of `frı` becomes an I.

    Raises:
        ValidationFailed: it has such a letter.
    """
    if not expression.isascii():
        told = f"; write {echo(meant)} instead" if (meant := expression.translate(LOOKALIKES)).isascii() else ""
        raise ValidationFailed.of(
            path, f"must be made of ASCII letters, digits and signs, not {echo(expression)}{told}"
        )


def refuse_idle_steps(expression: str, path: str) -> None:
    """Refuse steps that are longer than their field or range.

    Args:
        expression: a valid crontab(5) expression.
        path: of its field, for the refusal.

    Raises:
        ValidationFailed: it has such a step; the sentence says what it means, and what to write instead.
    """
    for field, part in zip(FIELDS, plain(expression).lower().split(), strict=True):
        for term in part.split(","):
            if (found := _STEPPED.fullmatch(term)) and (instead := _idle(field, found)):
                raise ValidationFailed.of(
                    path, f"must have steps that come round: {echo(term)} in its {field.name} means {instead}"
                )


def _idle(field: Field, found: re.Match[str]) -> str | None:
    """Explain a step that never comes round, and what to write for it; None for any other."""
    step = int(found[3])
    if found[1] is None:
        return _longer(field, step, field.low) if step > field.cycle else None
    first, last = _number(field, found[1]), _number(field, found[2])
    if last - first + 1 >= field.cycle:
        return _longer(field, step, first) if step > field.cycle else None
    return f"{first} alone; write {echo(found[1])}" if step > last - first > 0 else None


def _longer(field: Field, step: int, first: int) -> str:
    once = f'once {field.whole}, which is written "{first}"'
    seconds = step * field.unit
    if not 0 < seconds <= LONGEST_INTERVAL:
        return f"{once}; a cron expression cannot say a longer time"
    if field.unit == DAY:
        return f'{once}; for every {step} days use the schedule type "daily" with {{"every": {step}}}'
    return f"{once}; for every {step} {field.name}s use {as_interval(seconds)}"


def _number(field: Field, text: str) -> int:
    return int(text) if text.isdigit() else field.names[text.upper()]
