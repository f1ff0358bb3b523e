"""Deliveries that wait for an address, apart: those that may go, and those that snoozes hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

from service.domain.alerting.snooze import Snooze
from service.store.alerting.deliveries import READ_AT_ONCE, Deliveries, Line, Queued

MOST = 10_000
"""Alerts of which one message tells at the most, by their number."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Deliveries that wait for an address.

    Args:
        free: what may go, as far as snoozes are concerned, the oldest first.
        snoozed: the places in `free` of what a snooze held up, which is over.
        held_until: when the first of those snoozes ends that hold something, ms; None if none does.
    """

    free: Sequence[Queued]
    snoozed: frozenset[int] = frozenset()
    held_until: int | None = None

    def next_at(self, at: int) -> int:
        """Return when to look again: at `at`, ms, or at the end of a snooze before."""
        return at if self.held_until is None else min(at, self.held_until)


def waiting_in(
    line: Line, snoozes: Sequence[Snooze], now: int, deliveries: Deliveries, *, whole: bool = False
) -> Waiting:
    """Tell what of a line may go, and what waits for the end of a snooze. What is held holds up nothing else.

    Args:
        line: what waits for an address.
        snoozes: those of the address, the ended ones too.
        now: the present, ms.
        deliveries: reads the jobs, and goes on in the line where all of it is held.
        whole: whether to read the line to its end, as far as `MOST`.
    """
    if not snoozes and not whole:
        return Waiting(line.queued)
    free, snoozed, ends = list[Queued](), set[int](), list[int]()
    queued, start = line.queued, 0
    while queued:
        for one, job_id in zip(queued, deliveries.jobs(queued) if snoozes else repeat(""), strict=False):
            holding = [snooze.until for snooze in snoozes if snooze.holds(job_id, now)]
            ends += holding
            if holding:
                continue
            if any(snooze.has_held(job_id, one.since) for snooze in snoozes):
                snoozed.add(len(free))
            free.append(one)
        start += len(queued)
        has_more = (len(free) < MOST if whole else not free) and len(queued) == READ_AT_ONCE
        queued = deliveries.line(line.address, start).queued if has_more else ()
    return Waiting(free, frozenset(snoozed), min(ends, default=None))
