"""Facts of runs as a test wants them, and the history from which the next ones follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot_scheduler.run import PreviousSuccess, Window

MOST_UPCOMING = 100


def _cannot_start() -> dict[str, Any]:
    raise TypeError("Only the run of a FakeContext can be started")


@dataclass(frozen=True)
class FakeRun:
    """The facts of one run; see `bot_scheduler.Run`. Call it to run the bot, as in `context.run()`.

    Args:
        trigger: what started it.
        window: the time since the job's previous occurrence.
        attempt: the number of the attempt.
        scheduled_for: the occurrence.
        due: when it was due.
        previous_success: the job's last success before.
        coming: the job's occurrences to come, of which `upcoming` returns the first.
        job_name: the job's name.
        names: of the schedules that made the occurrence.
        requested_by: who asked for it.
        traceparent: of the run's trace.
        start: runs the bot.
    """

    trigger: str
    window: Window
    attempt: int = 1
    scheduled_for: datetime | None = None
    due: datetime | None = None
    previous_success: PreviousSuccess | None = None
    coming: tuple[datetime, ...] = ()
    job_name: str = "A job"
    names: tuple[str, ...] = ()
    requested_by: str | None = None
    traceparent: str | None = None
    start: Callable[[], dict[str, Any]] = field(default=_cannot_start, repr=False, compare=False)

    def __call__(self) -> dict[str, Any]:
        """Run the bot; see `FakeContext.run`."""
        return self.start()

    def upcoming(self, n: int) -> Sequence[datetime]:
        """Return the first occurrences to come."""
        if type(n) is not int or not 0 <= n <= MOST_UPCOMING:
            raise ValueError(f"upcoming() takes a whole number from 0 to {MOST_UPCOMING}, not {n!r}")
        return list(self.coming[:n])


@dataclass
class FakeHistory:
    """What the runs of one test leave behind for the next.

    Args:
        timezone: the job's.
        job_name: the job's.
        names: of the schedules that make each occurrence.
        coming: occurrences to come.
        decided: the occurrences decided so far.
    """

    timezone: ZoneInfo
    job_name: str
    names: tuple[str, ...]
    coming: tuple[datetime, ...]
    decided: list[datetime]
    success: PreviousSuccess | None = None

    @classmethod
    def of(
        cls, timezone: ZoneInfo, job_name: str, names: Iterable[str], upcoming: Iterable[datetime],
        window_start: datetime | None,
    ) -> FakeHistory:  # fmt: skip
        """Begin a history; the arguments are those of `FakeContext`."""
        decided = [] if window_start is None else [_utc(window_start, "window_start")]
        coming = sorted(_utc(one, "upcoming") for one in upcoming)
        return cls(timezone, job_name, tuple(names), tuple(coming), decided)

    def scheduled(self, now: datetime, scheduled_for: datetime | None) -> FakeRun:
        """Decide an occurrence, that of `now` unless the test names another. Return the facts of its run."""
        at = _utc(now if scheduled_for is None else scheduled_for, "scheduled_for")
        start = max((one for one in self.decided if one < at), default=None)
        self.decided.append(at)
        occurrence = at.astimezone(self.timezone)
        run = self._run("schedule", now, self._window(start, occurrence))
        return replace(run, scheduled_for=occurrence, due=occurrence, names=self.names)

    def by_hand(self, now: datetime, requested_by: str) -> FakeRun:
        """Return the facts of a run that somebody asked for."""
        start = max((one for one in self.decided if one <= now.astimezone(UTC)), default=None)
        return replace(self._run("manual", now, self._window(start, now)), due=now, requested_by=requested_by)

    def retried(self, now: datetime, before: FakeRun) -> FakeRun:
        """Return the facts of a retry."""
        window = before.window if before.scheduled_for is not None else Window(before.window.start, now)
        run = replace(self._run("retry", now, window), attempt=before.attempt + 1, due=now)
        return replace(run, scheduled_for=before.scheduled_for, names=before.names, requested_by=before.requested_by)

    def _run(self, trigger: str, now: datetime, window: Window) -> FakeRun:
        coming = tuple(one.astimezone(self.timezone) for one in self.coming if one > now.astimezone(UTC))
        return FakeRun(trigger, window, previous_success=self.success, coming=coming, job_name=self.job_name)

    def _window(self, start: datetime | None, end: datetime) -> Window:
        return Window(None if start is None else start.astimezone(self.timezone), end)


def _utc(instant: datetime, name: str) -> datetime:
    """Return an instant in UTC: Python compares the clocks, not the instants, of two datetimes in one zone."""
    if instant.tzinfo is None:
        raise ValueError(f"{name} must have a time zone, as in datetime(2025, 4, 12, 8, 0, tzinfo=UTC)")
    return instant.astimezone(UTC)
