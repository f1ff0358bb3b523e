"""Due index: the time until the next due job, and the sweep that keeps it, and counts of jobs and runs, true."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from service.store.jobs.enabled_count import EnabledCount, enabled_jobs
from service.store.jobs.job_hashes import JobStore, Position
from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.store.server.redis_clock import seconds_of

log = logging.getLogger(__name__)

CHUNK = 200
"""Jobs that one step of the sweep checks."""
STEP_SECONDS = 1.0
"""Seconds between two steps, so that the sweep costs next to nothing."""
ROUND_SECONDS = 60.0
"""Seconds from the start of one sweep over all jobs to the next, at least."""


class DueIndex:
    """The sorted set of job ids by due time, and the sweep that mends it.

    Args:
        scripts: the scripts of this installation.
        replan: plans a job anew whose plan was lost.
        look_after_edits: learns in how many seconds the next changed occurrence is due, if any is to come.
    """

    def __init__(
        self, scripts: Scripts, replan: Callable[[str], None], look_after_edits: Callable[[float | None], None]
    ) -> None:
        self._scripts = scripts
        self._replan = replan
        self._look_after_edits = look_after_edits
        self._keys = scripts.keys
        self._jobs = JobStore(scripts)
        self._enabled = EnabledCount(scripts)
        self._position: Position | None = None
        self._round_started = float("-inf")
        self._next_step = 0.0
        self._rebuilding = False
        self._restored_in_rebuild = 0
        self._empty_is_right = False

    def seconds_until_next(self, longest: float) -> float:
        """Return the seconds until the earliest due job, delayed run or changed occurrence, between 0 and `longest`."""
        time_pair, *earliest = self._scripts.read(
            lambda pipe: (
                pipe.time(),
                pipe.zrange(self._keys.due, 0, 0, withscores=True),
                pipe.zrange(self._keys.retries, 0, 0, withscores=True),
                pipe.zrange(self._keys.later, 0, 0, withscores=True),
                pipe.zrange(self._keys.edits_due, 0, 0, withscores=True),
            )
        )
        now = seconds_of(time_pair)
        waits = [rows[0][1] / 1000 - now for rows in earliest if rows]
        self._look_after_edits(waits[-1] if earliest[-1] else None)
        return float(max(0.0, min([longest, *waits])))

    def restore(self, job_ids: Sequence[str]) -> int:
        """Make the index agree with these jobs. Returns how many entries were wrong.

        Jobs that have lost their plan, or were set aside, go to `replan`.
        """
        answers = self._scripts.run_many("restore_due", [[job_id] for job_id in job_ids])
        unplanned = [job_id for job_id, answer in zip(job_ids, answers, strict=True) if answer == 2]
        for job_id in unplanned:
            self._replan(job_id)
        return sum(1 for answer in answers if answer == 1)

    def mend(self) -> bool:
        """Make one step of the sweep, if it is time for one.

        If the whole index is gone, the sweep rebuilds it at once, step after step.

        Returns:
            Whether the next step should follow immediately.
        """
        now = time.monotonic()
        self._notice_loss()
        if not self._rebuilding and (now < self._next_step or not self._round_is_open(now)):
            return False
        self._next_step = now + STEP_SECONDS
        page = self._jobs.ids_after(self._position, CHUNK)
        restored = self.restore([position.job_id for position in page])
        if restored:
            log.warning("The due index was wrong for %d jobs; mended", restored)
        if not self._rebuilding:
            self._mend_counts([position.job_id for position in page])
        self._restored_in_rebuild += restored
        self._position = page[-1] if len(page) == CHUNK else None
        self._enabled.take_in([position.job_id for position in page], ends=self._position is None)
        if self._position is None and self._rebuilding:
            self._rebuilding = False
            self._empty_is_right = self._restored_in_rebuild == 0
        return self._rebuilding

    def _mend_counts(self, job_ids: Sequence[str]) -> None:
        """Count runs anew where outside hands have left counts, or runs, that would keep others waiting for ever."""
        answers = self._scripts.run_many("mend_counts", [[job_id] for job_id in job_ids])
        for job_id, answer in zip(job_ids, answers, strict=True):
            if answer == 1:
                log.warning("Job %s counted its runs wrongly; counted anew", job_id, extra={"job_id": job_id})

    def _notice_loss(self) -> None:
        exists, answer = ask(self._scripts, ("EXISTS", self._keys.due), ("GET", self._keys.enabled_jobs))
        enabled = enabled_jobs(answer)
        if exists or not enabled:
            self._empty_is_right = False
        elif not self._rebuilding and not self._empty_is_right:
            log.warning("The due index is empty though %d jobs are enabled; reading it back from the jobs", enabled)
            self._rebuilding, self._restored_in_rebuild, self._position = True, 0, None

    def _round_is_open(self, now: float) -> bool:
        if self._position is not None:
            return True
        if now - self._round_started < ROUND_SECONDS:
            return False
        self._round_started = now
        return True
