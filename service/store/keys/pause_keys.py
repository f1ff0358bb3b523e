"""Keys of pauses, and of the runs that they hold. A job's own list of these is `Keys.on_hold`."""

from __future__ import annotations


class PauseKeys:
    """Keys of pauses; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    @property
    def pauses(self) -> str:
        """Hash: id of a pause that is in force -> JSON; and `over` -> the end of the newest one that is over, ms."""
        return f"{self.prefix}:pauses"

    @property
    def ended_pauses(self) -> str:
        """Sorted set: a pause that is over, JSON -> its end, ms."""
        return f"{self.prefix}:pauses:ended"

    @property
    def resuming(self) -> str:
        """Set of the ids of pauses that are over and may still hold runs."""
        return f"{self.prefix}:pauses:resuming"

    def pause_jobs(self, pause_id: str) -> str:
        """Name the set of the ids of the jobs of which a pause holds runs."""
        return f"{self.prefix}:pause:{pause_id}:jobs"

    @property
    def held(self) -> str:
        """Sorted set: id of a run that a pause holds -> since when, ms."""
        return f"{self.prefix}:held"
