"""The one work horse of a worker process: started ahead of its first run, and replaced when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable

from service.backoff import Backoff
from service.worker.board import Board
from service.worker.ipc import Horse, Orders
from service.worker.leftovers.orphans import Orphans

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds until another horse is started after one that failed without a run."""


class HorseKeeper:
    """Starts, replaces and ends the horse.

    Args:
        main: what the horse does, in its own process.
        orphans: of a process that has no children but its horse; None leaves them alone.
    """

    def __init__(self, main: Callable[[Orders, Board], None], orphans: Orphans | None) -> None:
        self._main = main
        self._orphans = orphans
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        self._start_at = 0.0
        self._draining = False
        self.horse: Horse | None = None

    def start(self) -> None:
        """Start a horse, unless one that failed has ended just now."""
        if time.monotonic() >= self._start_at:
            self.horse = Horse(self._main)
        if self._draining:  # the order came while no horse was up
            self.drain()

    def let_go(self, *, has_failed: bool = False) -> None:
        """Close the link to a horse that is gone, and end the processes that it left behind.

        Args:
            has_failed: it ended by itself while it was at no run, and the next one might do the same.
        """
        # Taken away first: a signal in between must find no horse whose pipes are closed.
        horse, self.horse = self.horse, None
        if horse is not None:
            horse.close()
        if self._orphans is not None:
            self._orphans.end()
        if has_failed:
            self._start_at = time.monotonic() + self._backoff.next()
        else:
            self._backoff.reset()

    def drain(self) -> None:
        """Order this horse and any other to take no further run; safe to call from a signal handler."""
        self._draining = True
        if self.horse is not None:
            self.horse.order("drain")

    def kill(self) -> None:
        """Kill the horse, and wait until it is gone. A run that it was at is left to the reaper."""
        if self.horse is not None:
            self.horse.kill()
            self.horse.status(wait=True)
            self.let_go()
