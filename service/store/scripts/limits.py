"""Limits on the data that the scripts keep, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from service.settings import Settings

RQ_SUCCESS_TTL = 500
"""Seconds for which RQ keeps its record of a finished run, RQ's own default; ours is in the history."""
RQ_FAILURE_TTL = 86_400
"""Seconds for which RQ keeps its record of a failed run for rq-dashboard; RQ's default is a year."""
RQ_CANCELED_TTL = 86_400
"""Seconds for which RQ keeps its record of a cancelled run; RQ's default is for ever."""
TOLD_TTL = 400 * 86_400
"""Seconds for which we remember reported news: as long as the ledger remembers."""
NEWS_SHOWN = 20
"""News of a bot that one alert shows; it counts the others."""
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
    """

    history: int = 1000
    logs: int = 20
    runs: int = 10_000
    waiting: int = 1000

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Read the limits from the settings."""
        return cls(history=settings.history_limit, logs=settings.log_runs)
