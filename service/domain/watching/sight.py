"""What a watching process sees of the installation in one look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sight:
    """One look; times are ms by Redis' clock.

    Args:
        now: Redis' time.
        schedulers, workers: name -> last heartbeat.
        oldest_due: when the oldest occurrence that nobody has decided was due; None if none is planned.
        oldest_queued: id of the startable run that has waited for a worker the longest, and since when; None without.
        running: how many runs are under way.
        unsaved: why Redis does not save its data, a sentence without a dot each.
        memory: how much of its memory Redis uses, in words, while that is much; else "".
        unsent: name of an address that takes no alerts -> since when, and why.
        dropped: how many alerts have fallen out of a full outbox, while that goes on, or did so a moment ago; else 0.
        known: the kinds of the troubles that were told and are not over.
    """

    now: int
    schedulers: Mapping[str, int] = field(default_factory=dict)
    workers: Mapping[str, int] = field(default_factory=dict)
    oldest_due: int | None = None
    oldest_queued: tuple[str, int] | None = None
    running: int = 0
    unsaved: tuple[str, ...] = ()
    memory: str = ""
    unsent: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    dropped: int = 0
    known: frozenset[str] = frozenset()
