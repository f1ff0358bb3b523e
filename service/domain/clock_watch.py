"""Whether Redis' clock goes as time does, by a clock of this machine that nobody sets. Pure: times are passed in."""

from __future__ import annotations

STEP_MS = 60_000
"""A clock that is off by more than this from what was expected has been set. `lua/shared/timewatch.lua` has it too."""


class ClockWatch:
    """Remembers what Redis' clock showed last, and when that was by the steady clock."""

    def __init__(self) -> None:
        self._reading_ms: int | None = None
        self._read_at_ms = 0

    @property
    def reading_ms(self) -> int | None:
        """What Redis' clock showed last; None before the first look."""
        return self._reading_ms

    def expected_ms(self, steady: int) -> int | None:
        """What Redis' clock should show, once the steady clock shows `steady`; None before the first look."""
        return None if self._reading_ms is None else self._reading_ms + steady - self._read_at_ms

    def has_stepped(self, now_ms: int, steady: int) -> bool:
        """Whether Redis' clock shows something else than expected."""
        expected = self.expected_ms(steady)
        return expected is not None and abs(now_ms - expected) > STEP_MS

    def note(self, now_ms: int, steady: int) -> None:
        """Redis' clock shows `now_ms`, while the steady one shows `steady`."""
        self._reading_ms, self._read_at_ms = now_ms, steady
