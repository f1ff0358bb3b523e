"""Pure time maths: occurrences, the plan of a job's due ones, previews. No input or output, no clock."""

from __future__ import annotations

from service.domain.schedules.decisions import Decision, Plan, due_ms, jitter_seconds, plan
from service.domain.schedules.describe import describe, local_times, preview
from service.domain.schedules.gaps import shortest_gap
from service.domain.schedules.occurrences import cron_expression, members_due, next_after, next_occurrence
from service.domain.schedules.setting import refuse_short_interval, validate_schedule
from service.domain.schedules.workdays import MONDAY_TO_FRIDAY, Calendar

__all__ = [
    "MONDAY_TO_FRIDAY",
    "Calendar",
    "Decision",
    "Plan",
    "cron_expression",
    "describe",
    "due_ms",
    "jitter_seconds",
    "local_times",
    "members_due",
    "next_after",
    "next_occurrence",
    "plan",
    "preview",
    "refuse_short_interval",
    "shortest_gap",
    "validate_schedule",
]
