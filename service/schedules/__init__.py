"""Pure time maths: occurrences, the plan of a job's due ones, previews. No input or output, no clock."""

from __future__ import annotations

from service.schedules.gaps import shortest_gap, validate_schedule
from service.schedules.occurrences import cron_expression, next_after, next_occurrence
from service.schedules.plans import Decision, Plan, due_ms, jitter_seconds, plan
from service.schedules.words import describe, local_times, preview

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
