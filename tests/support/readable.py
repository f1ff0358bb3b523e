"""Waits for sockets. `select.select` refuses file numbers past 1023, which a long run of tests reaches."""

from __future__ import annotations

import select
from collections.abc import Iterable


def readable(numbers: Iterable[int], seconds: float) -> list[int]:
    """Return those of these file numbers that have something to read, or an end, within so many seconds."""
    poll = select.poll()
    for number in numbers:
        poll.register(number, select.POLLIN)
    return [number for number, _ in poll.poll(seconds * 1000)]
