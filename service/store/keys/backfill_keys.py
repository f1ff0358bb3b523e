"""Keys of backfills."""

from __future__ import annotations


class BackfillKeys:
    """Keys of backfills; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    @property
    def active_backfills(self) -> str:
        """Set of the ids of the backfills that have instants left, or runs that have not ended."""
        return f"{self.prefix}:backfills"

    def backfill(self, backfill_id: str) -> str:
        """Name the hash of a backfill: what was asked for, and how many of its instants ended how."""
        return f"{self.prefix}:backfill:{backfill_id}"

    def backfill_left(self, backfill_id: str) -> str:
        """Name the list of a backfill's instants that have no run yet, the next one first."""
        return f"{self.prefix}:backfill:{backfill_id}:left"

    def backfill_open(self, backfill_id: str) -> str:
        """Name the set of the ids of a backfill's runs that have not ended."""
        return f"{self.prefix}:backfill:{backfill_id}:open"

    def backfills(self, job_id: str) -> str:
        """Name the capped list of the ids of a job's backfills, newest first."""
        return f"{self.prefix}:job:{job_id}:backfills"
