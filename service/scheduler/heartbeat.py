"""A scheduler's heartbeats: whether it leads, and whether Redis' clock was set."""

from __future__ import annotations

import logging

from service.clock import steady_ms
from service.domain.clock_watch import ClockWatch
from service.scheduler.clock_repair import ClockRepair
from service.store.presence import Lead, Presence
from service.store.scripts import Scripts

log = logging.getLogger(__name__)

LEAD_MS = 6_000
"""A leader that sends no heartbeat for this long is replaced."""


class Heartbeat:
    """Sends heartbeats, and repairs jobs that were decided while Redis' clock was ahead.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._presence = Presence(scripts)
        self._watch = ClockWatch()
        self._repair = ClockRepair(scripts)

    def beat(self, name: str) -> Lead:
        """Report that a scheduler is up, take or keep the lead if it is free, and record a step of the clock.

        Raises:
            StoreUnavailable: Redis is away.
        """
        steady = steady_ms()
        lead = self._presence.hold_lead(name, LEAD_MS, self._watch.expected_ms(steady), self._watch.reading_ms)
        self._watch.note(lead.now_ms, steady_ms())
        if lead.stepped_ms:
            log.error("Redis' clock was set by %+.0f s; see docs/guarantees.md, Clocks", lead.stepped_ms / 1000)
        self._repair.hear(lead.walk, lead.held, steady)
        return lead

    def finds_a_step(self, now_ms: int) -> bool:
        """Return whether Redis' clock, which shows `now_ms`, was set. Record that before anything is decided by it."""
        steady = steady_ms()
        if self._watch.has_stepped(now_ms, steady):
            return True
        self._watch.note(now_ms, steady)
        return False

    def repair(self) -> bool:
        """Take one step of the walk that repairs jobs, if one is ordered. Return whether more is to be done now."""
        return self._repair.step(steady_ms())

    def leave(self, name: str) -> None:
        """Hand the lead over, and report that this scheduler is gone."""
        self._presence.yield_lead(name)
