"""Plans of changes that are not made yet: the fields that change, and the occurrences gained and lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from service.cli.output.escaping import counted, line
from service.cli.output.printing import coloured, print_indented
from service.cli.output.times import utc

SIGNS = {"create": "+", "update": "~", "delete": "-"}
INDENT = 4
FIRST = 3
"""The occurrences of each kind that a plan names."""
LISTED = 20
"""A longer list of a field is cut: a calendar may have thousands of dates."""
WHEN = ("schedule_type", "schedule_config", "options", "enabled")
"""Fields of which somebody asks when the job runs then."""


def show_plan(
    changes: list[dict[str, Any]], console: Console, unchanged: str, bots: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """Print a plan; of what is created, only what differs from the defaults.

    Args:
        changes: as a dry run answers them.
        console: where to.
        unchanged: the sentence for a plan without changes.
        bots: bot -> field of its `bot_config` -> default; None if nobody knows them.
    """
    if not changes:
        console.print(Text(unchanged))
        return
    for change in changes:
        action = change["action"]
        kind = f"{change['kind']} " if "kind" in change else ""
        name = f"{SIGNS[action]} {kind}{change['name']}" + (f"  ({change['id']})" if change["id"] else "")
        console.print(coloured(name, action), soft_wrap=True)
        if action != "delete":
            for field, values in change["fields"].items():
                if action == "create" and _is_default(field, values["to"], change, bots or {}):
                    continue
                old = f"{_brief(values['from'])} → " if action == "update" else ""
                print_indented(f"{line(field)}: {old}{_brief(values['to'])}", INDENT, console)
        for words in closed_day_words(change.get("closed_days")):
            print_indented(line(words), INDENT, console)
        occurrences = change.get("occurrences")
        for words in occurrence_words(occurrences) or _none(change.get("fields", ()), occurrences):
            print_indented(line(words), INDENT, console)


def _is_default(
    field: str, value: Any, change: Mapping[str, Any], bots: Mapping[str, Mapping[str, Any]]
) -> bool:  # fmt: skip
    """Tell whether a field of something new has the value that it would have if nobody named it."""
    from service.domain.options import Options  # here, because the domain takes a while to load

    if value in (None, [], {}, ""):
        return True
    head, _, name = field.partition(".")
    bot = change["fields"].get("bot_type", {}).get("to")
    defaults = {"options": Options().model_dump(), "bot_config": bots.get(str(bot), {}), "enabled": {"": True}}
    known = defaults.get(head, {})
    return name in known and known[name] == value


def occurrence_words(occurrences: dict[str, Any] | None) -> list[str]:
    """Say in a line each which occurrences a change gains and loses. An older service does not tell."""
    if occurrences is None:
        return []
    words = []
    for verb in ("gained", "lost"):
        side = occurrences[verb]
        if side["count"]:
            first = ", ".join(one["local"] for one in side["first"][:FIRST])
            more = ", …" if side["count"] > FIRST and first else ""
            words.append(
                f"{verb} until {utc(occurrences['until'])}: {counted(side['count'], 'occurrence')} ({first}{more})"
            )
    if not occurrences["complete"]:
        words.append(f"there are more occurrences than were counted: counting stopped at {utc(occurrences['until'])}")
    return words


def closed_day_words(closed: dict[str, Any] | None) -> list[str]:
    """Say in a line each which days a change of a calendar closes and opens. An older service does not tell."""
    if closed is None:
        return []
    words = []
    for verb, side in (("closed", closed["gained"]), ("opened", closed["lost"])):
        if side["count"]:
            first = ", ".join(f"{day['date']} {day['why']}" for day in side["first"][:FIRST])
            more = ", …" if side["count"] > FIRST else ""
            words.append(f"{verb} until {closed['until']}: {counted(side['count'], 'day')} ({first}{more})")
    return words or [f"the same days are closed until {closed['until']}"]


def by_calendar_alone(change: dict[str, Any]) -> bool:
    """Tell whether a job stays as it is, and only its calendar changes its occurrences."""
    return change["action"] == "update" and not change["fields"] and "kind" not in change


def not_looked_at(plan: dict[str, Any]) -> str:
    """Say how many jobs of the changed calendars a plan leaves out; empty if it leaves out none."""
    jobs = plan.get("jobs") or {"total": 0, "looked_at": 0}
    if not 0 < jobs["looked_at"] < jobs["total"]:
        return ""
    return f"{counted(jobs['total'], 'job')} use what changes; only {jobs['looked_at']} were looked at."


def _none(fields: Iterable[str], occurrences: dict[str, Any] | None) -> list[str]:
    """Say that a change leaves the occurrences as they are, where it might not have."""
    if occurrences is None or not any(field.partition(".")[0] in WHEN for field in fields):
        return []
    return [f"no occurrence is gained or lost until {utc(occurrences['until'])}"]


def _brief(value: object) -> str:
    if isinstance(value, list) and len(value) > LISTED:
        first = json.dumps(value[:FIRST], ensure_ascii=False).removesuffix("]")
        return line(f"{first}, … {len(value)} in all]")
    return line(json.dumps(value, ensure_ascii=False))
