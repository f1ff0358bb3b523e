"""Recurrence rules of RFC 5545: how they are written, how `dateutil` walks them, and their words."""

from __future__ import annotations

from service.domain.schedules.types.recurrence.schedule import PROPERTIES, REQUIRED, Recurrence, parse

__all__ = ["PROPERTIES", "REQUIRED", "Recurrence", "parse"]
