"""Watch over Redis' clock, by this machine's monotonic clock."""

from __future__ import annotations

STEP_MS = 60_000
"""A clock that is off by more than this has been set. `lua/shared/timewatch.lua` has the same figure."""


class ClockWatch:
    """The last reading of Redis' clock, and its time by the steady clock."""

    def __init__(self) -> None:
        self._reading_ms: int | None = None
        self._read_at_ms = 0

    @property
    def reading_ms(self) -> int | None:
        """The last reading of Redis' clock; None before the first one."""
        return self._reading_ms

    def expected_ms(self, steady: int) -> int | None:
        """Expect what Redis' clock shows when the steady clock shows `steady`; None before the first reading."""
        return None if self._reading_ms is None else self._reading_ms + steady - self._read_at_ms

    def has_stepped(self, now_ms: int, steady: int) -> bool:
        """Return whether Redis' clock is off from the expected time."""
        expected = self.expected_ms(steady)
        return expected is not None and abs(now_ms - expected) > STEP_MS

    def note(self, now_ms: int, steady: int) -> None:
        """Remember that Redis' clock shows `now_ms` while the steady one shows `steady`."""
        self._reading_ms, self._read_at_ms = now_ms, steady
