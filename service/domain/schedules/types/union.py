"""Unions: several schedules as one, with names, with what each adds to the bot's configuration, and with exceptions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, Protocol

from service.domain.input.refusals import Refusals, echo, joined, require_object
from service.domain.plain_json import dumps
from service.domain.schedules.fields import Config, Schemas, path
from service.domain.schedules.types.interval import Interval
from service.domain.schedules.workdays import Calendar
from service.errors import ScheduleError, ValidationFailed

MOST_MEMBERS = 20
LONGEST_NAME = 100
MOST_LOOKS = 10_000
"""How often one search may ask one of the schedules for its next occurrence: with one schedule and one exception, 5,000
occurrences in a row may be excepted. A schedule that needs more is taken for one that never comes."""
REMEMBERED = 16_384
"""Answers that are kept: many jobs share a schedule, and ask at the same instant."""


class Single(Protocol):
    """A schedule that is no union."""

    @property
    def timezone(self) -> str:
        """The zone of its wall clock."""

    def next_after(self, after: int, anchor: int, calendar: Calendar | None = None) -> int | None:
        """Find the first occurrence strictly after an instant, epoch seconds."""

    def words(self) -> str:
        """Say when it is due."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of the schedules of a union: its name, and the JSON of what its runs lay over the job's `bot_config`."""

    schedule: Single
    name: str | None = None
    bot_config: str | None = None

    @property
    def overlay(self) -> dict[str, Any]:
        """The fields that are laid over the job's `bot_config`."""
        return {} if self.bot_config is None else dict(json.loads(self.bot_config))


@dataclass(frozen=True, slots=True)
class Union:
    """Whenever one of `members` is due, unless one of `excepted` is due at the same instant."""

    members: tuple[Member, ...]
    excepted: tuple[Single, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.members, self.excepted)))

    def __hash__(self) -> int:
        return self._hash  # made once: it is asked for whenever an answer is looked up

    @property
    def timezone(self) -> str:
        """The zone of its first member that has a wall clock."""
        zones = (member.schedule.timezone for member in self.members if not isinstance(member.schedule, Interval))
        return next(zones, "UTC")

    def next_after(self, after: int, anchor: int, calendar: Calendar | None = None) -> int | None:
        """Find the first occurrence strictly after an instant.

        Raises:
            ScheduleError: the exceptions leave none within `MOST_LOOKS`.
        """
        return _search(self, after, anchor, calendar)[0]

    def looks(self, after: int, anchor: int, calendar: Calendar | None = None) -> int:
        """Return how often the search for the first occurrence after an instant asks one of the schedules."""
        return _search(self, after, anchor, calendar)[1]

    def excepts(self, at: int, anchor: int, calendar: Calendar | None) -> bool:
        """Return whether an instant is an exception."""
        return any(one.next_after(at - 1, anchor, calendar) == at for one in self.excepted)

    def due_at(self, at: int, anchor: int, calendar: Calendar | None, *, starts: bool) -> tuple[Member, ...]:
        """Find the members that are due at an instant.

        Args:
            at: the instant, epoch seconds.
            anchor: from which its schedules count.
            calendar: the job's, if it has one.
            starts: whether the instant is the one from which intervals count, and at which they are due first.
        """
        return _due(self, at, anchor, calendar, starts)

    def words(self) -> str:
        """Say when it is due."""
        first, *others = [member.schedule.words() for member in self.members]
        text = "; and ".join([first, *map(_lowered, others)])
        if self.excepted:
            text += "; except " + "; and ".join(_lowered(one.words()) for one in self.excepted)
        return text


@lru_cache(maxsize=REMEMBERED)
def _due(union: Union, at: int, anchor: int, calendar: Calendar | None, starts: bool) -> tuple[Member, ...]:
    return tuple(
        member
        for member in union.members
        if (starts and isinstance(member.schedule, Interval))
        or member.schedule.next_after(at - 1, anchor, calendar) == at
    )


@lru_cache(maxsize=REMEMBERED)
def _search(union: Union, after: int, anchor: int, calendar: Calendar | None) -> tuple[int | None, int]:
    """Find the first occurrence after an instant, and how many looks that took. Members alike are asked as one."""
    looks, places = _Looks(), _places_of(union, anchor, calendar)

    def walks(schedules: Iterable[Single]) -> list[_Walk]:
        known = places.known
        return [_Walk(one, anchor, calendar, looks, known.get(one, _NOWHERE)) for one in dict.fromkeys(schedules)]

    coming, excepted = walks(member.schedule for member in union.members), walks(union.excepted)
    while True:
        found = min((at for one in coming if (at := one.since(after + 1)) is not None), default=None)
        if found is None or all(one.since(found) != found for one in excepted):
            places.known = {one.schedule: one.place for one in (*coming, *excepted)}
            return found, looks.made
        after = found


Place = tuple[int, int | None]
"""An instant, and the first occurrence strictly after it."""
_NOWHERE: Place = (2**62, None)


class _Places:
    """Where the schedules of a union stood after the last search: the next one mostly goes on from there."""

    known: Mapping[Single, Place] = {}


@lru_cache(maxsize=4096)
def _places_of(union: Union, anchor: int, calendar: Calendar | None) -> _Places:
    return _Places()


class _Looks:
    """Counts how often the schedules of a union are asked in one search."""

    made = 0

    def note(self) -> None:
        """Count one more."""
        self.made += 1
        if self.made > MOST_LOOKS:
            raise ScheduleError(f"The exceptions leave none of the occurrences that {MOST_LOOKS:,} looks find")


class _Walk:
    """Walks the occurrences of one schedule, and searches only beyond the one that it stands at."""

    def __init__(
        self, schedule: Single, anchor: int, calendar: Calendar | None, looks: _Looks, place: Place
    ) -> None:  # fmt: skip
        self.schedule, self.place = schedule, place
        self._anchor, self._calendar, self._looks = anchor, calendar, looks
        self._has_looked = False

    def since(self, instant: int) -> int | None:
        """Find the first occurrence at an instant or later; no instant may be before an earlier one."""
        begin, at = self.place
        is_there = begin < instant and (at is None or at >= instant)
        if not (is_there and self._has_looked):
            self._looks.note()  # the first one counts, known or not: the bound must be the same for everybody
            self._has_looked = True
        if not is_there:
            self.place = instant - 1, self.schedule.next_after(instant - 1, self._anchor, self._calendar)
        return self.place[1]


class ParseSchedule(Protocol):
    """Parses a schedule that is no union."""

    def __call__(self, schedule_type: object, schedule_config: object) -> Single:
        """Return the schedule. Raises ValidationFailed."""


def parse(config: Config, parse_single: ParseSchedule) -> Union:
    """Parse a `schedule_config`. Raises ValidationFailed."""
    refusals = Refusals()
    members = _members(config, "schedules", parse_single, refusals)
    excepted = _members(config, "except", parse_single, refusals) if "except" in config else ()
    refusals.raise_any()
    return Union(members, tuple(member.schedule for member in excepted))


def _members(config: Config, key: str, parse_single: ParseSchedule, refusals: Refusals) -> tuple[Member, ...]:
    field, given = path(key), config.get(key)
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_MEMBERS:
        told = f"a list of {len(given)} items" if isinstance(given, list) else echo(given)
        refusals.add(
            field,
            f'must be a list of 1 to {MOST_MEMBERS} schedules, each with a "schedule_type" and a "schedule_config", '
            f"not {told}",
        )
        return ()
    found = [refusals.attempt(partial(_member, one, f"{field}[{i}]", parse_single)) for i, one in enumerate(given)]
    return tuple(member for member in found if member is not None)


def _member(value: object, field: str, parse_single: ParseSchedule) -> Member:
    fields = require_object(value, field)
    refusals = Refusals()
    refusals.unknown(fields, ("schedule_type", "schedule_config", "name", "bot_config"), field, "a schedule of any")
    schedule = refusals.attempt(lambda: _single(fields, field, parse_single))
    name = refusals.attempt(lambda: _name(fields.get("name"), f"{field}.name"))
    overlay = refusals.attempt(lambda: require_object(fields["bot_config"], f"{field}.bot_config")) if (
        "bot_config" in fields
    ) else None  # fmt: skip
    refusals.raise_any()
    assert schedule is not None
    return Member(schedule, name, None if not overlay else dumps(overlay).decode())


def _single(fields: dict[str, Any], field: str, parse_single: ParseSchedule) -> Single:
    if fields.get("schedule_type") == "any":
        raise ValidationFailed.of(f"{field}.schedule_type", 'must not be "any": its schedules do not nest')
    try:
        return parse_single(fields.get("schedule_type"), fields.get("schedule_config"))
    except ValidationFailed as refusal:
        raise within(field, refusal) from None


def within(field: str, refusal: ValidationFailed) -> ValidationFailed:
    """Turn the refusal of one schedule into one of the union."""
    return ValidationFailed([replace(error, field=joined(field, error.field)) for error in refusal.errors])


def _name(value: object, field: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= LONGEST_NAME or not value.strip().isprintable():
        raise ValidationFailed.of(field, f"must be one line of 1 to {LONGEST_NAME} characters, not {echo(value)}")
    return value.strip()


def _lowered(words: str) -> str:
    return words[:1].lower() + words[1:]


def properties(singles: Schemas) -> Schemas:
    """Return the fields of a `schedule_config`, given the schemas of the other types."""
    member = {
        "type": "object",
        "properties": {
            "schedule_type": {"enum": list(singles)},
            "schedule_config": {"anyOf": list(singles.values())},
            "name": {"type": ["string", "null"], "maxLength": LONGEST_NAME},
            "bot_config": {"type": "object", "description": "Laid over the job's bot_config, in order."},
        },
        "required": ["schedule_type", "schedule_config"],
        "additionalProperties": False,
    }
    members = {"type": "array", "items": member, "minItems": 1, "maxItems": MOST_MEMBERS}
    return {"schedules": members, "except": {**members, "description": "Instants that are left out."}}


REQUIRED = ("schedules",)
