"""Members of a run: which schedules of a union made its occurrence, and what they lay over the job's `bot_config`.

They are stored with the run when its occurrence is decided, so that a schedule that changes afterwards does not change
what was due.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from service.domain.plain_json import dumps
from service.domain.schedules.definition import Member


def stored_members(members: Sequence[Member]) -> str | None:
    """Write the members of an occurrence as a run keeps them; None if they say nothing.

    Returns:
        JSON: their names, and the fields that they lay over, later ones over earlier ones.
    """
    names = [member.name for member in members if member.name is not None]
    overlay = overlay_in(members)
    told = {name: value for name, value in (("names", names), ("bot_config", overlay)) if value}
    return dumps(told).decode() if told else None


def overlay_in(members: Sequence[Member]) -> dict[str, Any]:
    """Return what the members of an occurrence lay over the job's `bot_config`, later ones over earlier ones."""
    overlay: dict[str, Any] = {}
    for member in members:
        overlay |= member.overlay
    return overlay


def names_of(stored: str | bytes | None) -> list[str]:
    """Read the names of a run's members; none if there is nothing, or it is damaged."""
    names = _read(stored).get("names")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def overlay_of(stored: str | bytes | None) -> str | None:
    """Read what a run's members lay over the job's `bot_config`, as JSON; None for nothing."""
    overlay = _read(stored).get("bot_config")
    return dumps(overlay).decode() if isinstance(overlay, dict) and overlay else None


def _read(stored: str | bytes | None) -> dict[str, Any]:
    try:
        found = orjson.loads(stored or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
