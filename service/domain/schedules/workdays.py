"""Days on which people work, as far as schedules ask for them.

A job's calendar says which days are closed and why. A job without one has Monday to Friday.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from typing import Protocol, runtime_checkable

_SATURDAY = 5


@runtime_checkable
class Calendar(Hashable, Protocol):
    """Closed days. Calendars with the same days are equal, so that plans that depend on them can be kept."""

    def closed(self, day: date) -> str | None:
        """Return why a local day is closed; None if it is open."""


@dataclass(frozen=True, slots=True)
class MondayToFriday:
    """The working days of jobs without a calendar."""

    def closed(self, day: date) -> str | None:
        """Return why a local day is closed; None if it is open."""
        return "weekend" if day.weekday() >= _SATURDAY else None


MONDAY_TO_FRIDAY: Calendar = MondayToFriday()
