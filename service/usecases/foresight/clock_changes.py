"""Use case of changes of clocks: which jobs meet one soon, and what becomes of their occurrences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.clock import Clock
from service.domain.access.callers import caller
from service.domain.access.labels import JobChoice
from service.domain.foresight.clock_changes import Meeting, meetings
from service.domain.timestamps import format_timestamp
from service.errors import ScheduleError
from service.store.jobs.coming import ComingJob, coming_jobs
from service.store.scripts import Scripts
from service.usecases.access.sight import choice

DAYS = 45
"""How far the report looks ahead, if nobody says."""
SOON_DAYS = 7
"""How far ahead the overview tells of changes."""
LISTED = 5_000
"""The most meetings that one answer lists."""
KEPT_MS = 300_000
"""How long the overview's number is kept: the overview is asked for every few seconds."""
MOST_KEPT = 100
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Soon:
    """The changes of clocks of the coming week.

    Args:
        jobs: how many jobs meet one.
        first: the timestamp of the first of these; None for none.
    """

    jobs: int
    first: str | None


class ClockChanges:
    """Reports of coming changes of clocks. Each caller sees its own jobs.

    Args:
        scripts: the scripts of this installation.
        clock: Redis' clock.
    """

    def __init__(self, scripts: Scripts, clock: Clock) -> None:
        self._scripts = scripts
        self._clock = clock
        self._kept: dict[str, tuple[int, Soon]] = {}

    def report(self, days: int) -> dict[str, Any]:
        """Tell which jobs meet a change of clocks, and what becomes of each.

        Args:
            days: how far to look ahead.

        Returns:
            `{"until", "count", "changes": […]}`: the first `LISTED` meetings, soonest first, and how many there are.
        """
        now = self._clock.now_ms() // 1000
        found = self._meetings(choice(), now, now + days * DAY)
        found.sort(key=lambda one: (one[1].change.at, one[0].name, one[0].id))
        return {
            "until": format_timestamp(now + days * DAY),
            "count": len(found),
            "changes": [
                {"job_id": job.id, "job_name": job.name, **meeting.answer()} for job, meeting in found[:LISTED]
            ],
        }

    def soon(self, now_ms: int) -> Soon:
        """Count the jobs that meet a change of clocks within a week, or did so a few minutes ago.

        Args:
            now_ms: the time.
        """
        whose = repr((caller().actor, caller().limits))
        counted_at, kept = self._kept.get(whose, (None, None))
        if kept is not None and counted_at is not None and 0 <= now_ms - counted_at < KEPT_MS:
            return kept
        now = now_ms // 1000
        found = self._meetings(choice(), now, now + SOON_DAYS * DAY)
        first = min((meeting.change.at for _, meeting in found), default=None)
        soon = Soon(len({job.id for job, _ in found}), None if first is None else format_timestamp(first))
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[whose] = (now_ms, soon)
        return soon

    def _meetings(self, wanted: JobChoice, now: int, until: int) -> list[tuple[ComingJob, Meeting]]:
        """Find all meetings. Jobs of one kind share them."""
        shared: dict[bytes, list[Meeting]] = {}
        found = []
        for job in coming_jobs(self._scripts, wanted):
            met = None if job.kind is None else shared.get(job.kind)
            if met is None:
                met = _met(job, now, until)
                if job.kind is not None:
                    shared[job.kind] = met
            found += [(job, meeting) for meeting in met]
        return found


def _met(job: ComingJob, now: int, until: int) -> list[Meeting]:
    try:
        return list(meetings(job.course, now, until))
    except ScheduleError:
        return []
