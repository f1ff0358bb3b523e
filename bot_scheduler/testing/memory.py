"""A memory that keeps its values and turns in the process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from uuid import uuid4

from bot_scheduler.testing.clock import Expiring, FakeClock
from bot_scheduler.testing.stored import as_utf8

MAX_VALUE = 64 * 1024
"""Characters of one value. Longer ones are not stored."""
ENDED_SECONDS = 60
"""How long the end of a turn is remembered: the longest gap."""


@dataclass(frozen=True)
class Turn:
    """A turn that a run has until `ends`, or, without a holder, one that ended then."""

    holder: str | None
    ends: datetime


class MemoryEntries:
    """The values and turns that all runs of a bot share.

    Args:
        clock: tells when they expire.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.values: Expiring[str] = Expiring(clock)
        self.turns: Expiring[Turn] = Expiring(clock)


class FakeMemory:
    """One run's memory; see `bot_scheduler.Memory`.

    Args:
        shared: the values and turns that all runs of the bot share.
    """

    def __init__(self, shared: MemoryEntries) -> None:
        self._shared = shared
        self._mark = str(uuid4())

    def recall(self, key: str) -> str | None:
        """Return the value stored under `key`, or None."""
        return self._shared.values.get(as_utf8(key))

    def remember(self, key: str, value: str, seconds: int) -> None:
        """Store a value for some time; see `bot_scheduler.Memory.remember`."""
        if len(value) <= MAX_VALUE:
            self._shared.values.set(as_utf8(key), as_utf8(value), max(1, ceil(seconds)))

    def take_turn(self, key: str, seconds: float, gap: float = 0.0) -> float:
        """Take or renew the turn at `key`; see `bot_scheduler.Memory.take_turn`."""
        left = self._left(self._shared.turns.get(as_utf8(key)), gap)
        if left <= 0:
            self._shared.turns.set(key, Turn(self._mark, self._shared.clock.after(seconds)), seconds)
        return max(left, 0.0)

    def end_turn(self, key: str) -> None:
        """End this run's turn at `key`. Another run's turn stays."""
        turn = self._shared.turns.get(as_utf8(key))
        if turn is not None and turn.holder == self._mark:
            self._shared.turns.set(key, Turn(None, self._shared.clock.now), ENDED_SECONDS)

    def _left(self, turn: Turn | None, gap: float) -> float:
        if turn is None or turn.holder == self._mark:
            return 0.0
        return (turn.ends - self._shared.clock.now).total_seconds() + gap
