"""Use cases of health: whether the service works, and the notices that a person acknowledges."""

from __future__ import annotations

from typing import Any

from service.domain.notices import Notices, acknowledged, shown
from service.domain.status import UNHEALTHY, status
from service.domain.watching.troubles import Trouble
from service.errors import ServiceError
from service.store.notices import acknowledge
from service.store.presence import Presence
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs
from service.store.watching.trouble_store import read_troubles


class Health:
    """The health of an installation, as Redis knows it.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._presence = Presence(scripts)

    def now(self) -> dict[str, Any]:
        """Report whether the service works. It never raises."""
        try:
            census = self._presence.census()
        except ServiceError:
            return {"status": UNHEALTHY, "scheduler_running": False, "redis_connected": False,
                    "total_jobs": 0, "enabled_jobs": 0, "workers": 0, "calendars_running_out": 0, "active_pauses": 0,
                    **shown(Notices())}  # fmt: skip
        return {
            "status": status(census.schedulers),
            "scheduler_running": census.schedulers > 0,
            "redis_connected": True,
            "total_jobs": census.total_jobs,
            "enabled_jobs": census.enabled_jobs,
            "workers": census.workers,
            "calendars_running_out": census.calendars_running_out,
            "active_pauses": census.active_pauses,
            **shown(census.notices),
            **({"troubles": [trouble.shown() for trouble in census.troubles]} if census.troubles else {}),
        }

    def troubles(self) -> tuple[Trouble, ...]:
        """Return the troubles that the watch sees, the oldest first.

        Raises:
            StoreUnavailable: Redis is away.
        """
        (noted,) = ask(self._scripts, ("HGETALL", self._scripts.keys.troubles))
        return read_troubles(pairs(noted))

    def acknowledge(self) -> dict[str, Any]:
        """Acknowledge that the data went back and that the clock stepped. Returns these notices.

        Raises:
            StoreUnavailable: Redis is away.
        """
        return acknowledged(acknowledge(self._scripts))
