"""The troubles that are on, in Redis: each is told once when it begins, and once when it is over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from service.domain.watching.rules import AWAY_MS
from service.domain.watching.troubles import Trouble, is_kind
from service.store.scripts import Scripts

TOLD_BY_ITSELF = ("memory",)
"""Kinds of which the script that notes the level tells, whichever process sees it first."""


def note_troubles(scripts: Scripts, troubles: Iterable[Trouble]) -> int:
    """Note which troubles are on, and raise an alert for each that begins or is over. Returns how many these are.

    Args:
        scripts: the scripts of this installation.
        troubles: those of one look.

    Raises:
        StoreUnavailable: Redis is away.
    """
    arguments: list[str | int] = []
    for one in troubles:
        arguments += [one.kind, one.since_ms, one.detail, "1" if one.kind in TOLD_BY_ITSELF else ""]
    return int(scripts.run("note_troubles", AWAY_MS, *arguments))


def read_troubles(noted: Mapping[bytes, bytes]) -> tuple[Trouble, ...]:
    """Read the hash of troubles, the oldest first; without what outside hands or a newer release have put there."""
    found = []
    for name, text in noted.items():
        kind = name.decode(errors="replace")
        try:
            trouble = json.loads(text)
            if is_kind(kind):
                found.append(Trouble(kind, int(trouble["since"]), str(trouble["said"])))
        except (ValueError, TypeError, LookupError):
            continue
    return tuple(sorted(found, key=lambda one: (one.since_ms, one.kind)))
