"""Keys of what watches the installation: a subject of its own."""

from __future__ import annotations


class WatchKeys:
    """Keys of leases, troubles and unsent alerts; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    def lease(self, task: str) -> str:
        """Name the string with the token of the process that does a task: `courier` or `watch`, leased."""
        return f"{self.prefix}:lease:{task}"

    @property
    def open_door(self) -> str:
        """Hash: when a web process was up, so that pings could be taken: seen last, and the last outage's two ends."""
        return f"{self.prefix}:open_door"

    @property
    def troubles(self) -> str:
        """Hash: kind of a trouble that is on -> JSON: since when, its words, since when it was not seen again."""
        return f"{self.prefix}:troubles"

    @property
    def alerts_unsent(self) -> str:
        """Hash: name of an address that takes no alerts -> JSON: since when, until when, why."""
        return f"{self.prefix}:alerts:unsent"

    @property
    def alerts_dropped(self) -> str:
        """Hash of the alerts that fell out of a full outbox: `count`, and `at`: when the last one did, ms."""
        return f"{self.prefix}:alerts:dropped"
