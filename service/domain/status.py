"""Status of the service: the thresholds that say who is up, whether all is well, and how full Redis is; its words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

FRESH_MS: Final = 15_000
"""Age up to which a heartbeat is a sign of life."""
LONG_WAIT_SECONDS: Final = 60
"""A wait for a worker that is longer than this is worth a warning."""
HEALTHY: Final = "healthy"
UNHEALTHY: Final = "unhealthy"

MemoryLevel = Literal["", "high", "full"]
"""There is room; somebody is told; new jobs and imports are refused."""
MEMORY_HIGH: Final = 0.90
MEMORY_FULL: Final = 0.97
MEMORY_ROOM: Final = 0.85
"""The share of `maxmemory` below which a high level is over. It is less than `MEMORY_HIGH`, so that memory near that
raises one alert."""
MEMORY_REFUSED: Final = "new jobs and imports are refused, and runs go on"
MEMORY_ADVICE: Final = "Raise maxmemory, lower HISTORY_LIMIT, or delete jobs"


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
    """Return for how long the oldest queued run has waited; 0 if the queue is empty, or if the clock was set back."""
    return 0.0 if since_ms is None else max(0, now_ms - since_ms) / 1000


def waits_long(seconds: float) -> bool:
    """Return whether a wait for a worker is worth a warning."""
    return seconds > LONG_WAIT_SECONDS


def memory_level(used: int, most: int, before: MemoryLevel) -> MemoryLevel:
    """Return how full Redis is.

    Args:
        used: bytes in use.
        most: `maxmemory`, bytes; 0 if it is not set, and nothing is ever full.
        before: the level so far.
    """
    share = used / most if most else 0.0
    if share >= MEMORY_FULL:
        return "full"
    return "high" if share >= (MEMORY_ROOM if before else MEMORY_HIGH) else ""


def memory_in_use(used: int, most: int) -> str:
    """Say how much of its memory Redis uses; both in bytes."""
    if not most:
        return f"Redis uses {used / 2**20:,.0f} MiB, without a limit"
    percent = 100 * used // most  # rounded down, so that no number reaches a mark before the memory does
    return f"Redis uses {percent}% of its maxmemory ({used / 2**20:,.0f} of {most / 2**20:,.0f} MiB)"
