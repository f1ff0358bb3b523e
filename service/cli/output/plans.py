"""Plans of changes that are not made yet: the fields that change, and the occurrences gained and lost."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from service.cli.output.printing import coloured, counted, line

SIGNS = {"create": "+", "update": "~", "delete": "-"}
FIRST = 3
"""The occurrences of each kind that a plan names."""
WHEN = ("schedule_type", "schedule_config", "options", "enabled")
"""Fields of which somebody asks when the job runs then."""


def show_plan(changes: list[dict[str, Any]], console: Console, unchanged: str) -> None:
    """Print a plan.

    Args:
        changes: as a dry run answers them.
        console: where to.
        unchanged: the sentence for a plan without changes.
    """
    if not changes:
        console.print(Text(unchanged))
        return
    for change in changes:
        action = change["action"]
        of_calendar = "calendar " * (change.get("kind") == "calendar")
        name = f"{SIGNS[action]} {of_calendar}{change['name']}" + (f"  ({change['id']})" if change["id"] else "")
        console.print(coloured(name, action), soft_wrap=True)
        if action != "delete":
            for field, values in change["fields"].items():
                if action == "create" and values["to"] in (None, []):
                    continue
                old = f"{_brief(values['from'])} → " if action == "update" else ""
                console.print(Text(f"    {line(field)}: {old}{_brief(values['to'])}"), soft_wrap=True)
        occurrences = change.get("occurrences")
        for words in occurrence_words(occurrences) or _none(change.get("fields", ()), occurrences):
            console.print(Text(f"    {line(words)}"), soft_wrap=True)


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
                f"{verb} until {occurrences['until']} UTC: {counted(side['count'], 'occurrence')} ({first}{more})"
            )
    if not occurrences["complete"]:
        words.append(f"there are more occurrences than were counted: counting stopped at {occurrences['until']} UTC")
    return words


def _none(fields: Iterable[str], occurrences: dict[str, Any] | None) -> list[str]:
    """Say that a change leaves the occurrences as they are, where it might not have."""
    if occurrences is None or not any(field.partition(".")[0] in WHEN for field in fields):
        return []
    return [f"no occurrence is gained or lost until {occurrences['until']} UTC"]


def _brief(value: object) -> str:
    return line(json.dumps(value, ensure_ascii=False))
