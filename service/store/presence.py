"""Presence of schedulers, their leader, and workers, by Redis' clock."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from service.domain.calendars.work_calendar import WARN_DAYS
from service.domain.notices import Notices
from service.domain.schedules.schema_versions import NEWEST
from service.domain.status import count_up
from service.domain.watching.troubles import Trouble
from service.store.jobs.enabled_count import enabled_jobs
from service.store.notices import notice_commands, read_notices
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs, scored
from service.store.server.redis_clock import ms_of
from service.store.watching.trouble_store import read_troubles


def up(rows: Iterable[tuple[bytes, float]], now_ms: int) -> int:
    """Count the processes that are up, by their names and heartbeats in ms."""
    return count_up((beat for _, beat in rows), now_ms)


@dataclass(frozen=True, slots=True)
class Census:
    """Counts of processes that are up, and of jobs, at one instant."""

    total_jobs: int
    enabled_jobs: int
    schedulers: int
    workers: int
    notices: Notices
    calendars_running_out: int
    active_pauses: int
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """A scheduler's standing after its heartbeat.

    Args:
        held: whether it leads.
        now_ms: Redis' time.
        leader: the name of the scheduler that leads.
        stepped_ms: by how much Redis' clock has stepped; 0 if it has not, or if the step is known.
        walk: the walk over the jobs that a step of the clock has ordered, if any.
    """

    held: bool
    now_ms: int
    leader: str
    stepped_ms: int
    walk: Walk | None


@dataclass(frozen=True, slots=True)
class Walk:
    """An order to void decisions that were made while the clock was ahead.

    Args:
        number: the order's.
        sound_ms: up to when the clock was right; None if nobody saw when it went ahead.
        steps: the numbers of the steps forward that the step back has undone.
        landed_ms: where the clock landed when it was set back, or the earliest known time after that; None if somebody
            saw it go ahead, or an older release ordered the walk.
    """

    number: int
    sound_ms: int | None
    steps: str = ""
    landed_ms: int | None = None


def _walk(number: bytes, sound: bytes, steps: bytes, landed: bytes) -> Walk | None:
    """Read the walk from a heartbeat's answer; of two walks, the one with a known start comes first."""
    if not number:
        return None
    if sound:
        return Walk(int(number), int(sound), steps.decode())
    return Walk(int(number), None, landed_ms=int(landed) if landed else None)


class Presence:
    """Heartbeats, and the lease of the acting scheduler.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def hold_lead(
        self, name: str, lease_ms: int, expected_ms: int | None = None, reading_ms: int | None = None
    ) -> Lead:
        """Beat as a scheduler, and take or keep the lead if no other scheduler has it.

        Args:
            name: the scheduler's.
            lease_ms: how long the lead lasts without another heartbeat.
            expected_ms: what Redis' clock should show by this process' steady clock; None before the first reading.
            reading_ms: the last reading of Redis' clock.
        """
        looked = ["" if ms is None else str(ms) for ms in (expected_ms, reading_ms)]
        answer = self._scripts.run("hold_lead", name, lease_ms, *looked, *self._scripts.data.arguments(), NEWEST)
        held, now, leader, stepped, data, *walk = answer
        self._scripts.note_data([data[0], data[1], data[2]])
        return Lead(bool(held), int(now), leader.decode(), int(stepped or 0), _walk(*walk))

    def yield_lead(self, name: str) -> None:
        """Sign off as a scheduler."""
        self._scripts.run("yield_lead", name)

    def beat_worker(self, name: str) -> None:
        """Beat as a worker."""
        self._scripts.look_at_data("beat_worker", name, "1")

    def farewell_worker(self, name: str) -> None:
        """Sign off as a worker."""
        self._scripts.look_at_data("beat_worker", name, "0")

    def census(self) -> Census:
        """Count everything in one round trip, whatever the number of jobs."""
        warned_until = (
            int(time.time()) + WARN_DAYS * 86_400
        )  # by this machine's clock: a day more or less does not matter
        now_pair, total, enabled, schedulers, workers, running_out, pauses, over, troubles, data, clock = ask(
            self._scripts, ("TIME",), ("ZCARD", self._keys.jobs), ("GET", self._keys.enabled_jobs),
            ("ZRANGE", self._keys.schedulers, 0, -1, "WITHSCORES"), ("ZRANGE", self._keys.workers, 0, -1, "WITHSCORES"),
            ("ZCOUNT", self._keys.calendars, "-inf", warned_until), ("HLEN", self._keys.pauses),
            ("HEXISTS", self._keys.pauses, "over"), ("HGETALL", self._keys.troubles), *notice_commands(self._keys),
        )  # fmt: skip
        now = ms_of(now_pair)
        return Census(
            int(total), enabled_jobs(enabled), up(scored(schedulers), now), up(scored(workers), now),
            read_notices(now, data, clock), int(running_out), int(pauses) - int(over),
            read_troubles(pairs(troubles)),
        )  # fmt: skip
