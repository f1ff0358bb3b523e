"""Ends of pauses: the leading scheduler notes them, lets in what they hold, and cancels runs for those that ask for it.

Nothing here keeps an occurrence back: the script that decides looks at the pauses itself. It also lets in what a job
has on hold before a later occurrence, so this may come late and nothing is overtaken.
"""

from __future__ import annotations

import logging

from service.store.pauses.pause_store import PauseStore
from service.store.scripts import Scripts

log = logging.getLogger(__name__)


class PauseEnds:
    """The leading scheduler's look at the pauses.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._store = PauseStore(scripts)

    def step(self) -> float | None:
        """Do what is due. Return the seconds until there is more to do; None if nothing is foreseen."""
        found = self._store.resume()
        if found.ended:
            log.info("%d pause%s ended", found.ended, "s" if found.ended > 1 else "")
        for pause_id in found.cancelling:
            log.info("The pause %s has cancelled %d runs", pause_id, self._store.cancel_runs(pause_id))
        if found.has_more:
            return 0.0
        return None if found.next_end_ms is None else max(0.0, found.next_end_ms / 1000)
