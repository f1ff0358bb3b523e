"""Walks over the jobs and makes void what was decided about them while Redis' clock was ahead.

A step back of the clock orders the walk, durably; the acting scheduler carries it out between its ticks. Whoever takes
the lead begins it anew, for a job that was put right is passed over. `service/voiding.py` is the rule,
`lua/void_decisions.lua` the step for one job.
"""

from __future__ import annotations

import logging

from service.errors import ValidationFailed
from service.store.ahead import AheadStore
from service.store.jobs import JobStore, Position, UnreadableJob
from service.store.presence import Walk
from service.store.scripts import Scripts
from service.voiding import TRUSTED_SECONDS, renewed

log = logging.getLogger(__name__)

PAGE = 1_000
"""Jobs looked at in one step."""
TRIES = 5
"""How often a job is read again that has changed in between."""
STEADY_MS = 60_000
"""Where nobody saw the clock go ahead, it must have gone on for this long: one that is back for a moment, and wrong,
must not have today's occurrences decided anew."""
ARRIVAL = Walk(0, None)
"""The walk of a scheduler that takes the lead: who led before may not have known of such jobs."""


class ClockRepair:
    """The walk, step by step.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._store = AheadStore(scripts)
        self._jobs = JobStore(scripts)
        self._walk: Walk | None = None
        self._position: Position | None = None
        self._begins_at = 0
        self._leads = False

    def hear(self, walk: Walk | None, leads: bool, steady: int) -> None:
        """What a heartbeat brought.

        Args:
            walk: the one that is ordered, if any.
            leads: whether this scheduler acts.
            steady: the steady clock, ms.
        """
        arrived, self._leads = leads and not self._leads, leads
        wanted = walk or (ARRIVAL if arrived else None)
        if not leads:
            self._walk = None
        elif wanted is not None and wanted != self._walk:
            self._walk, self._position = wanted, None
            self._begins_at = steady if wanted.sound_ms is not None else steady + STEADY_MS

    def step(self, steady: int) -> bool:
        """Looks at the next page of jobs, if there is a walk and it is time. Returns whether there is more to do."""
        if self._walk is None or steady < self._begins_at:
            return False
        page = self._jobs.ids_after(self._position, PAGE)
        self._put_right([position.job_id for position in page], self._walk)
        if len(page) == PAGE:
            self._position = page[-1]
            return True
        if self._store.cut_records():
            return True
        if self._walk.number:
            self._store.end_walk(self._walk.number)
        self._walk = None
        return False

    def _put_right(self, job_ids: list[str], walk: Walk) -> None:
        trusted = TRUSTED_SECONDS if walk.sound_ms is None else 0
        for _ in range(TRIES):
            if not job_ids:
                return
            now_ms, ahead = self._store.find(job_ids, trusted)
            job_ids = [job_id for job_id in ahead if not self._renew(job_id, now_ms, walk.sound_ms)]

    def _renew(self, job_id: str, now_ms: int, sound_ms: int | None) -> bool:
        """Plans a job anew where it needs it. Returns False if it has changed meanwhile."""
        try:
            record = self._jobs.get(job_id)
            if record is None:
                return True
            ran = self._store.ran(job_id) if sound_ms is not None else ()
            found = renewed(record, now_ms, sound_ms, ran)
            if found is None:
                return True
            if not self._store.void(record, found.stands, found.plan):
                return False
        except (UnreadableJob, ValidationFailed, ArithmeticError, LookupError, ValueError, TypeError) as error:
            log.error("Job %s cannot be planned anew: %s", job_id, error, extra={"job_id": job_id})
            return True
        log.warning(
            "Job %s is planned anew, since Redis' clock was ahead: what was decided about later instants is void",
            job_id, extra={"job_id": job_id},
        )  # fmt: skip
        return True
