"""Lag of the event loop: how late it comes to what is due, because something holds it up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from service.errors import ServiceError
from service.interleaving import interleaved
from service.seldom import Seldom
from service.store.server.connection import ClientError

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
"""How often a process looks."""
LATE_SECONDS = 0.05
"""A lag of more than this is logged and counted."""
KEPT = 1000
"""How many lags are kept for Redis while it is away; of more than that the newest are left out."""


class LoopLag:
    """Falcon middleware that measures the lag of this process' loop as long as it serves.

    Args:
        add: adds lags, in ms, to the installation's counts in Redis; None for no count.
    """

    def __init__(self, add: Callable[[Sequence[int]], None] | None = None) -> None:
        self._add = add
        self._uncounted: list[int] = []
        self._lines = Seldom(log, logging.WARNING)
        self._task: asyncio.Task[None] | None = None

    async def process_startup(self, scope: Any, event: Any) -> None:
        """Begin to measure."""
        self._task = asyncio.create_task(self._measure())

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()

    def note(self, seconds: float) -> None:
        """Keep and log a lag, if it is one."""
        if seconds > LATE_SECONDS:
            self._lines.note(f"The event loop was held up for {seconds * 1000:,.0f} ms")
            if len(self._uncounted) < KEPT:
                self._uncounted.append(round(seconds * 1000))

    async def count(self) -> None:
        """Add the lags to those in Redis. What Redis does not take is kept for the next time."""
        if self._add is None or not self._uncounted:
            return
        lags, self._uncounted = self._uncounted, []
        try:
            await interleaved(self._add, lags)
        except (ServiceError, ClientError):
            self._uncounted = lags + self._uncounted

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        counting: asyncio.Task[None] | None = None
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                due = loop.time() + LOOK_SECONDS
                await asyncio.sleep(LOOK_SECONDS)
                self.note(loop.time() - due)
                if counting is None or counting.done():
                    counting = asyncio.create_task(self.count()) if self._uncounted else None
