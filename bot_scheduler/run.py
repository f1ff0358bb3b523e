"""The run itself, as its bot sees it: which occurrence it is for, and what its job did before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Window:
    """The time for which a run stands: from the occurrence that its job decided before, to its own.

    The windows of a job's occurrences follow on each other without gap or overlap. Each occurrence has its own, whether
    it ran or was skipped. `instant in window` asks whether an instant (an aware datetime) lies within.

    Args:
        start: the occurrence before, exclusive; None for the first occurrence, or if it is not known.
        end: the run's own occurrence, inclusive; of a run by hand, its start.
        is_known: whether `start` is certain. It is not once the history that would tell is trimmed.
    """

    start: datetime | None
    end: datetime
    is_known: bool = True

    def __contains__(self, instant: datetime) -> bool:
        # In seconds, since Python compares the clocks, not the instants, of two datetimes in one zone.
        at = instant.timestamp()
        return (self.start is None or self.start.timestamp() < at) and at <= self.end.timestamp()


@dataclass(frozen=True)
class PreviousSuccess:
    """A success of the same job. Instants are in the job's time zone.

    Args:
        run_id: the run's id.
        scheduled_for: its occurrence; None of a run by hand.
        started_at: when it started.
        finished_at: when it ended.
        result: its bot's result, as the history keeps it: without secrets, and cut if it was long.
    """

    run_id: str
    scheduled_for: datetime | None
    started_at: datetime
    finished_at: datetime
    result: dict[str, Any]


class Run(Protocol):
    """Facts of a run. Instants are aware, in the job's time zone.

    `window`, `previous_success`, `upcoming` and, of a retry, `requested_by` are looked up when the bot first asks; the
    others are there already. Looking up raises a `ServiceError` if Redis is away.
    """

    @property
    def trigger(self) -> str:
        """What started it: `schedule`, `manual`, `retry` or `backfill`. Later releases may add others."""

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""

    @property
    def scheduled_for(self) -> datetime | None:
        """The occurrence, without its jitter. A retry has that of the first attempt; a run by hand has none."""

    @property
    def due(self) -> datetime | None:
        """When this attempt was due: its occurrence with its jitter, the request, or the end of a retry's delay."""

    @property
    def window(self) -> Window:
        """The time since the job's previous occurrence."""

    @property
    def previous_success(self) -> PreviousSuccess | None:
        """The success of the job that ended last before this run started. Rehearsals do not count.

        None if the history has no success; it keeps the newest 1,000 runs of a job (`HISTORY_LIMIT`).
        """

    def upcoming(self, n: int) -> Sequence[datetime]:
        """Return the next occurrences after the start of this run, without those that the job's calendar closes.

        Args:
            n: how many, 0 to 100. There may be fewer, and none while the job is off.

        Raises:
            ValueError: `n` is not from 0 to 100.
        """

    @property
    def job_name(self) -> str:
        """The job's name when the run started."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the schedules of a combination (`any`) that made the occurrence."""

    @property
    def requested_by(self) -> str | None:
        """The name of the key that asked for a run by hand, or `root`; None for other runs."""

    @property
    def traceparent(self) -> str | None:
        """The header that makes a request a part of the run's trace (W3C Trace Context); None unless runs are traced.

        The service's own HTTP client sends it. Send it with requests by other means.
        """
