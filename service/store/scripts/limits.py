"""Limits on the data that the scripts keep, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.runs.past_runs import LISTED_RUNS
from service.settings import Settings

RQ_SUCCESS_TTL = 500
"""Seconds for which RQ keeps its record of a finished run, RQ's own default; ours is in the history."""
RQ_FAILURE_TTL = 86_400
"""Seconds for which RQ keeps its record of a failed run for rq-dashboard; RQ's default is a year."""
RQ_CANCELED_TTL = 86_400
"""Seconds for which RQ keeps its record of a cancelled run; RQ's default is for ever."""
TOLD_TTL = 400 * 86_400
"""Seconds for which we remember reported news: as long as the ledger remembers."""
SESSION_IDLE_SECONDS = 12 * 3600
"""How long a session of the console lasts without use."""
SESSION_LONGEST_SECONDS = 7 * 86_400
"""How long a session of the console lasts at the most."""
METRICS_VALUES = 50
"""Values of the label in metrics that are told apart."""
NEWS_SHOWN = 20
"""News of a bot that one alert shows; it counts the others."""
DELETED_JOBS = 10_000
"""Deleted jobs that are kept for 30 days; of more than that, the newest."""
DELIVERIES = 10_000
"""Alerts of which it is kept who was told, about."""
REFUSALS = 10_000
"""Entries kept of refused scopes, about."""
BUCKETS_MS = (
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 1_800_000, 7_200_000,
)  # fmt: skip
"""The upper bounds of the histograms of runs' lateness and duration."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one installation.

    Args:
        history: ended runs kept of each job, ≥ 1.
        logs: logs kept of each job, those of the runs that ended last.
        runs: newest runs of all jobs listed together.
        waiting: runs of one job that may wait for a slot.
        audit: entries kept of the audit log, about.
        max_jobs: jobs that there may be; 0 for any number.
        max_contacts: contacts, likewise.
        min_interval: seconds; the shortest interval of a new or changed schedule.
        metrics_label: the label of jobs by which metrics count runs apart; empty for none.
    """

    history: int = 1000
    logs: int = 20
    runs: int = LISTED_RUNS
    waiting: int = 1000
    audit: int = 50_000
    max_jobs: int = 0
    max_contacts: int = 0
    min_interval: int = 1
    metrics_label: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Read the limits from the settings."""
        return cls(
            history=settings.history_limit, logs=settings.log_runs, audit=settings.audit_limit,
            max_jobs=settings.max_jobs, max_contacts=settings.max_contacts, min_interval=settings.min_interval_seconds,
            metrics_label=settings.metrics_label or "",
        )  # fmt: skip
