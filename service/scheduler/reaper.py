"""Ends or puts back what dead workers left behind.

A run whose lease has ended has lost its worker: it fails, and is tried again if its job says so. A run that a worker
popped from RQ's queue and never started goes back into the queue. RQ's records of ended runs and dead workers are
removed.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

from redis import Redis
from rq import Queue
from rq.registry import FailedJobRegistry, FinishedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker_registration import clean_worker_registry

from service.domain.records import UnreadableJob
from service.domain.retries import retry_of
from service.domain.run_records import Outcome, Retry, ids_of
from service.scheduler.take_over import TakeOver
from service.store.jobs.job_hashes import JobStore
from service.store.keys import Keys
from service.store.runs.run_hashes import RunStore
from service.store.server.translation import translate_errors

log = logging.getLogger(__name__)

WORKER_DIED = "the worker died or was cut off: its lease ran out"

PASS_SECONDS = 1.0
"""Seconds between two looks at leases and at popped runs."""
STUCK_SECONDS = 2.0
"""A run that stays popped and unstarted for this long goes back into the queue."""
LOST_SECONDS = 15.0
"""After this time as queued, a run is searched for in RQ's queue."""
TIDY_SECONDS = 30.0
"""Seconds between two clean-ups of RQ's registries."""
JUMP_SECONDS = 5.0
"""Redis' clock and the monotonic one differing by more than this between two passes: Redis' clock was set."""
SETTLE_SECONDS = 10.0
"""After that, no lease is judged for this long; workers renew theirs every second."""
FAR_LEASE_MS = 600_000
"""A lease that ends later than this from now was taken before the clock was set back."""
FAR_RETRY_MS = 3_700_000
"""A retry that is due later than this from now was made before the clock was set back: delays last an hour at most."""
FAR_QUEUED_MS = 60_000
"""A run queued at a time later than this from now was queued before the clock was set back."""
BATCH = 100


class Reaper:
    """Looks at leases and queues once a second, in the leading scheduler.

    Args:
        runs: the run store.
        jobs: the job store.
        keys: the installation's key names.
        client: for RQ's own registries.
        take_over: looks at what an older release has left; None where there never was one.
        traced: told the id of each run that was ended here; None for nobody.
    """

    def __init__(
        self, runs: RunStore, jobs: JobStore, keys: Keys, client: Redis, take_over: TakeOver | None = None,
        traced: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        self._runs = runs
        self._jobs = jobs
        self._client = client
        self._keys = keys
        self._take_over = take_over
        self._traced = traced
        self._popped_since: dict[str, float] = {}
        self._next_pass = 0.0
        self._next_tidy = 0.0
        self._next_search = 0.0
        self._last_seen: tuple[int, float] | None = None
        self._settled_at = 0.0

    def pass_over(self, now_ms: int) -> None:
        """Take one look, if it is time for one; runs whose instant has come are queued every time.

        Args:
            now_ms: Redis' time.
        """
        for run_id in self._runs.delayed_until(now_ms, BATCH):
            self._runs.release_delayed(run_id)
        now = time.monotonic()
        if now < self._next_pass:
            return
        self._next_pass = now + PASS_SECONDS
        self.watch_clock(now_ms)
        self._runs.shorten_leases(now_ms + FAR_LEASE_MS, now_ms + int(SETTLE_SECONDS * 1000), BATCH)
        self._runs.shorten_waits(now_ms + FAR_RETRY_MS, now_ms + FAR_QUEUED_MS, now_ms, BATCH)
        if now >= self._settled_at:
            self._end_abandoned(now_ms)
        if self._take_over is not None:
            self._take_over.look()
        self._put_back_popped(now)
        if now >= self._next_search:
            self._next_search = now + LOST_SECONDS / 3
            self._put_back_lost(now_ms)
            self._delete_ended()
        if now >= self._next_tidy:
            self._next_tidy = now + TIDY_SECONDS
            self._tidy(now_ms)

    def watch_clock(self, now_ms: int) -> None:
        """Notice that Redis' clock was set: live leases look ended then, and ended ones look live for long.

        Call it at every heartbeat, leading or not: the jump may have ended the lead of the scheduler that saw it.

        Args:
            now_ms: Redis' time.
        """
        now = time.monotonic()
        if self._last_seen is not None:
            jump = (now_ms - self._last_seen[0]) / 1000 - (now - self._last_seen[1])
            if abs(jump) > JUMP_SECONDS:
                log.warning("Redis' clock was set by %+.0f s; leases are judged again in %.0f s", jump, SETTLE_SECONDS)
                self._settled_at = now + SETTLE_SECONDS
        self._last_seen = (now_ms, now)

    def settle(self) -> None:
        """Judge no lease for a while: Redis refused their renewals, or this scheduler cannot know whether it did."""
        self._settled_at = time.monotonic() + SETTLE_SECONDS

    def _end_abandoned(self, now_ms: int) -> None:
        for run_id in self._runs.expired(now_ms, BATCH):
            run = self._runs.get(run_id)
            token = run.get("token", "") if run else ""
            retry = self._retry(run_id, run) if run else None
            outcome = Outcome("failed", WORKER_DIED)
            if self._runs.finish(run_id, token, outcome, retry=retry, only_if_lease_ended=True):
                log.warning("Run %s: %s", run_id, WORKER_DIED, extra=ids_of(run_id, run) if run else {})
                if self._traced is not None:
                    self._traced(run_id)

    def _retry(self, run_id: str, run: dict[str, str]) -> Retry | None:
        try:
            job = self._jobs.get(run["job_id"])
            attempt = int(run.get("attempt", 1))
        except (UnreadableJob, KeyError, ValueError):
            return None
        return retry_of(run_id, attempt, job.definition.options, random.random) if job else None

    def _put_back_popped(self, now: float) -> None:
        popped = self._runs.popped()
        self._popped_since = {run_id: self._popped_since.get(run_id, now) for run_id in popped}
        for run_id, since in list(self._popped_since.items()):
            if now - since >= STUCK_SECONDS and self._runs.requeue(run_id):
                log.warning("Run %s was popped and never started; put back", run_id)

    def _put_back_lost(self, now_ms: int) -> None:
        for run_id in self._runs.long_queued(now_ms - int(LOST_SECONDS * 1000), BATCH):
            if self._runs.requeue(run_id):
                log.warning("Run %s was missing from RQ's queue; put back", run_id)

    def _delete_ended(self) -> None:
        for job_id in self._jobs.delete_ended(BATCH):
            log.info("Job %s ended, and is deleted as its options say", job_id, extra={"job_id": job_id})

    def _tidy(self, now_ms: int) -> None:
        with translate_errors():
            # RQ's own registry of these has no clean-up.
            self._client.zremrangebyscore(self._keys.rq_canceled, 0, now_ms // 1000)
            queue = Queue(self._keys.queue_name, connection=self._client, serializer=JSONSerializer)
            try:
                FinishedJobRegistry(queue=queue).cleanup()
                FailedJobRegistry(queue=queue).cleanup()
                clean_worker_registry(queue)
            except UnicodeDecodeError as error:  # outside hands have put it there, and RQ cannot read it
                log.error("RQ's registries are not cleaned up, because one has an invalid entry: %s", error)
