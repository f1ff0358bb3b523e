"""Schedules as flags of a command line, and as a few words in a table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from service.cli.exits import Exit, Failure

_EVERY = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")
_AS_JSON = re.compile(r'the schedule type "interval" with (\{[^{}]*\})')
_TIME = re.compile(r"(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class ScheduleFlags:
    """`--at`, `--on`, `--every`, `--cron` and `--timezone` of one command line."""

    at: str | None = None
    on: str | None = None
    every: str | None = None
    cron: str | None = None
    timezone: str | None = None

    @property
    def any(self) -> bool:
        """Whether any flag is set."""
        return any((self.at, self.on, self.every, self.cron, self.timezone))

    def fields(self, current: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return `schedule_type` and `schedule_config`, or nothing without flags.

        Args:
            current: The job to change. Its zone, days and time stay where no flag changes them.

        Raises:
            Failure: The flags do not make a schedule.
        """
        if not self.any:
            return {}
        kinds = [flag for flag, value in (("--every", self.every), ("--cron", self.cron)) if value]
        if len(kinds) + bool(self.at or self.on) > 1:
            raise Failure(Exit.USAGE, "A schedule is one of --at (with --on), --every and --cron")
        before = {} if current is None else dict(current["schedule_config"])
        if self.every:
            if self.timezone:
                raise Failure(Exit.USAGE, "--every takes no --timezone: an interval is the same in every zone")
            return {"schedule_type": "interval", "schedule_config": _interval(self.every)}
        zone = self.timezone or before.get("timezone")
        kind, config = self._calendar(current, before)
        return {"schedule_type": kind, "schedule_config": config | ({"timezone": zone} if zone else {})}

    @contextmanager
    def refused_in_flags(self) -> Iterator[None]:
        """Name `--every`, not JSON, where a refusal of `--cron` recommends an interval."""
        try:
            yield
        except Failure as refusal:
            if not self.cron:
                raise
            errors = [{**error, "message": _with_every(error["message"])} for error in refusal.errors]
            raise Failure(refusal.exit, _with_every(refusal.sentence), errors) from None

    def _calendar(self, current: Mapping[str, Any] | None, before: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if self.cron:
            return "cron", {"cron_expression": self.cron}
        if not (self.at or self.on):  # the zone alone
            if current is None or current["schedule_type"] == "interval":
                raise Failure(Exit.USAGE, "--timezone goes with --at or --cron")
            return current["schedule_type"], before
        if self.at:
            time = _time(self.at)
        elif "hour" in before:
            time = {"hour": before["hour"], "minute": before["minute"]}
        else:
            raise Failure(Exit.USAGE, "--on goes with --at, the time of day")
        days = self.on or before.get("day_of_week")
        return ("weekly", {**time, "day_of_week": days}) if days else ("daily", time)


def _time(text: str) -> dict[str, int]:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise Failure(Exit.USAGE, f"--at takes a time such as 08:30, not {text!r}")
    return {"hour": int(found[1]), "minute": int(found[2])}


def _interval(text: str) -> dict[str, int]:
    found = _EVERY.fullmatch(text.replace(" ", "").lower())
    if found is None or not any(found.groups()):
        raise Failure(Exit.USAGE, f"--every takes an interval such as 2h30m or 45s, not {text!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    named = {"hours": days * 24 + hours, "minutes": minutes, "seconds": seconds}
    return {name: value for name, value in named.items() if value} or {"seconds": 0}


def _with_every(sentence: str) -> str:
    return _AS_JSON.sub(lambda found: f"--every {_short(json.loads(found[1]))}", sentence)


def _short(config: Mapping[str, Any], between: str = "") -> str:
    parts = ((config.get(name), name[0]) for name in ("hours", "minutes", "seconds"))
    return between.join(f"{value}{unit}" for value, unit in parts if value)


def in_words(job: Mapping[str, Any]) -> str:
    """Describe a job's schedule in a few words, for tables."""
    config = job["schedule_config"]
    match job["schedule_type"]:
        case "daily":
            said = f"{config['hour']:02d}:{config['minute']:02d}"
        case "weekly":
            said = f"{config['day_of_week']} {config['hour']:02d}:{config['minute']:02d}"
        case "interval":
            return f"every {_short(config, ' ')}"
        case "cron":
            said = str(config["cron_expression"])
        case other:
            return str(other)
    zone = config.get("timezone")
    return f"{said} {zone}" if zone and zone != "UTC" else said
