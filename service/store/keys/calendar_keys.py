"""Keys of calendars of days off, and of the jobs that use them.

People name calendars themselves (`service.domain.input.names`), and no such name has a colon.
"""

from __future__ import annotations


class CalendarKeys:
    """Keys of calendars; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    @property
    def calendars(self) -> str:
        """Sorted set: calendar -> its last closed day, epoch seconds, if people write these days; else infinity."""
        return f"{self.prefix}:calendars"

    @property
    def changed_calendars(self) -> str:
        """Set of the calendars whose jobs must be planned anew."""
        return f"{self.prefix}:calendars:changed"

    def calendar(self, name: str) -> str:
        """Name the hash of a calendar: its definition and its stamp."""
        return f"{self.prefix}:calendar:{name}"

    def former_calendars(self, name: str) -> str:
        """Name the list of a calendar's former definitions, newest first."""
        return f"{self.prefix}:calendar:{name}:former"

    def calendar_jobs(self, name: str) -> str:
        """Name the set of the ids of the jobs that use a calendar."""
        return f"{self.prefix}:calendar:{name}:jobs"
