"""The clock, as code that reads the time sees it.

The service has one clock, Redis' own `TIME` (`service.store.server.redis_clock`), so that processes on different
machines agree on what is due and whose lease has ended. Pure code never reads it: the outermost code reads the time and
passes it down as `now`. The module stands alone, since every layer may need it.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of the time."""

    def now_ms(self) -> int:
        """Return the time in whole milliseconds since 1970-01-01T00:00:00Z, rounded down."""


def steady_ms() -> int:
    """Return milliseconds of a clock that is never set and, where possible, goes on while the machine sleeps."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000
