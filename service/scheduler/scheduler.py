"""From a due occurrence to a run in RQ's queue: the scheduler.

The only module that knows `rq_scheduler` and how RQ enqueues. One tick takes the due jobs in batches, each with the
time at which it was read, plans each job with pure maths (`commits.py`), and commits the plans of a batch by one script
(`lua/decide.lua`), which checks that a job is still what was planned. That compare-and-set is what makes every
occurrence decided exactly once, under any number of schedulers and kills; the lead among them merely saves work.

What of `rq_scheduler.Scheduler` is replaced, and why: it enqueues, removes and re-adds a due job by three calls (a kill
in between loses or doubles it), counts the next time from now (drift), never renews its lock, and stops at the first
job that raises.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import FrameType

import rq_scheduler
from redis import Redis
from redis.client import PubSub
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from service.domain.decision_batch import DecisionBatch
from service.domain.planning import plan_again
from service.domain.records import UnreadableJob
from service.errors import ServiceError, StoreUnavailable, ValidationFailed, WritesRefused
from service.outage import outage
from service.scheduler.foreign_entries import ForeignEntriesRefused
from service.scheduler.heartbeat import Lookout
from service.scheduler.reaper import Reaper
from service.store.jobs.due import DueEntry, read_due
from service.store.jobs.due_index import DueIndex
from service.store.jobs.job_hashes import JobStore
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.runs.run_hashes import RunStore
from service.store.schema import SchemaWatch
from service.store.scripts import Limits
from service.store.server.redis_clock import RedisClock
from service.store.server.rights import deafness
from service.store.server.startup_checks import arrive, risks
from service.store.server.translation import translate_errors

log = logging.getLogger(__name__)


READ_AT_ONCE = 500
"""Due jobs read at a time."""
BATCH = 100
"""Decisions committed at a time; keeps Redis free for others in between."""
LONGEST_WAIT = 5.0
"""Seconds after which the due index is read again, whatever was heard: a message can be lost."""
HEARTBEAT = 2.0
"""Seconds between two bids for the lead."""
FIRST_PAUSE = 0.1
"""Seconds until Redis is tried again; doubled from try to try, up to 2 s."""
STOP_WITHIN = 0.1
"""Seconds within which a waiting scheduler notices that it is to stop."""


class Scheduler(ForeignEntriesRefused, rq_scheduler.Scheduler):  # type: ignore[misc]
    """Enqueues each due occurrence once, on time.

    Args:
        client: a connection of its own.
        keys: the installation's key names.
        limits: how much history is kept.
        name: unique among schedulers; made up if None.
    """

    def __init__(self, client: Redis, keys: Keys, limits: Limits, name: str | None = None) -> None:
        name = name or f"{keys.prefix}-scheduler-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        super().__init__(queue_name=keys.queue_name, connection=client, interval=LONGEST_WAIT, name=name)
        # A due index and a lead of our own, so that a stock rqscheduler on the same Redis touches neither.
        self.scheduled_jobs_key = keys.due
        self.scheduler_lock_key = keys.leader
        self._keys = keys
        self._scripts = scripts = make_scripts(client, keys, limits)
        scripts.went_back = self._start_over
        self._jobs = JobStore(scripts)
        self._due = DueIndex(scripts, self._replan)
        self._lookout = Lookout(scripts)
        self._reaper = Reaper(RunStore(scripts), self._jobs, keys, client)
        self._clock = RedisClock(client)
        self._schema = SchemaWatch(client, keys)
        self._stop = threading.Event()
        self._arrived = False
        self._leads = False
        self._leader = ""
        self._next_heartbeat = 0.0
        self._hears = True
        self._wake: PubSub | None = None

    @property
    def leads(self) -> bool:
        """Whether this scheduler is the one that acts."""
        return self._leads

    # the loop

    def run(self, burst: bool = False) -> None:
        """Works until `stop()` is called or, with `burst`, until nothing is due. Waits while Redis is away."""
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            try:
                if not self._arrived:
                    self._arrive()
                self._beat()
                left = self._act() if self._leads else LONGEST_WAIT
                pause = FIRST_PAUSE
                if burst and self._leads:
                    break
                self._sleep(left)
            except (StoreUnavailable, RedisError, OSError) as error:
                outage.tell(log, error, "The scheduler waits for Redis")
                if isinstance(error, WritesRefused):
                    self._reaper.settle()
                self._forget_connection()
                self._stop.wait(pause)
                pause = min(pause * 2, 2.0)
        self._leave()

    def _arrive(self) -> None:
        deaf = deafness(arrive(self.connection, self._keys), self._keys)
        for risk in [*risks(self.connection).sentences(), *([deaf] if deaf else [])]:
            log.warning("%s", risk)
        self._hears = deaf is None
        self._reaper.settle()
        self._arrived = True

    def _start_over(self) -> None:
        """The data went back: what is kept may be of an older release again."""
        self._arrived = False

    def stop(self) -> None:
        """Asks the loop to end; safe to call from a signal handler, any number of times."""
        self._stop.set()

    def install_signal_handlers(self) -> None:
        """SIGTERM and SIGINT, any number of times, are one request to stop."""

        def handle(signum: int, frame: FrameType | None) -> None:
            self.stop()

        signal.signal(signal.SIGINT, handle)
        signal.signal(signal.SIGTERM, handle)

    def _beat(self) -> None:
        now = time.monotonic()
        if now < self._next_heartbeat:
            return
        self._schema.check()
        self.heartbeat()
        outage.over(log)  # Redis has taken a write
        self._next_heartbeat = now + HEARTBEAT

    def heartbeat(self) -> None:
        """Says that this scheduler is up, and takes or keeps the lead if it is to be had."""
        lead = self._lookout.beat(self.name)
        if not self._arrived:
            self._arrive()
        self._reaper.watch_clock(lead.now_ms)
        self._leads = self._lock_acquired = lead.held
        if lead.leader != self._leader:
            self._leader = lead.leader
            log.info("This scheduler %s", "acts now" if lead.held else f"stands by for {lead.leader}")

    def _act(self) -> float:
        """One round of work as the leader. Returns the seconds until the next due instant."""
        self.enqueue_jobs()
        self._reaper.pass_over(self._clock.now_ms())
        if self._due.mend() or self._lookout.repair():
            return 0.0
        return self._due.seconds_until_next(LONGEST_WAIT)

    def _sleep(self, seconds: float) -> None:
        """Waits for the wake channel by the monotonic clock, at most until the next heartbeat."""
        end = min(time.monotonic() + min(seconds, LONGEST_WAIT), self._next_heartbeat)
        if not self._hears:
            self._stop.wait(max(0.0, end - time.monotonic()))
            return
        with translate_errors():
            try:
                self._listen(end)
            except NoPermissionError as error:
                log.warning("Runs may start up to 5 s late, since the wake channel cannot be heard (%s)", error)
                self._hears = False
                self._hang_up()

    def _listen(self, end: float) -> None:
        """Returns when something is heard on the wake channel, and at `end` (monotonic)."""
        if self._wake is None:
            self._wake = self.connection.pubsub(ignore_subscribe_messages=True)
            self._wake.subscribe(self._keys.wake)
            return  # what changed before we listened is read first
        while not self._stop.is_set() and (left := end - time.monotonic()) > 0:
            message = self._wake.get_message(timeout=min(left, STOP_WITHIN))
            if message is not None:
                if message["data"] == b"leader":
                    self._next_heartbeat = 0.0
                return

    def _forget_connection(self) -> None:
        self._leads = False
        self._next_heartbeat = 0.0
        self._hang_up()

    def _hang_up(self) -> None:
        if self._wake is not None:
            self._wake.close()
            self._wake = None

    def _leave(self) -> None:
        try:
            self._lookout.leave(self.name)
        except (StoreUnavailable, RedisError) as error:
            log.warning("Left without handing over (%s); the lease ends by itself", error)

    # one tick

    def enqueue_jobs(self) -> int:
        """Decides everything that is due now, in batches. Returns how many jobs were decided."""
        decided = 0
        while not self._stop.is_set():
            now_ms, due = read_due(self._scripts, READ_AT_ONCE)
            if self._lookout.finds_a_step(now_ms):
                self.heartbeat()  # recorded before anything is decided by that clock
                continue
            if not due:
                break
            decided += self._decide(due, now_ms)
            self._beat()
            if not self._leads or len(due) < READ_AT_ONCE:
                break
        return decided

    def _decide(self, due: Sequence[DueEntry], now_ms: int) -> int:
        """Plans and commits, a batch while Redis carries out the one before it."""
        decided = 0
        under_way: list[tuple[DecisionBatch, Callable[[], list[bytes]]]] = []
        try:
            for commits in self._planned(due, now_ms):
                if under_way:
                    decided += self._committed(*under_way.pop())
                under_way.append(
                    (commits, self._scripts.begin("decide", json.dumps(commits.argument()), self._keys.prefix))
                )
        finally:  # an answer is taken in once, and always: nobody else must find it
            if under_way:
                decided += self._committed(*under_way.pop())
        return decided

    def _planned(self, due: Sequence[DueEntry], now_ms: int) -> Iterator[DecisionBatch]:
        commits = DecisionBatch(now_ms)
        for entry in due:
            self._plan(entry, commits)
            if commits.decisions >= BATCH:
                yield commits
                commits = DecisionBatch(now_ms)
        if commits.decisions:
            yield commits

    def _plan(self, entry: DueEntry, commits: DecisionBatch) -> None:
        """Plans one due job, or sets it aside if it cannot be planned."""
        try:
            job = entry.read()
            if job.next_due == entry.due:
                commits.add(job)
            else:
                self._due.restore([job.id])
        except UnreadableJob as error:
            self._set_aside(entry.job_id, entry.due, str(error))
        except (ServiceError, ArithmeticError, LookupError, ValueError, TypeError) as error:
            log.exception("Job %s cannot be planned", entry.job_id, extra={"job_id": entry.job_id})
            self._set_aside(entry.job_id, entry.due, f"its next occurrence cannot be computed ({error})")

    def _committed(self, commits: DecisionBatch, answer: Callable[[], list[bytes]]) -> int:
        """Takes in what became of a batch. Returns how many jobs were decided."""
        decided, stale = 0, []
        for job_id, verdict in zip(commits.job_ids, answer(), strict=True):
            if verdict == b"decided":
                decided += 1
            elif verdict == b"stale":
                stale.append(job_id)
            elif verdict.startswith(b"!"):
                self._refused(job_id, verdict[1:].decode(errors="replace"))
        # What is stale was decided or changed meanwhile; or the index and the job disagree, and would for ever.
        self._due.restore(stale)
        return decided

    def _refused(self, job_id: str, error: str) -> None:
        """A commit that Redis refused: over a key of odd type the job is set aside; for anything else all wait."""
        if "WRONGTYPE" not in error:
            with translate_errors():
                raise ResponseError(error)
        log.error("Job %s: Redis refused its commit: %s", job_id, error, extra={"job_id": job_id})
        # Whatever its score is now: the script may have moved the job on before it met that key.
        self._set_aside(job_id, "", f"Redis refused its commit ({error})")

    def _set_aside(self, job_id: str, score: int | str, reason: str) -> None:
        log.error("Job %s is set aside: %s", job_id, reason, extra={"job_id": job_id})
        self._scripts.run("set_aside", job_id, score, reason[:500])

    def _replan(self, job_id: str) -> None:
        """Plans a job again that is enabled and has no plan: outside hands took it, or the job was set aside once.

        What set it aside may be gone: mended by hand, or understood by a newer release.
        """
        try:
            record = self._jobs.get(job_id)
            if record is None or not record.definition.enabled or record.plan.next_occurrence is not None:
                return
            planned = replace(record, plan=plan_again(record), revision=record.revision + 1)
            if self._jobs.replace(planned, record.revision):
                log.warning("Job %s had no plan; it is %s again", job_id, planned.plan.state, extra={"job_id": job_id})
        except (UnreadableJob, ValidationFailed, ArithmeticError, LookupError, ValueError, TypeError) as error:
            log.error("Job %s stays set aside: %s", job_id, error, extra={"job_id": job_id})
