"""Versions of the schema that a job's definition needs: a scheduler of an older release would call it broken.

A version is raised with each type of schedule, and each field of one, that older releases do not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.domain.options import SUPERSEDING, Options
from service.domain.schedules.definition import FIRST_TYPES

FIRST = 1
MORE_TYPES = 4
"""Dates, months, recurrence rules, unions, `every`, days of an interval, nicknames, and the deletion of ended jobs."""
PAUSES = 5
"""Pauses, and the runs that they hold: a scheduler that does not know them would let occurrences through."""
OVERLAPS = 5
"""`overlap` as `latest` or `replace`."""
EXPECTATIONS = 5
"""`expect` and `ping_urls`: a scheduler that does not know them would call the job broken, and tell of nothing."""
EDITS = 5
"""Changed occurrences: a scheduler that does not know them would run each at its own time."""
HEARTBEATS = 5
"""Heartbeat jobs: a scheduler that does not know them would run them."""
NEWEST = OVERLAPS


def schema_of(schedule_type: str, config: Mapping[str, Any], options: Options) -> int:
    """Return the lowest version of the schema whose schedulers understand a job."""
    if options.overlap in SUPERSEDING:
        return OVERLAPS
    if options.expect is not None or options.ping_urls:
        return EXPECTATIONS
    if options.delete_after_seconds is not None:
        return MORE_TYPES
    return MORE_TYPES if _is_newer(schedule_type, config) else FIRST


def _is_newer(schedule_type: str, config: Mapping[str, Any]) -> bool:
    if schedule_type not in FIRST_TYPES or "every" in config or "days" in config:
        return True
    return schedule_type == "cron" and str(config.get("cron_expression", "")).lstrip().startswith("@")
