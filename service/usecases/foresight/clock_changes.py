"""Use case of changes of clocks: which jobs meet one soon, and what becomes of their occurrences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from service.batches import batched
from service.clock import Clock
from service.domain.access.callers import caller
from service.domain.access.labels import EVERY_JOB
from service.domain.foresight.clock_changes import Meeting, meetings
from service.domain.timestamps import format_timestamp
from service.errors import ScheduleError
from service.store.jobs.coming import ComingJob, coming_of, names_of
from service.store.jobs.job_hashes import AT_ONCE
from service.store.jobs.job_rows import AT_INTERVALS, JobRow
from service.store.scripts import Scripts
from service.usecases.lists.sorted_jobs import SortedJobs

Key = TypeVar("Key")

DAYS = 45
"""How far the report looks ahead, if nobody says."""
SOON_DAYS = 7
"""How far ahead the overview tells of changes."""
LISTED = 5_000
"""The most meetings that one answer lists."""
KEPT_MS = 300_000
"""How long the overview's number is kept: the overview is asked for every few seconds."""
MOST_KEPT = 100
MOST_PLANS = 20_000
"""Of how many plans the meetings are kept."""
DAY = 86_400
LONGEST_DAYS = 366
"""How far ahead a report may look."""


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
        jobs: the lists of all jobs.
        clock: Redis' clock.
    """

    def __init__(self, scripts: Scripts, jobs: SortedJobs, clock: Clock) -> None:
        self._scripts = scripts
        self._jobs = jobs
        self._clock = clock
        self._kept: dict[str, tuple[int, Soon]] = {}
        self._plans = _Plans(0)

    def report(self, days: int) -> dict[str, Any]:
        """Tell which jobs meet a change of clocks, and what becomes of each.

        Args:
            days: how far to look ahead.

        Returns:
            `{"until", "count", "changes": […]}`: the first `LISTED` meetings, soonest first, and how many there are.
        """
        now = self._clock.now_ms() // 1000
        found = self._meetings(now, now + days * DAY)
        found.sort(key=lambda one: (one[1].change.at, one[0].name, one[0].id))
        listed = found[:LISTED]
        names = names_of(self._scripts, {job.id for job, _ in listed})
        there = [(job, meeting) for job, meeting in listed if job.id in names]
        return {
            "until": format_timestamp(now + days * DAY),
            "count": len(found) - len(listed) + len(there),
            "changes": [{"job_id": job.id, "job_name": names[job.id], **meeting.answer()} for job, meeting in there],
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
        found = self._meetings(now, now + SOON_DAYS * DAY)
        first = min((meeting.change.at for _, meeting in found), default=None)
        soon = Soon(len({job.id for job, _ in found}), None if first is None else format_timestamp(first))
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[whose] = (now_ms, soon)
        return soon

    def _meetings(self, now: int, until: int) -> list[tuple[JobRow, Meeting]]:
        """Find all meetings after `now`, until `until`, of the caller's jobs."""
        plans = self._plans
        if not 0 <= now - plans.since < DAY or len(plans.met) > MOST_PLANS:
            plans = self._plans = _Plans(now)
        rows = self._jobs.scheduled()
        examples: dict[int | None, str] = {
            row.plan: row.id for row in rows if row.plan is not None and row.plan not in plans.met
        }
        plans.met |= self._read(examples, plans.since)
        # Of a plan whose example cannot be read, each job is looked at by itself.
        others = {row.id: row.id for row in rows if row.plan not in plans.met}
        own = self._read(others, plans.since)
        return [
            (row, meeting)
            for row in rows
            for meeting in (*plans.met.get(row.plan, []), *own.get(row.id, []))
            if now < meeting.change.at <= until
        ]

    def _read(self, wanted: Mapping[Key, str], since: int) -> dict[Key, list[Meeting]]:
        """Find the meetings of some jobs, without those that cannot be read."""
        keys = {job_id: key for key, job_id in wanted.items()}
        return {
            keys[job.id]: _met(job, since, since + (LONGEST_DAYS + 1) * DAY)
            for ids in batched(list(keys), AT_ONCE)
            for job in coming_of(self._scripts, EVERY_JOB, ids)
        }


class _Plans:
    """The meetings of plans, see `JobRow.plan`, within the year and a day that begins at `since`, epoch seconds."""

    def __init__(self, since: int) -> None:
        self.since = since
        self.met: dict[int | None, list[Meeting]] = {AT_INTERVALS: []}


def _met(job: ComingJob, now: int, until: int) -> list[Meeting]:
    try:
        return list(meetings(job.course, now, until))
    except ScheduleError:
        return []
