"""The one work horse of a worker process: started ahead of its first run, and replaced when it ends."""

from __future__ import annotations

import logging
from collections.abc import Callable

from service.worker.ipc import Horse, Orders
from service.worker.orphans import Orphans

log = logging.getLogger(__name__)


class HorseKeeper:
    """Starts, replaces and ends the horse.

    Args:
        main: what the horse does, in its own process.
        orphans: of a process that has no children but its horse; None leaves them alone.
    """

    def __init__(self, main: Callable[[Orders], None], orphans: Orphans | None) -> None:
        self._main = main
        self._orphans = orphans
        self._horse: Horse | None = None

    def ready(self) -> Horse:
        """Return a horse that is ready for a run."""
        if self._horse is not None and self._horse.status() is not None:
            log.warning("The work horse ended while it rested (wait status %d); starting another", self._horse.status())
            self.let_go()
        if self._horse is None:
            self._horse = Horse(self._main)
        return self._horse

    def let_go(self) -> None:
        """Close the link to the horse, which ends then if it has not yet, and end the processes that it left behind."""
        # Taken away first: a signal in between must find no horse whose pipes are closed.
        horse, self._horse = self._horse, None
        if horse is not None:
            horse.close()
        if self._orphans is not None:
            self._orphans.end()

    def drain(self) -> None:
        """Order the horse to take no further run; safe to call from a signal handler."""
        if self._horse is not None:
            self._horse.order("drain")

    def kill(self) -> None:
        """Kill the horse, and wait until it is gone. A run that it was at is left to the reaper."""
        if self._horse is not None:
            self._horse.kill()
            self._horse.status(wait=True)
            self.let_go()
