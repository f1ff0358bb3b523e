"""The one place that reads the time.

The service has one clock, Redis' own `TIME` (`service.store.server.redis_clock`), so that processes on different
machines agree on what is due and whose lease has ended. Pure code never reads it: the time is read at the rim and
passed down as `now`.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now_ms(self) -> int:
        """The time in whole milliseconds since 1970-01-01T00:00:00Z, rounded down."""


def steady_ms() -> int:
    """A clock that is never set and goes on while the machine sleeps, where there is one."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000
