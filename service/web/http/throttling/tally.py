"""Tally of the wrong keys that one process has refused, by sender, in bounded memory. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nsmallest

MOST_SENDERS = 200
"""Senders that a process reports by name at a time; in between it tells apart twice as many."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Wrong keys that were refused between two reports.

    Args:
        counts: sender -> how many it sent.
        unnamed: how many came from senders that are not told apart any more.
        since: when the first of them came, seconds since 1970.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    unnamed: int = 0
    since: float = 0.0

    @property
    def total(self) -> int:
        """How many there are in all."""
        return sum(self.counts.values()) + self.unnamed


class Tally:
    """Counts of the current minute, and of what is not reported yet.

    Those with the least make room for new ones, so that many senders do not hide one that sends much. They go by the
    hundred, so that a new sender costs no more than a known one.
    """

    def __init__(self) -> None:
        self._minute = -1
        self._known: dict[str, int] = {}
        self._unreported: dict[str, int] = {}
        self._unnamed = 0
        self._since = 0.0

    def add(self, sender: str, now: float) -> int:
        """Count a wrong key. Returns how many this sender has sent in this minute, as far as this process knows.

        Args:
            sender: who sent it.
            now: seconds since 1970.
        """
        self._turn(now)
        if not self.is_unreported:
            self._since = now
        self._unreported[sender] = self._unreported.get(sender, 0) + 1
        known = self._known[sender] = self._known.get(sender, 0) + 1
        self._unnamed += _cut(self._unreported, 2 * MOST_SENDERS)
        _cut(self._known, 2 * MOST_SENDERS)
        return known

    @property
    def is_unreported(self) -> bool:
        """Whether there is something to report."""
        return bool(self._unreported or self._unnamed)

    def take(self) -> Sheet:
        """Take out what is not reported yet."""
        self._unnamed += _cut(self._unreported, MOST_SENDERS)
        taken = Sheet(self._unreported, self._unnamed, self._since)
        self._unreported, self._unnamed = {}, 0
        return taken

    def learn(self, counts: Mapping[str, int], now: float) -> None:
        """Take over what all processes have counted in this minute.

        Args:
            counts: sender -> how many it has sent, without what is not reported yet.
            now: seconds since 1970.
        """
        self._turn(now)
        for sender, count in counts.items():
            self._known[sender] = max(self._known.get(sender, 0), count + self._unreported.get(sender, 0))
        _cut(self._known, 2 * MOST_SENDERS)

    def _turn(self, now: float) -> None:
        if int(now // 60) != self._minute:
            self._minute, self._known = int(now // 60), {}


def _cut(counts: dict[str, int], most: int) -> int:
    """Remove all but `MOST_SENDERS` that have the most, once there are more than `most`. Return what the others had."""
    if len(counts) <= most:
        return 0
    least = nsmallest(len(counts) - MOST_SENDERS, counts, key=counts.__getitem__)
    return sum(counts.pop(sender) for sender in least)
