"""Pure time maths: occurrences, the plan of a job's due ones, previews. No input or output, no clock."""

from __future__ import annotations

from service.domain.schedules.decisions import Decision, Plan, due_ms, jitter_seconds, plan
from service.domain.schedules.describe import describe, local_times, preview
from service.domain.schedules.gaps import shortest_gap, validate_schedule
from service.domain.schedules.occurrences import cron_expression, next_after, next_occurrence

__all__ = [
    "Decision",
    "Plan",
    "cron_expression",
    "describe",
    "due_ms",
    "jitter_seconds",
    "local_times",
    "next_after",
    "next_occurrence",
    "plan",
    "preview",
    "shortest_gap",
    "validate_schedule",
]
