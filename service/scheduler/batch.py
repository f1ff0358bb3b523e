"""Decides about due jobs: plans them by kind, and commits the plans in batches.

Planning is pure (`service.domain.due_plans`). Jobs of one kind that are due together share a plan, which is made once;
the script that commits (`lua/decide.lua`) walks the due index itself, and takes the plan that fits each job. It checks
that each job is still as it was planned; this compare-and-set decides every occurrence exactly once, under any number
of schedulers and kills.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from redis.exceptions import ResponseError

from service.domain.edits.edited_plans import with_edits
from service.domain.planning import plan_again
from service.domain.records import DueJob, UnreadableJob
from service.errors import ServiceError
from service.scheduler.calendar_changes import CalendarChanges
from service.scheduler.due_edits import DueEdits
from service.scheduler.plans import CANNOT_BE_PLANNED, Plans
from service.store.jobs.due import DueEntry, read_due
from service.store.jobs.due_index import DueIndex
from service.store.jobs.job_hashes import JobStore
from service.store.scripts import Scripts
from service.store.server.translation import translate_errors

log = logging.getLogger(__name__)

READ_AT_ONCE = 500
"""Due jobs looked at, to plan them, at a time."""
BATCH = 100
"""Jobs decided by one call of the script; between two calls Redis serves others."""
ROUND_SECONDS = 0.5
"""Seconds after which a round of calls ends, so that heartbeats and the reaper have their turn."""

Answer = Callable[[], list[Any]]


@dataclass(slots=True)
class Round:
    """The outcome of a round of calls.

    Args:
        now_ms: Redis' time at the last call, epoch milliseconds.
        decided: how many jobs were decided.
        unplanned: how many jobs that are due had no plan, or another than they need, at the last call.
        is_cut: whether the last call may have left due jobs that it did not look at.
        repays: whether another call with the same plans decides enough to be worth it.
        stale: jobs that differ from their plans.
    """

    now_ms: int = 0
    decided: int = 0
    unplanned: int = 0
    is_cut: bool = False
    repays: bool = False
    stale: list[str] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether nothing that is due is left."""
        return not (self.unplanned or self.is_cut)


class DueJobs:
    """The due jobs of this installation, and their decisions.

    Args:
        scripts: the scripts of this installation.
        jobs: the job store.
    """

    def __init__(self, scripts: Scripts, jobs: JobStore) -> None:
        self._scripts = scripts
        self._jobs = jobs
        self._plans = Plans()
        self._read: deque[DueEntry] = deque()
        self._read_ms = 0
        self.edits = DueEdits(scripts, jobs)
        self.index = DueIndex(scripts, self._plan_again, self.edits.look_after)
        self.changes = CalendarChanges(scripts)

    def read(self, ahead_ms: int) -> int:
        """Read the jobs that need a plan, at most `READ_AT_ONCE`.

        Args:
            ahead_ms: how far ahead jobs count as due.

        Returns:
            Redis' time, epoch milliseconds.
        """
        self._read_ms, found = read_due(self._scripts, READ_AT_ONCE, ahead_ms)
        self._read = deque(found)
        self._plans.forget_old(self._read_ms)
        return self._read_ms

    def forget(self) -> None:
        """Drop what was read and planned: Redis' clock was set."""
        self._read.clear()
        self._plans = Plans()

    def plan(self, most: int = READ_AT_ONCE) -> int:
        """Plan the jobs that were read, up to `most` occurrences of single jobs. Return how many plans are new."""
        before = self._plans.made
        while self._read and self._plans.single < most:
            self._plan(self._read.popleft())
        return self._plans.made - before

    def decide(self) -> Round:
        """Commit, call after call, until nothing is due that has a plan, or the round is over.

        The next call is planned and sent before the answer to the last one is read, so that Redis need not wait.

        Raises:
            StoreUnavailable: Redis is away, or refuses to write.
        """
        found, under_way = Round(), deque[Answer]()
        end, goes_on = monotonic() + ROUND_SECONDS, True
        try:
            while goes_on or under_way:
                if goes_on:
                    self.plan(BATCH)
                    under_way.append(self._begin())
                    goes_on = bool(self._read) or self._plans.single > 0 or found.repays
                if len(under_way) > 1 or not goes_on:
                    self._take_in(under_way.popleft()(), found)
                    goes_on = (goes_on or found.repays) and monotonic() < end
        except BaseException:
            for answer in under_way:  # each is read once, and always: nobody else may find it on the connection
                with suppress(Exception):
                    answer()
            raise
        # A stale job was decided or changed meanwhile. Otherwise the index and the job disagree, and would never agree
        # again.
        self.index.restore(found.stale)
        return found

    def _begin(self) -> Answer:
        return self._scripts.begin("decide", BATCH, *self._plans.take(BATCH))

    def _take_in(self, answer: list[Any], found: Round) -> None:
        now_ms, decided, unplanned, is_cut, *troubles = answer
        found.now_ms = int(now_ms)
        found.decided += decided
        stale = []
        for job_id, _, trouble in troubles:
            if trouble == b"stale":
                stale.append(job_id.decode(errors="replace"))
            elif trouble.startswith(b"!"):
                self._refused(job_id.decode(errors="replace"), trouble[1:].decode(errors="replace"))
        found.stale += stale
        found.unplanned = unplanned + len(stale)
        found.is_cut, found.repays = bool(is_cut), bool(is_cut) and decided > found.unplanned
        self._plans.forget_old(found.now_ms)

    def _plan(self, entry: DueEntry) -> None:
        """Plan one due job, or set it aside: one bad job never stops the others."""
        try:
            if isinstance(entry.due, float):
                if not self.index.restore([entry.job_id]):
                    raise UnreadableJob(f"its place in the due index, {entry.due}, is not a whole number")
                return
            job = entry.read()
            if job.next_due != entry.due:
                self.index.restore([job.id])
            elif job.definition.options.calendar is None or self._finds_calendar(job):
                self._plans.add(job, self._read_ms)
        except UnreadableJob as error:
            self._set_aside(entry.job_id, entry.due, str(error))
        except (ServiceError, *CANNOT_BE_PLANNED) as error:
            log.exception("Job %s cannot be planned", entry.job_id, extra={"job_id": entry.job_id})
            self._set_aside(entry.job_id, entry.due, f"its next occurrence cannot be computed ({error})")

    def _finds_calendar(self, job: DueJob) -> bool:
        """Look up the calendar by which a job was planned. If that is another one by now, plan the job anew."""
        if job.planned_by is not None:
            job.calendar = self.changes.calendars.stamped(job.planned_by)
        if job.calendar is None:
            self.changes.calendars.of(job.definition.options)
            self.changes.plan_anew([job.id])
        return job.calendar is not None

    def _refused(self, job_id: str, error: str) -> None:
        """Handle a commit that Redis refused: a key of the wrong type concerns one job, anything else all of them."""
        if "WRONGTYPE" not in error:
            with translate_errors():
                raise ResponseError(error)
        log.error("Job %s: Redis refused its commit: %s", job_id, error, extra={"job_id": job_id})
        # Whatever its score is now: the script may have moved the job on before it met that key.
        self._set_aside(job_id, "", f"Redis refused its commit ({error})")

    def _set_aside(self, job_id: str, score: float | str, reason: str) -> None:
        log.error("Job %s is set aside: %s", job_id, reason, extra={"job_id": job_id})
        self._scripts.run("set_aside", job_id, score, reason[:500])

    def _plan_again(self, job_id: str) -> None:
        """Plan an enabled job that has no plan: somebody else removed it, or the job was once set aside.

        The reason to set it aside may be gone: somebody repaired the job, or this release understands it.
        """
        try:
            record = self._jobs.get(job_id)
            if record is None or not record.definition.enabled or record.plan.next_occurrence is not None:
                return
            calendar = self.changes.calendars.of(record.definition.options)
            plan = with_edits(job_id, record.definition, plan_again(record, calendar), record.edits, calendar)
            planned = replace(record, plan=plan, revision=record.revision + 1)
            if self._jobs.replace(planned, record):
                log.warning("Job %s had no plan; it is %s again", job_id, planned.plan.state, extra={"job_id": job_id})
        except (UnreadableJob, *CANNOT_BE_PLANNED) as error:
            log.error("Job %s stays set aside: %s", job_id, error, extra={"job_id": job_id})
