"""Who is up: schedulers and their leader, and workers. All judged by Redis' clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.store.asking import ask, scored
from service.store.scripts import Scripts

FRESH_MS = 15_000
"""A heartbeat older than this is no sign of life."""


def fresh(rows: Sequence[tuple[bytes, float]], now_ms: int) -> int:
    """How many heartbeats are signs of life.

    One from the future was written before the clock was set back, and says nothing of now.
    """
    return sum(1 for _, beat in rows if abs(now_ms - beat) <= FRESH_MS)


@dataclass(frozen=True, slots=True)
class Census:
    """Who is up, and how many jobs there are, at one instant."""

    total_jobs: int
    enabled_jobs: int
    schedulers: int
    workers: int


@dataclass(frozen=True, slots=True)
class Lead:
    """A scheduler's standing after its heartbeat.

    Args:
        held: whether it is the one that acts.
        now_ms: Redis' time.
        leader: the name of the one that acts.
    """

    held: bool
    now_ms: int
    leader: str


class Presence:
    """Heartbeats, and the lease of the acting scheduler.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def hold_lead(self, name: str, lease_ms: int) -> Lead:
        """A scheduler's heartbeat; takes or keeps the lead if it is to be had."""
        held, now, leader = self._scripts.run("hold_lead", name, lease_ms)
        return Lead(bool(held), int(now), leader.decode())

    def yield_lead(self, name: str) -> None:
        """A scheduler's farewell."""
        self._scripts.run("yield_lead", name)

    def beat_worker(self, name: str) -> None:
        """A worker's heartbeat."""
        self._scripts.run("beat_worker", name, "1")

    def farewell_worker(self, name: str) -> None:
        """A worker's farewell."""
        self._scripts.run("beat_worker", name, "0")

    def census(self) -> Census:
        """One round trip, whatever the number of jobs."""
        time, total, enabled, schedulers, workers = ask(
            self._scripts, ("TIME",), ("ZCARD", self._keys.jobs), ("SCARD", self._keys.enabled),
            ("ZRANGE", self._keys.schedulers, 0, -1, "WITHSCORES"), ("ZRANGE", self._keys.workers, 0, -1, "WITHSCORES"),
        )  # fmt: skip
        now = int(time[0]) * 1000 + int(time[1]) // 1000
        return Census(int(total), int(enabled), fresh(scored(schedulers), now), fresh(scored(workers), now))
