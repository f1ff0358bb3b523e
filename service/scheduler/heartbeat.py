"""A scheduler's heartbeats: whether it leads, and what they notice of Redis' clock."""

from __future__ import annotations

import logging

from service.clock import steady_ms
from service.domain.clock_watch import ClockWatch
from service.scheduler.clock_repair import ClockRepair
from service.store.presence import Lead, Presence
from service.store.scripts import Scripts

log = logging.getLogger(__name__)

LEAD_MS = 6_000
"""A leader that is not heard of for this long is replaced."""


class Lookout:
    """Beats, and puts right what a clock that was ahead left behind.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._presence = Presence(scripts)
        self._watch = ClockWatch()
        self._repair = ClockRepair(scripts)

    def beat(self, name: str) -> Lead:
        """Says that a scheduler is up, takes or keeps the lead if it is to be had, and has a step recorded."""
        steady = steady_ms()
        lead = self._presence.hold_lead(name, LEAD_MS, self._watch.expected_ms(steady), self._watch.reading_ms)
        self._watch.note(lead.now_ms, steady_ms())
        if lead.stepped_ms:
            log.error("Redis' clock was set by %+.0f s; see docs/guarantees.md, Clocks", lead.stepped_ms / 1000)
        self._repair.hear(lead.walk, lead.held, steady)
        return lead

    def finds_a_step(self, now_ms: int) -> bool:
        """Whether Redis' clock, which shows `now_ms`, has stepped: it is to be recorded before anything is decided."""
        steady = steady_ms()
        if self._watch.has_stepped(now_ms, steady):
            return True
        self._watch.note(now_ms, steady)
        return False

    def repair(self) -> bool:
        """One step of the walk that puts jobs right, if there is one. Returns whether there is more to do now."""
        return self._repair.step(steady_ms())

    def leave(self, name: str) -> None:
        """A scheduler's farewell."""
        self._presence.yield_lead(name)
