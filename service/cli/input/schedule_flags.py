"""Schedules as flags of a command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from service.cli.exits import Exit, Failure
from service.cli.input.schedule_texts import (
    parsed_dates,
    parsed_interval,
    parsed_month_day,
    parsed_months,
    parsed_step,
    parsed_times,
    parsed_weekdays,
)
from service.cli.output.schedule_words import short_interval

_FLAGS = {
    "once": "--once", "monthly": "--monthly", "rrule": "--rrule", "cron": "--cron", "every": "--every",
    "at": "--at", "on": "--on", "months": "--months", "short_months": "--short-months", "dtstart": "--dtstart",
    "timezone": "--timezone",
}  # fmt: skip
"""Each field of `ScheduleFlags`, as a person types it; the first one that is there says which schedule it is."""
_COMPANIONS = {
    "once": {"at", "timezone"},
    "monthly": {"at", "months", "short_months", "timezone"},
    "rrule": {"dtstart", "timezone"},
    "cron": {"timezone"},
    "every": {"at", "on", "timezone"},
    "at": {"on", "timezone"},
    "on": {"timezone"},
}
"""The flags that may stand beside each of those."""
_FIELDS = {
    "at": "once", "dates": "once", "day": "monthly", "nth": "monthly", "weekday": "monthly", "months": "months",
    "short_months": "short_months", "rrule": "rrule", "dtstart": "dtstart", "cron_expression": "cron",
    "every": "every", "days": "every", "hours": "every", "minutes": "every", "seconds": "every",
    "hour": "at", "minute": "at", "day_of_week": "on", "timezone": "timezone", "schedules": "at",
}  # fmt: skip
"""Each field of a `schedule_config`, and the flag that sets it."""
_AS_JSON = re.compile(r'the schedule type "interval" with (\{[^{}]*\})')
_CONFIG = re.compile(
    r"schedule_config(?:\.schedules\[\d+\](?:\.schedule_config)?)?(?:\.([a-z_]+))?(?:\.[a-z_]+|\[\d+\])?"
)


@dataclass(frozen=True, slots=True)
class ScheduleFlags:
    """The flags of one command line that make a schedule. None, or an empty list, if a flag is absent."""

    once: Sequence[str] | None = None
    monthly: str | None = None
    rrule: str | None = None
    cron: str | None = None
    every: str | None = None
    at: str | None = None
    on: str | None = None
    months: str | None = None
    short_months: str | None = None
    dtstart: str | None = None
    timezone: str | None = None

    @property
    def any(self) -> bool:
        """Whether any flag is set."""
        return bool(self._given)

    @property
    def _given(self) -> list[str]:
        return [name for name in _FLAGS if getattr(self, name)]

    def fields(self, current: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return `schedule_type` and `schedule_config`, or nothing without flags.

        Args:
            current: The job to change. Its zone, days and time stay where no flag changes them.

        Raises:
            Failure: The flags do not make a schedule.
        """
        if not self.any:
            return {}
        kind = "" if current is None else current["schedule_type"]
        before = {} if current is None else dict(current["schedule_config"])
        made = self._made(kind, before)
        return made[0] if len(made) == 1 else {"schedule_type": "any", "schedule_config": {"schedules": made}}

    @contextmanager
    def refused_in_flags(self) -> Iterator[None]:
        """Name the flags that were typed, not fields and JSON, in a refusal of the schedule."""
        try:
            yield
        except Failure as refusal:
            errors = [
                {**error, "field": self._in_flags(error["field"]), "message": self._advice(error["message"])}
                for error in refusal.errors
            ]
            sentence = self._advice(self._in_flags(refusal.sentence))
            raise Failure(refusal.exit, sentence, errors) from None

    def _in_flags(self, text: str) -> str:
        return _CONFIG.sub(lambda found: self._flag(found[1]) or found[0], text)

    def _flag(self, field: str | None) -> str | None:
        """Return the flag that set a field of the schedule; None if no flag did."""
        given = self._given
        name = given[0] if field is None and given else _FIELDS.get(field or "")
        if field in ("hour", "minute") and self.once:
            name = "once"
        return _FLAGS[name] if name in given else None

    def _advice(self, sentence: str) -> str:
        if not self.cron:
            return sentence
        sentence = sentence.replace('the schedule type "monthly"', "--monthly")
        return _AS_JSON.sub(lambda found: f"--every {short_interval(json.loads(found[1]))}", sentence)

    # How flags make schedules

    def _made(self, kind: str, before: dict[str, Any]) -> list[dict[str, Any]]:
        """Make a schedule of one type; of several where `--at` has several times."""
        head = self._head(kind)
        zone = self.timezone or before.get("timezone")
        zoned = {"timezone": zone} if zone else {}
        match head:
            case "once":
                dates = parsed_dates(self.once or (), self._times)
                return [_schedule("once", ({"at": dates[0]} if len(dates) == 1 else {"dates": dates}) | zoned)]
            case "rrule":
                start = {"dtstart": parsed_dates([self.dtstart], ())[0]} if self.dtstart else {}
                return [_schedule("rrule", {"rrule": (self.rrule or "").replace("\\n", "\n"), **start, **zoned})]
            case "cron":
                return [_schedule("cron", {"cron_expression": self.cron, **zoned})]
            case "every" if not (self.at or self.on):
                if self.timezone:
                    raise Failure(Exit.USAGE, "--every takes no --timezone: an interval is the same in every zone")
                return [_schedule("interval", parsed_interval(self.every or ""))]
            case "timezone":
                return [_schedule(kind, before | zoned)]
        type_, config = self._monthly(kind, before) if head == "monthly" else self._on_days(kind, before)
        return [_schedule(type_, {**config, **time, **zoned}) for time in self._times_or(before)]

    def _head(self, kind: str) -> str:
        """Return the flag that says which schedule it is.

        Args:
            kind: The type of the job that is changed; empty for a new schedule.

        Raises:
            Failure: Two flags exclude each other, or a flag stands alone that cannot.
        """
        given = self._given
        months = [name for name in given if name in ("months", "short_months")]
        head = "monthly" if kind == "monthly" and {*given} <= _COMPANIONS["monthly"] - {"timezone"} else given[0]
        if head == "timezone" and kind in ("", "interval", "any"):
            raise Failure(Exit.USAGE, "--timezone goes with --at, --monthly, --once, --rrule or --cron")
        if months and head != "monthly":
            raise Failure(Exit.USAGE, f"{_FLAGS[months[0]]} goes with --monthly")
        if head == "dtstart":
            raise Failure(Exit.USAGE, "--dtstart goes with --rrule")
        others = [name for name in given if name != head and name not in _COMPANIONS.get(head, ())]
        if others:
            every = "--at (with --on or --every), --once, --monthly, --every, --rrule and --cron"
            raise Failure(Exit.USAGE, f"A schedule is one of {every}: {_FLAGS[head]} excludes {_FLAGS[others[0]]}")
        return head

    @property
    def _times(self) -> list[dict[str, int]]:
        return parsed_times(self.at) if self.at else []

    def _times_or(self, before: Mapping[str, Any]) -> list[dict[str, int]]:
        """Return the times of day of `--at`, else the one that the job has."""
        if self.at:
            return self._times
        if "hour" not in before:
            flag = "--monthly" if self.monthly else "--on"
            raise Failure(Exit.USAGE, f"{flag} goes with --at, the time of day")
        return [{"hour": before["hour"], "minute": before["minute"]}]

    def _monthly(self, kind: str, before: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        config = dict(before) if kind == "monthly" else {}
        if self.monthly:
            config["day"] = parsed_month_day(self.monthly)
        if self.months:
            config["months"] = parsed_months(self.months)
        if self.short_months:
            config["short_months"] = self.short_months
        return "monthly", config

    def _on_days(self, kind: str, before: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        days = parsed_weekdays(self.on) if self.on else before.get("day_of_week")
        step = {"every": before["every"]} if "every" in before and kind == ("weekly" if days else "daily") else {}
        if self.every:
            number, unit = parsed_step(self.every)
            if unit == "w" and not days:
                raise Failure(Exit.USAGE, "--every in weeks goes with --on, the days of the week, or take days (14d)")
            if unit == "d" and self.on:
                raise Failure(Exit.USAGE, f"--every {self.every} goes without --on; with --on, take weeks, such as 2w")
            days = None if unit == "d" else days
            step = {"every": number}
        return ("weekly", {"day_of_week": days, **step}) if days else ("daily", step)


def _schedule(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"schedule_type": kind, "schedule_config": config}
