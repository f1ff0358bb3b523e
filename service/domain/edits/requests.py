"""Bodies of requests that change one occurrence, checked; and the refusals of instants that cannot be changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.domain import schedules
from service.domain.edits.edit import Action
from service.domain.edits.edited_plans import is_occurrence
from service.domain.input.refusals import Refusals, echo, require_object
from service.domain.options import Options
from service.domain.schedules.definition import Schedule
from service.domain.schedules.fields import LOCAL_FORM, local_time
from service.domain.schedules.wall_clock import instant_of
from service.domain.schedules.zones import zone
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import ValidationFailed

FURTHEST_DAYS = 366
"""How far ahead an occurrence can be moved."""
REASON_LENGTH = 200
"""The longest reason, in characters."""
DAY = 86_400
_BACK = (60, 3600, DAY, 32 * DAY, FURTHEST_DAYS * DAY)
"""How far before an instant the occurrence before it is looked for, seconds, one after the other."""
_STEPS = 5_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of an occurrence.

    Args:
        action: see `service.domain.edits.edit.Edit`.
        moved_to: epoch seconds, of a move.
        bot_config: of other settings, not yet checked against the bot.
        reason: why, if it was told.
    """

    action: Action
    moved_to: int | None = None
    bot_config: Mapping[str, Any] | None = None
    reason: str | None = None


def parse_wish(body: object, timezone: str, now: int) -> Wish:
    """Parse the body of `PUT /jobs/{id}/occurrences/{instant}`.

    Args:
        body: one of `skip`, `move_to` and `bot_config`, and perhaps a `reason`.
        timezone: the job's; a `move_to` without an offset is a local time there.
        now: epoch seconds.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    fields = require_object(body, "")
    refusals = Refusals()
    refusals.unknown(fields, ("skip", "move_to", "bot_config", "reason"), "", "the body")
    given = [name for name in ("skip", "move_to", "bot_config") if name in fields]
    if len(given) != 1:
        refusals.add("body", 'must have one of "skip": true, "move_to": a time, and "bot_config": an object')
    reason = refusals.attempt(lambda: _reason(fields.get("reason")))
    refusals.raise_any()
    wish = _PARSERS[given[0]](fields[given[0]], timezone, now)
    return Wish(wish.action, wish.moved_to, wish.bot_config, reason)


def _reason(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= REASON_LENGTH or not value.isprintable():
        raise ValidationFailed.of("reason", f"must be a line of 1 to {REASON_LENGTH} characters, not {echo(value)}")
    return value


def _skip(value: object, _timezone: str, _now: int) -> Wish:
    if value is not True:
        raise ValidationFailed.of("skip", f"must be true, not {echo(value)}; DELETE takes a change back")
    return Wish("skip")


def _move(value: object, timezone: str, now: int) -> Wish:
    found = parse_time(value, "move_to", timezone)
    if not now < found <= now + FURTHEST_DAYS * DAY:
        raise ValidationFailed.of(
            "move_to",
            f"must be after {format_timestamp(now)} (now) and at most {FURTHEST_DAYS} days ahead, "
            f"not {format_timestamp(found)} UTC",
        )
    return Wish("move", found)


def _set(value: object, _timezone: str, _now: int) -> Wish:
    return Wish("set", bot_config=require_object(value, "bot_config"))


_PARSERS = {"skip": _skip, "move_to": _move, "bot_config": _set}


def parse_time(value: object, field: str, timezone: str) -> int:
    """Parse a time: with `Z` or an offset it is an instant, else a local time in a zone.

    Of a local time that the clocks skip, the first instant after the gap is meant; of one that they show twice, the
    first.

    Args:
        value: a text.
        field: its path, for the refusal.
        timezone: the zone.

    Returns:
        Epoch seconds.

    Raises:
        ValidationFailed: it is no time, or does not exist.
    """
    if isinstance(value, str) and re.fullmatch(LOCAL_FORM, value):
        return instant_of(local_time(value, field), zone(timezone))
    try:
        return parse_timestamp(value, field)
    except ValidationFailed:
        raise ValidationFailed.of(
            field,
            f'must be a local time such as "2026-12-24T18:00" (in {timezone}), or a time with its offset such as '
            f'"2026-12-24T17:00:00Z", not {echo(value)}',
        ) from None


def nearest(
    schedule: Schedule, options: Options, instant: int, first: int, anchor: int, calendar: schedules.Calendar | None
) -> list[int]:
    """Find the occurrences that are to come just before and just after an instant.

    Args:
        schedule: the job's.
        options: the job's.
        instant: epoch seconds.
        first: the first that is to come, epoch seconds.
        anchor: what an interval counts from, epoch seconds.
        calendar: the job's, if it has one.
    """

    def after(at: int) -> int | None:
        return schedules.next_occurrence(schedule, options, at, anchor, calendar)

    found = []
    for back in _BACK if instant > first else ():
        start = max(first, instant - back) - 1
        before = after(start)
        if before is not None and before < instant:
            for _ in range(_STEPS):
                following = after(before)
                if following is None or following >= instant:
                    found.append(before)
                    break
                before = following
            break
    following = after(max(first, instant + 1) - 1)
    return found if following is None else [*found, following]


def no_occurrence(
    schedule: Schedule, options: Options, instant: int, first: int | None, anchor: int,
    calendar: schedules.Calendar | None, *, is_decided: bool,
) -> ValidationFailed:  # fmt: skip
    """Make the refusal of an instant that is no occurrence to come. Arguments as for `nearest`."""
    near = [] if first is None else nearest(schedule, options, instant, first, anchor, calendar)
    told = " and ".join(format_timestamp(one) for one in near)
    if is_decided or (
        first is not None and instant < first and is_occurrence(schedule, options, instant, anchor, calendar)
    ):
        why = "must be an occurrence that is still to come"
    else:
        why = "must be an occurrence of the job's schedule"
    ending = f"; the nearest to come: {told} (UTC)" if told else "; none is to come"
    return ValidationFailed.of("instant", f"{why}, not {format_timestamp(instant)}{ending}")
