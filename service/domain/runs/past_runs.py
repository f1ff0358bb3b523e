"""Past runs: how many are listed of all jobs, and what the history of one job says.

Of one job: which occurrence was decided before, and which run succeeded last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

LISTED_RUNS = 10_000
"""How many runs the list of all jobs' runs has, the newest."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """An entry of a job's history.

    Args:
        run_id: the run's id.
        status: the run's.
        decided: whether the entry is the decision about an occurrence, or about several that were skipped together.
        scheduled_for: the occurrence, or the first of several, epoch seconds; None of a run by hand.
        last_scheduled_for: the last of several; else the same.
        started_at: ms; None if it never started.
        finished_at: ms; None if it has not ended.
        rehearsal: whether it is a rehearsal.
    """

    run_id: str
    status: str
    decided: bool
    scheduled_for: int | None
    last_scheduled_for: int | None
    started_at: int | None
    finished_at: int | None
    rehearsal: bool


def decided_before(
    runs: Iterable[PastRun], instant: int, latest_up_to: Callable[[int], int | None] = lambda _: None
) -> int | None:
    """Find the latest occurrence before an instant that some entries decided, epoch seconds; None if none did.

    Args:
        runs: a part of the history.
        instant: epoch seconds, exclusive.
        latest_up_to: finds the schedule's latest occurrence up to an instant. It is asked only where the instant lies
            within a stretch of occurrences that were skipped together, of which the entry names the first and the last.
    """
    found: list[int] = []
    for run in runs:
        if not run.decided or run.scheduled_for is None or run.scheduled_for >= instant:
            continue
        last = run.last_scheduled_for or run.scheduled_for
        if last >= instant:
            last = max(run.scheduled_for, latest_up_to(instant - 1) or 0)
        found.append(last)
    return max(found, default=None)


def last_success(runs: Iterable[PastRun], before_ms: int) -> PastRun | None:
    """Find the success that ended last up to an instant, epoch milliseconds; rehearsals do not count."""
    ended = (
        run for run in runs
        if run.status == "success" and not run.rehearsal
        and run.finished_at is not None and run.finished_at <= before_ms
    )  # fmt: skip
    return max(ended, key=lambda run: run.finished_at or 0, default=None)
