"""Places of messages that are on their way: who is slow, or fails, holds up none that is quick."""

from __future__ import annotations

import time

MOST_AT_ONCE, FAILING_AT_ONCE = 16, 8
"""Messages that are on their way at a time; and beside them those of addresses that did not take the last one."""
SLOW_SECONDS, MOST_SLOW = 3.0, 100
"""A message that is on its way for longer counts no more among the former; and how many there may be with these."""


class Places:
    """The addresses to which a message is on its way."""

    def __init__(self) -> None:
        self._taken: dict[str, tuple[bool, float]] = {}
        """Address -> whether it had failed before, and since when, steady seconds."""

    def __contains__(self, address: str) -> bool:
        return address in self._taken

    def __len__(self) -> int:
        return len(self._taken)

    def has_room(self, *, has_failed: bool) -> bool:
        """Return whether a message may set out to an address, which has failed before or not."""
        failing = sum(failed for failed, _ in self._taken.values())
        if has_failed:
            return failing < FAILING_AT_ONCE
        late = time.monotonic() - SLOW_SECONDS
        quick = sum(not failed and since > late for failed, since in self._taken.values())
        return quick < MOST_AT_ONCE and len(self._taken) - failing < MOST_SLOW

    def take(self, address: str, *, has_failed: bool) -> None:
        """Note that a message sets out."""
        self._taken[address] = (has_failed, time.monotonic())

    def leave(self, address: str) -> None:
        """Note that it has come back."""
        self._taken.pop(address, None)
