"""Walk over all jobs that voids the decisions made while Redis' clock was ahead.

A step back of the clock orders the walk, durably, and so does each scheduler that takes the lead. The acting scheduler
carries it out between its ticks; a new leader begins it anew, and skips the jobs that are repaired already.
`service/domain/voiding.py` is the rule, `lua/void_decisions.lua` the step for one job.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from service.domain.edits.edited_plans import plan_anew
from service.domain.records import JobRecord, Plan, UnreadableJob, read_job
from service.domain.voiding import TRUSTED_SECONDS, renewed
from service.errors import ValidationFailed
from service.store.calendars.calendar_store import CalendarStore
from service.store.calendars.replanning import replan
from service.store.jobs.ahead import Ahead, AheadStore
from service.store.jobs.job_hashes import JobStore, Position
from service.store.jobs.stored_edits import with_edits as stored_with_edits
from service.store.presence import Walk
from service.store.scripts import Scripts

log = logging.getLogger(__name__)

Renewal = tuple[JobRecord, int, Plan]
"""A job as it was read, the instant up to which decisions stand, and its plan from then on."""

PAGE = 1_000
"""Jobs looked at in one step."""
TRIES = 5
"""How often a job is read again because it has changed in between."""
STEADY_MS = 60_000
"""Where nobody saw the clock go ahead, it must be back for this long before the walk begins: today's occurrences must
not be decided anew because of a clock that is back, and wrong, for a moment."""


class ClockRepair:
    """The walk, step by step.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._store = AheadStore(scripts)
        self._jobs = JobStore(scripts)
        self._calendars = CalendarStore(scripts)
        self._walk: Walk | None = None
        self._position: Position | None = None
        self._begins_at = 0

    def hear(self, walk: Walk | None, leads: bool, steady: int) -> None:
        """Note the result of a heartbeat.

        Args:
            walk: the ordered walk, or None.
            leads: whether this scheduler acts.
            steady: the steady clock, ms.
        """
        if not leads:
            self._walk = None
        elif walk is not None and walk != self._walk:
            self._walk, self._position = walk, None
            self._begins_at = steady if walk.sound_ms is not None else steady + STEADY_MS

    def step(self, steady: int) -> bool:
        """Repair the next page of jobs, if a walk is ordered and it is time. Return whether there is more to do.

        Args:
            steady: the steady clock, ms.
        """
        if self._walk is None or steady < self._begins_at:
            return False
        page = self._jobs.ids_after(self._position, PAGE)
        self._put_right([position.job_id for position in page], self._walk)
        if len(page) == PAGE:
            self._position = page[-1]
            return True
        if self._store.cut_records():
            return True
        self._store.end_walk(self._walk.number, TRUSTED_SECONDS)
        self._walk = None
        return False

    def _put_right(self, job_ids: list[str], walk: Walk) -> None:
        trusted = TRUSTED_SECONDS if walk.sound_ms is None else 0
        for _ in range(TRIES):
            if not job_ids:
                return
            now_ms, ahead = self._store.find(job_ids, trusted, walk)
            jobs = self._jobs.get_many([one.job_id for one in ahead])
            found = [self._renewal(one, job, now_ms, walk) for one, job in zip(ahead, jobs, strict=True)]
            renewals = [renewal for renewal in found if renewal is not None]
            done = self._store.void(renewals)
            job_ids = [record.id for (record, _, _), written in zip(renewals, done, strict=True) if not written]
            if any(done):
                log.warning(
                    "Redis' clock was ahead: decisions about the future are void; %d jobs are planned again",
                    sum(done),
                )  # fmt: skip
                written = zip(renewals, done, strict=True)
                self._look_again([one.id for (one, _, _), was_done in written if was_done and one.edited_until])

    def _look_again(self, job_ids: list[str]) -> None:
        """Tell the plans of jobs which of their changed occurrences are to come again.

        Only the script that voids decisions knows which. Whoever changes a job in between plans with all of them.
        """
        for job_id in job_ids:
            try:
                record = self._jobs.get(job_id)
                if record is None or record.plan.state not in ("scheduled", "ended"):
                    continue
                calendar = self._calendars.of(record.definition.options)
                plan = plan_anew(record, record.plan, record.edits, calendar)
            except (UnreadableJob, ValidationFailed, ArithmeticError, LookupError, ValueError, TypeError) as error:
                log.error("Job %s cannot be planned again: %s", job_id, error, extra={"job_id": job_id})
                continue
            if plan != record.plan:
                replan(self._scripts, [(record, plan, record.edits)])

    def _renewal(self, ahead: Ahead, fields: Mapping[bytes, bytes], now_ms: int, walk: Walk) -> Renewal | None:
        """Return how a job is planned anew; None if it needs no new plan, or cannot have one."""
        try:
            if not fields:
                return None
            record = stored_with_edits(self._scripts, read_job(ahead.job_id, fields))
            calendar = self._calendars.of(record.definition.options)
            found = renewed(record, now_ms, walk.sound_ms, ahead.first, ahead.ran, walk.landed_ms, calendar)
        except (UnreadableJob, ValidationFailed, ArithmeticError, LookupError, ValueError, TypeError) as error:
            log.error("Job %s cannot be planned again: %s", ahead.job_id, error, extra={"job_id": ahead.job_id})
            return None
        return None if found is None else (record, found.stands, found.plan)
