"""Standing of jobs: one word for a job, and the worst of them for several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Standing = Literal["unknown", "down", "late", "up", "new", "paused", "disabled", "empty"]
WORST_FIRST: tuple[Standing, ...] = get_args(Standing)
WORDS: dict[Standing, str] = {
    "unknown": "unknown", "down": "down", "late": "late", "up": "up", "new": "no runs yet", "paused": "paused",
    "disabled": "disabled", "empty": "no jobs",
}  # fmt: skip
"""What a badge says."""
UNDECIDED_MS = 30_000
"""A job is late when the scheduler has not decided for so long what was due."""


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What the standing of a job follows from.

    Args:
        is_on: whether it is enabled.
        state: `ended`, `broken`, or `disabled` where its failures have switched it off; None for the others.
        last_status: of its last run that has ended, or whose retry waits; None before the first.
        failures: for good, in a row. A run that was cancelled or skipped ends no row; a success does.
        open_runs: how many have not ended, also retries that wait.
        health: of its expectations; None if all is well or nothing is expected.
        due_ms: when its next occurrence is to be decided; None without one.
        is_paused: whether a pause in force covers it.
    """

    is_on: bool
    state: str | None
    last_status: str | None
    failures: int
    open_runs: int
    health: str | None
    due_ms: int | None
    is_paused: bool

    @property
    def is_down(self) -> bool:
        """Whether the newest run failed for good. While a retry waits or runs, the run before it still counts."""
        return self.failures > 0 or (self.last_status == "failed" and self.open_runs == 0)


def standing_of(job: JobFacts, now_ms: int, *, is_blind: bool) -> Standing:
    """Return how a job stands.

    Args:
        job: its facts.
        now_ms: the time, ms.
        is_blind: whether nobody decides or runs jobs, so that their last runs say nothing of now.
    """
    if job.state == "broken" or (job.state == "disabled" and job.is_down):
        return "down"
    if not job.is_on:
        return "disabled"
    if is_blind:
        return "unknown"
    if job.is_down:
        return "down"
    if job.health not in (None, "ok"):
        return "late"
    if job.is_paused:
        return "paused"
    if job.due_ms is not None and now_ms - job.due_ms > UNDECIDED_MS:
        return "late"
    return "new" if job.last_status is None else "up"


def worst(standings: Iterable[Standing]) -> Standing:
    """Return the worst of some standings; `empty` without any."""
    return min(standings, key=WORST_FIRST.index, default="empty")
