"""The scheduler's loop: holds or awaits the lead, decides what is due, and sleeps until something is due again.

This is the only module that knows `rq_scheduler`, whose `Scheduler` it subclasses. Replaced, and why: rq_scheduler
enqueues, removes and re-adds a due job by three calls (a kill in between loses or doubles it), counts the next time
from now (drift), never renews its lock, and stops at the first job that raises.

The lead only saves work. What makes every occurrence decided exactly once is the commit (`service.scheduler.batch`).
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable
from types import FrameType

import rq_scheduler
from redis import Redis
from redis.exceptions import RedisError

from service.backoff import Backoff
from service.errors import StoreUnavailable, WritesRefused
from service.outage import outage
from service.scheduler.backfill_feed import BackfillFeed
from service.scheduler.batch import DueJobs
from service.scheduler.expectations import Expectations
from service.scheduler.foreign_entries import ForeignEntriesRefused
from service.scheduler.heartbeat import Heartbeat
from service.scheduler.pauses import PauseEnds
from service.scheduler.reaper import Reaper
from service.scheduler.take_over import TakeOver
from service.scheduler.wake import WakeChannel
from service.store.jobs.epochs import note_planning
from service.store.jobs.job_hashes import JobStore
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.runs.run_hashes import RunStore
from service.store.schema import SchemaWatch
from service.store.scripts import Limits
from service.store.server.redis_clock import RedisClock
from service.store.server.rights import deafness
from service.store.server.startup_checks import check_at_startup, risks
from service.store.watermark import note_memory

log = logging.getLogger(__name__)

LONGEST_WAIT = 5.0
"""Seconds after which the due index is read again whatever was announced: an announcement can be lost."""
HEARTBEAT = 2.0
"""Seconds between two bids for the lead."""
AHEAD = 0.020
"""Due jobs are planned so many seconds before their instant, so that at the instant one call decides them."""
AHEAD_MS = 25
"""How far that planning looks ahead, in ms: a little further, since jobs may be due in one moment and the next."""
QUIET, LONGEST_QUIET = 0.020, 1.0
"""Seconds after decisions before the reaper and the sweeps have their turn, so that workers can start what was
enqueued; and seconds after which they have it in any case."""
MOST_FRUITLESS = 4
"""Rounds that decide nothing, in a row, after which what is due is left to the next turn."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between tries while Redis is away."""


class Scheduler(ForeignEntriesRefused, rq_scheduler.Scheduler):  # type: ignore[misc]
    """Enqueues each due occurrence once, on time.

    Args:
        client: a connection of its own.
        keys: the installation's key names.
        limits: how much history is kept.
        name: unique among schedulers; generated if None.
    """

    def __init__(
        self, client: Redis, keys: Keys, limits: Limits, name: str | None = None,
        traced: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        name = name or f"{keys.prefix}-scheduler-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        super().__init__(queue_name=keys.queue_name, connection=client, interval=LONGEST_WAIT, name=name)
        # A due index and a lead of our own, so that a stock rqscheduler on the same Redis touches neither.
        self.scheduled_jobs_key = keys.due
        self.scheduler_lock_key = keys.leader
        self._keys = keys
        self._scripts = scripts = make_scripts(client, keys, limits)
        scripts.went_back = self._start_over
        jobs = JobStore(scripts)
        self._due_jobs = DueJobs(scripts, jobs)
        self._due = self._due_jobs.index
        self._pauses = PauseEnds(scripts)
        self._heartbeat = Heartbeat(scripts)
        self._reaper = Reaper(RunStore(scripts), jobs, keys, client, TakeOver(scripts, client), traced)
        self._backfills = BackfillFeed(scripts)
        self._expectations = Expectations(scripts)
        self._clock = RedisClock(client)
        self._schema = SchemaWatch(client, keys)
        self._stop = threading.Event()
        self._wake = WakeChannel(client, keys.wake, self._stop)
        self._arrived = self._rules_noted = False
        self._leads = False
        self._leader = ""
        self._next_heartbeat = 0.0
        self._quiet_until = self._next_tidying = 0.0

    @property
    def has_arrived(self) -> bool:
        """Whether this scheduler has checked Redis, and agrees with it on the schema."""
        return self._arrived

    @property
    def leads(self) -> bool:
        """Whether this scheduler is the one that acts."""
        return self._leads

    # the loop

    def run(self, burst: bool = False) -> None:
        """Work until `stop()` is called, and wait while Redis is away.

        Args:
            burst: end as soon as nothing is due.
        """
        backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        while not self._stop.is_set():
            try:
                left = self._turn()
                backoff.reset()
                if burst and self._leads:
                    break
                self._sleep(left)
            except (StoreUnavailable, RedisError, OSError) as error:
                outage.tell(log, error, "The scheduler waits for Redis")
                if isinstance(error, WritesRefused):
                    self._reaper.settle()
                self._forget_connection()
                self._stop.wait(backoff.next())
        self._leave()

    def _turn(self) -> float:
        """Do one turn of work. Return the seconds until the next due instant."""
        if not self._arrived:
            self._arrive()
        self._beat()
        return self._act() if self._leads else LONGEST_WAIT

    def _arrive(self) -> None:
        deaf = deafness(check_at_startup(self.connection, self._keys, "scheduler"), self._keys)
        for risk in [*risks(self.connection).sentences(), *([deaf] if deaf else [])]:
            log.warning("%s", risk)
        self._wake.is_audible = deaf is None
        self._reaper.settle()
        self._arrived = True

    def _start_over(self) -> None:
        """Repeat the startup checks: Redis' data went back, perhaps to an older release's."""
        self._arrived = self._rules_noted = False

    def stop(self) -> None:
        """Ask the loop to end; safe to call from a signal handler, any number of times."""
        self._stop.set()

    def install_signal_handlers(self) -> None:
        """Take SIGTERM and SIGINT, however often they come, as one request to stop."""

        def handle(signum: int, frame: FrameType | None) -> None:
            self.stop()

        signal.signal(signal.SIGINT, handle)
        signal.signal(signal.SIGTERM, handle)

    def _beat(self) -> None:
        now = time.monotonic()
        if now < self._next_heartbeat:
            return
        self._schema.check()
        if self._leads:
            note_memory(self._scripts)  # before the heartbeat, which a full Redis refuses
        self.heartbeat()
        outage.over(log)  # Redis has taken a write
        self._next_heartbeat = now + HEARTBEAT

    def heartbeat(self) -> None:
        """Report that this scheduler is up, and take or keep the lead if nobody else holds it."""
        lead = self._heartbeat.beat(self.name)
        if not self._arrived:
            self._arrive()
        self._reaper.watch_clock(lead.now_ms)
        self._leads = self._lock_acquired = lead.held
        if lead.held and not self._rules_noted:
            note_planning(self._scripts)
        self._rules_noted = lead.held
        if lead.leader != self._leader:
            self._leader = lead.leader
            log.info("This scheduler %s", "acts now" if lead.held else f"stands by for {lead.leader}")

    def _act(self) -> float:
        """Do one round of work as the leader. Return the seconds until there is more to do."""
        # Before repairs, which may take long. It notices steps of the clock by itself.
        if self.enqueue_jobs():
            self._quiet_until = time.monotonic() + QUIET
        if self._heartbeat.repair():
            return 0.0
        left, now = self._due.seconds_until_next(LONGEST_WAIT), time.monotonic()
        is_near = 0 < left <= AHEAD
        if now < self._next_tidying and (is_near or now < self._quiet_until):
            if not is_near:
                return min(max(0.0, left - AHEAD), self._quiet_until - now)
            self._plan(AHEAD_MS)
            return self._due.seconds_until_next(LONGEST_WAIT)
        self._next_tidying = now + LONGEST_QUIET
        self._reaper.pass_over(self._clock.now_ms())
        if self._due.mend():
            return 0.0
        foreseen = (
            self._due_jobs.changes.step(), self._pauses.step(), self._backfills.step(), self._expectations.step(),
        )  # fmt: skip
        longest = min([LONGEST_WAIT, *(seconds for seconds in foreseen if seconds is not None)])
        return max(0.0, self._due.seconds_until_next(longest) - AHEAD)

    def enqueue_jobs(self) -> int:
        """Decide everything that is due now, in batches. Return how many jobs were decided."""
        decided = fruitless = 0
        while not self._stop.is_set() and fruitless < MOST_FRUITLESS:
            found = self._due_jobs.decide()
            decided += found.decided
            fruitless = 0 if found.decided else fruitless + 1
            if not self._finds_a_step(found.now_ms):
                self._beat()
            # Who has lost the lead meanwhile stops once it has decided something: the lead only saves work.
            if found.is_over or (found.decided and not self._leads):
                break
            if found.decided:
                # A long backlog must not keep dead workers' runs and retries waiting.
                self._reaper.pass_over(found.now_ms)
            self._plan()
        # Occurrences of the jobs' own plans come first: one that was moved onto another one waits for its turn.
        return decided + self._due_jobs.edits.decide(self._finds_a_step)

    def _finds_a_step(self, now_ms: int) -> bool:
        found = self._heartbeat.finds_a_step(now_ms)
        if found:
            self._begin_anew()
        return found

    def _plan(self, ahead_ms: int = 0) -> None:
        """Plan what is due, while that is decided, or what will be in a moment, now."""
        if not self._finds_a_step(self._due_jobs.read(ahead_ms)) and ahead_ms:
            self._due_jobs.plan()

    def _begin_anew(self) -> None:
        """Record that Redis' clock was set, before anything is decided by it."""
        self._due_jobs.forget()
        self.heartbeat()

    def _sleep(self, seconds: float) -> None:
        """Wait until something is announced, at most until the next heartbeat, by the monotonic clock."""
        end = min(time.monotonic() + min(seconds, LONGEST_WAIT), self._next_heartbeat)
        if self._wake.wait_until(end) == b"leader":
            self._next_heartbeat = 0.0

    def _forget_connection(self) -> None:
        self._leads = False
        self._next_heartbeat = 0.0
        self._wake.close()

    def _leave(self) -> None:
        try:
            self._heartbeat.leave(self.name)
        except (StoreUnavailable, RedisError) as error:
            log.warning("Left without handing over (%s); the lease ends by itself", error)
