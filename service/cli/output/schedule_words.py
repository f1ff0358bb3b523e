"""Schedules in a few words, for the cells of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.cli.output.times import utc

MEMBERS_SHOWN = 3
"""Most schedules of one that has several, and most dates, that a cell names."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def in_words(job: Mapping[str, Any]) -> str:
    """Describe a job's schedule in a few words: `every 2h`, `last fri 18:00 Europe/Vienna`."""
    config = job["schedule_config"]
    match job["schedule_type"]:
        case "daily" | "weekly" | "monthly":
            said = f"{_days(config)} {config['hour']:02d}:{config['minute']:02d}".strip()
        case "interval":
            return f"every {short_interval(config, ' ')}"
        case "cron":
            said = str(config["cron_expression"])
        case "once":
            said = _few([_date(text) for text in config.get("dates") or [config["at"]]], ", ")
        case "rrule":
            said = " ".join(config["rrule"].split())
        case "any":
            less = ", with exceptions" if config.get("except") else ""
            return _few([in_words(member) for member in config["schedules"]], "; ") + less
        case other:
            return str(other)
    zone = config.get("timezone")
    return f"{said} {zone}" if zone and zone != "UTC" else said


def occurrence_note(detail: Mapping[str, Any]) -> str:
    """Say what is special about a previewed occurrence: `noon, closed: Easter Monday`, `skipped by Ada (an audit)`."""
    closed = [f"closed: {detail['closed']}"] if "closed" in detail else []
    moved = [f"moved from {utc(detail['moved_from'])} by the calendar"] if "moved_from" in detail else []
    paused = ["paused"] if detail.get("paused") else []
    return ", ".join([*detail.get("names", ()), *closed, *moved, *_edited(detail), *paused])


def _edited(detail: Mapping[str, Any]) -> list[str]:
    """Say how somebody changed a previewed occurrence."""
    if "edit" not in detail:
        return []
    edit = detail["edit"]
    by = f" by {edit['by']['name'] or edit['by']['actor']}" if edit.get("by") else ""
    why = f" ({edit['reason']})" if edit.get("reason") else ""
    match edit["action"]:
        case "move" if detail["at"] == detail["scheduled_for"]:
            done = f"moved to {utc(edit['move_to'])}"
        case "move":
            done = f"moved here from {utc(detail['scheduled_for'])}"
        case "skip":
            done = "skipped"
        case _:
            done = "settings of its own"
    return [f"{done}{by}{why}"]


def short_interval(config: Mapping[str, Any], between: str = "") -> str:
    """Write an interval as the flag `--every` takes it: `2h30m`."""
    parts = ((config.get(name), name[0]) for name in ("days", "hours", "minutes", "seconds"))
    return between.join(f"{value}{unit}" for value, unit in parts if value)


def _days(config: Mapping[str, Any]) -> str:
    if "day" in config:
        months = ",".join(_MONTHS[month - 1] for month in config.get("months", ()))
        return f"{_month_day(config['day'])}{f' of {months}' if months else ''}"
    days = config.get("day_of_week", "")
    every = f"every {config['every']}{'w' if days else 'd'}" if config.get("every", 1) > 1 else ""
    return f"{every} {days}".strip()


def _month_day(day: Any) -> str:
    if isinstance(day, int):
        return f"day {day}"
    if isinstance(day, str):
        return {"last": "last day"}.get(day, day.replace("_", " "))
    nth = day["nth"]
    return f"{nth}{'' if nth == 'last' else _ENDINGS.get(nth, 'th')} {day['weekday']}"


def _date(text: str) -> str:
    return text.replace("T", " ").removesuffix(":00") if text.count(":") == 2 else text.replace("T", " ")


def _few(words: list[str], between: str) -> str:
    more = len(words) - MEMBERS_SHOWN
    return between.join(words[:MEMBERS_SHOWN]) + (f" and {more} more" if more > 0 else "")
