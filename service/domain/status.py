"""Status of the service: the thresholds that say who is up and whether all is well, and its two words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FRESH_MS: Final = 15_000
"""Age up to which a heartbeat is a sign of life."""
LONG_WAIT_SECONDS: Final = 60
"""A wait for a worker that is longer than this is worth a warning."""
HEALTHY: Final = "healthy"
UNHEALTHY: Final = "unhealthy"


def count_up(heartbeats_ms: Iterable[float], now_ms: int) -> int:
    """Count the heartbeats that are signs of life.

    A heartbeat from the future was written before the clock was set back, and says nothing of now.
    """
    return sum(1 for beat in heartbeats_ms if abs(now_ms - beat) <= FRESH_MS)


def status(schedulers: int) -> str:
    """Return the status by the number of schedulers that are up: without one nothing becomes due.

    Workers do not count: without one, runs wait and none is lost.
    """
    return HEALTHY if schedulers > 0 else UNHEALTHY


def waited_seconds(now_ms: int, since_ms: int | None) -> float:
    """Return for how long the oldest queued run has waited; 0 if there is none, or if the clock was set back."""
    return 0.0 if since_ms is None else max(0, now_ms - since_ms) / 1000


def waits_long(seconds: float) -> bool:
    """Return whether a wait for a worker is worth a warning."""
    return seconds > LONG_WAIT_SECONDS
