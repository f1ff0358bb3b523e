"""Feeds backfills: hands out their runs, a few at a time, where they are in no live run's way.

The script that hands out does it in one step, so any scheduler may die at any time, and several may feed at once.
"""

from __future__ import annotations

import logging

from service.store.runs.backfills import BackfillStore
from service.store.scripts import Scripts

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.07
"""Seconds between two looks for room. Ends of runs are not announced, so that they disturb no due instant."""


class BackfillFeed:
    """The feed, in the leading scheduler.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._store = BackfillStore(scripts)

    def step(self) -> float | None:
        """Hand out what there is room for. Return the seconds until the next look, None if no backfill is under way."""
        active = self._store.active()
        for backfill_id in active:
            made = self._store.feed(backfill_id)
            if made:
                log.debug("Backfill %s: %d runs handed out", backfill_id, made)
        return LOOK_SECONDS if active else None
