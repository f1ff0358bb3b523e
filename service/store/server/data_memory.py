"""A process' memory of the data set, by which it notices that the data went back.

After a FLUSHALL, an older file that was restored, or the promotion of a replica that lagged, the data set has another
id, or a lower number than the leader's heartbeats had raised it to. `lua/shared/dataset.lua` compares, records, and
tells once.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Seconds between two looks of a process that has no heartbeats."""


class DataMemory:
    """The data set's id, and its highest number so far.

    Args:
        looks: whether this process looks between its requests; a process with heartbeats looks with those.
    """

    def __init__(self, *, looks: bool = False) -> None:
        self._id, self._beat = "", 0
        self._next_look = 0.0 if looks else float("inf")
        self.times_back = 0
        """How often this process has seen the data go back: its older caches are void."""

    def is_time_to_look(self) -> bool:
        """Return whether to look now; the next look is `LOOK_SECONDS` later."""
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + LOOK_SECONDS
        return True

    def arguments(self) -> tuple[str, str, str]:
        """Return what the scripts compare with, and an id for a new data set."""
        return self._id, str(self._beat) if self._id else "", secrets.token_hex(8)

    def take_in(self, answer: Sequence[bytes]) -> bool:
        """Remember a script's answer. Returns whether the data went back since the last look of this process."""
        found, beat, happened = answer[0].decode(), int(answer[1]), answer[2].decode()
        same = found == self._id
        self._id, self._beat = found, max(beat, self._beat) if same else beat
        if not happened:
            return False
        self.times_back += 1
        log.error("The data in Redis went back: %s", SEEN.get(happened, SEEN["known"]))
        return True


SEEN = {
    "other": "it is another data set than this process knew, or an empty one",
    "older": "it is older than the data that this process had seen",
    "known": "another process has reported it",
}
