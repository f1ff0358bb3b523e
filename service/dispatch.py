"""From a due occurrence to a run in RQ's queue: the scheduler.

The only module that knows `rq_scheduler` and how RQ enqueues. One tick reads the time once, takes the due jobs in
batches, plans each with pure maths, and commits each plan by one script (`lua/decide.lua`), which checks that the job
is still what was planned. That compare-and-set is what makes every occurrence decided exactly once, under any number of
schedulers and kills; the lead among them merely saves work.

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
from collections.abc import Sequence
from dataclasses import replace
from types import FrameType
from typing import Any

import rq_scheduler
from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer

from service import schedules
from service.errors import ServiceError, StoreUnavailable, ValidationFailed
from service.keys import Keys
from service.planning import plan_again
from service.reaper import Reaper
from service.store.arrival import arrive, risks
from service.store.connection import translate_errors
from service.store.jobs import JobRecord, JobStore, UnreadableJob, read_job
from service.store.presence import Presence
from service.store.redis_clock import RedisClock
from service.store.runs import RunStore
from service.store.scripts import RQ_FAILURE_TTL, RQ_SUCCESS_TTL, Limits, Scripts
from service.store.upkeep import DueIndex

log = logging.getLogger(__name__)

RUN_FUNCTION = "service.runner.run"
"""What RQ is told to call; our worker does not take it from there, but RQ's own tools show it."""

BATCH = 100
"""Due jobs read, planned and committed at a time; keeps Redis free for others in between."""
LONGEST_WAIT = 5.0
"""Seconds after which the due index is read again, whatever was heard: a message can be lost."""
HEARTBEAT = 2.0
"""Seconds between two bids for the lead."""
STOP_WITHIN = 0.1
"""Seconds within which a waiting scheduler notices that it is to stop."""
LEAD_MS = 6_000
"""A leader that is not heard of for this long is replaced."""


def rq_template(keys: Keys, connection: Redis) -> dict[str, bytes]:
    """The fields that every RQ job of this installation has in common, as `Job.to_dict()` makes them.

    The job's id is the run's id and it has no arguments: that id is all that RQ carries.
    """
    job = RQJob.create(
        RUN_FUNCTION, connection=connection, serializer=JSONSerializer, origin=keys.queue_name,
        timeout=-1, result_ttl=RQ_SUCCESS_TTL, failure_ttl=RQ_FAILURE_TTL,
    )  # fmt: skip
    varying = {"status", "created_at", "enqueued_at", "description"}
    fields = {name: value for name, value in job.to_dict().items() if name not in varying and value != ""}
    return {name: value if isinstance(value, bytes) else str(value).encode() for name, value in fields.items()}


def make_scripts(client: Redis, keys: Keys, limits: Limits) -> Scripts:
    """The scripts of an installation, RQ's part included."""
    return Scripts(client, keys, limits, rq_template(keys, client))


def run_id_of(prefix: str, record: JobRecord, occurrence: int) -> str:
    """The id of the run that an occurrence makes: the same from every scheduler, so that it cannot be made twice.

    When the job was created is a part of it: one that was deleted and made again under its id has other runs.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{prefix}/{record.id}/{record.created_at}/{occurrence}"))


def commit_of(prefix: str, record: JobRecord, now_ms: int) -> list[str]:
    """Plans a due job and words the plan for `lua/decide.lua`.

    Args:
        prefix: the installation's.
        record: the job, with a next occurrence that is due.
        now_ms: the tick's time.

    Returns:
        The script's arguments.
    """
    due, definition, anchor = record.plan.next_due, record.definition, record.plan.anchor
    schedule, options = definition.schedule, definition.options
    first = first_undecided(record)
    if first is None:
        last = record.last_decided or 0
        return _worded(record, due, {"decisions": [], "first": last + 1, "last_decided": last}, None)
    plan = schedules.plan(record.id, schedule, options, first, anchor, now_ms)
    decisions = [
        {
            "action": decision.action,
            "id": run_id_of(prefix, record, decision.occurrence),
            "occurrence": decision.occurrence,
            "last_occurrence": decision.last_occurrence,
            "occurrences": decision.occurrences,
            "due": schedules.due_ms(record.id, decision.occurrence, options),
            "reason": decision.reason or "",
            "waits": decision.waits,
        }
        for decision in plan.decisions
    ]
    commit = {"decisions": decisions, "first": first, "last_decided": plan.last_decided}
    return _worded(record, due, commit, plan.next)


def first_undecided(record: JobRecord) -> int | None:
    """The occurrence that a job's next plan begins with.

    It is the job's next occurrence, unless outside hands have set that back to one that was decided already.
    """
    first, decided = record.plan.next_occurrence, record.last_decided
    if first is None or decided is None or first > decided:
        return first
    definition = record.definition
    return schedules.next_occurrence(definition.schedule, definition.options, decided, record.plan.anchor)


def _worded(record: JobRecord, due: int | None, commit: dict[str, Any], following: int | None) -> list[str]:
    options = record.definition.options
    if following is None:
        commit["ended"] = "no occurrence is left before ends_at" if options.ends_at else "it never comes again"
    else:
        commit["next_occurrence"] = following
        commit["next_due"] = schedules.due_ms(record.id, following, options)
    return [record.id, str(record.revision), str(due), json.dumps(commit)]


class Scheduler(rq_scheduler.Scheduler):  # type: ignore[misc]
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
        scripts = make_scripts(client, keys, limits)
        self._scripts = scripts
        self._jobs = JobStore(scripts)
        self._due = DueIndex(scripts, self._replan)
        self._presence = Presence(scripts)
        self._reaper = Reaper(RunStore(scripts), self._jobs, keys, client)
        self._clock = RedisClock(client)
        self._stop = threading.Event()
        self._leads = False
        self._leader = ""
        self._next_heartbeat = 0.0
        self._wake: PubSub | None = None

    @property
    def leads(self) -> bool:
        """Whether this scheduler is the one that acts."""
        return self._leads

    # the loop

    def run(self, burst: bool = False) -> None:
        """Works until `stop()` is called or, with `burst`, until nothing is due. Waits while Redis is away."""
        pause, arrived = 0.1, False
        while not self._stop.is_set():
            try:
                if not arrived:
                    arrive(self.connection, self._keys)
                    for risk in risks(self.connection):
                        log.warning("%s", risk)
                    arrived = True
                self._beat()
                left = self._act() if self._leads else LONGEST_WAIT
                pause = 0.1
                if burst and self._leads:
                    break
                self._sleep(left)
            except (StoreUnavailable, RedisError, OSError) as error:
                log.warning("Redis is away or refuses (%s); trying again in %.1f s", error, pause)
                self._forget_connection()
                self._stop.wait(pause)
                pause = min(pause * 2, 2.0)
        self._leave()

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
        self.heartbeat()
        self._next_heartbeat = now + HEARTBEAT

    def heartbeat(self) -> None:
        """Says that this scheduler is up, and takes or keeps the lead if it is to be had."""
        lead = self._presence.hold_lead(self.name, LEAD_MS)
        self._reaper.watch_clock(lead.now_ms)
        self._leads = self._lock_acquired = lead.held
        if lead.leader != self._leader:
            self._leader = lead.leader
            log.info("This scheduler %s", "acts now" if lead.held else f"stands by for {lead.leader}")

    def _act(self) -> float:
        """One round of work as the leader. Returns the seconds until the next due instant."""
        self.enqueue_jobs()
        self._reaper.pass_over(self._clock.now_ms())
        if self._due.mend():
            return 0.0
        return self._due.seconds_until_next(LONGEST_WAIT)

    def _sleep(self, seconds: float) -> None:
        """Waits for the wake channel by the monotonic clock, at most until the next heartbeat."""
        end = min(time.monotonic() + min(seconds, LONGEST_WAIT), self._next_heartbeat)
        with translate_errors():
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
        if self._wake is not None:
            self._wake.close()
            self._wake = None

    def _leave(self) -> None:
        try:
            self._presence.yield_lead(self.name)
        except (StoreUnavailable, RedisError) as error:
            log.warning("Left without handing over (%s); the lease ends by itself", error)

    # one tick

    def enqueue_jobs(self) -> int:
        """Decides everything that is due now, in batches. Returns how many jobs were decided."""
        decided = 0
        while not self._stop.is_set():
            now_ms, due = self._due.read(BATCH)
            if not due:
                break
            decided += self._decide(due, now_ms)
            self._beat()
            if not self._leads or len(due) < BATCH:
                break
        return decided

    def _decide(self, due: Sequence[tuple[str, int]], now_ms: int) -> int:
        commits = []
        hashes = self._jobs.get_many([job_id for job_id, _ in due])
        for (job_id, score), fields in zip(due, hashes, strict=True):
            commit = self._plan(job_id, score, fields, now_ms)
            if commit:
                commits.append(commit)
        answers = self._scripts.run_many("decide", commits)
        for commit, answer in zip(commits, answers, strict=True):
            if isinstance(answer, RedisError):
                self._refused(commit[0], answer)
        # What is stale was decided or changed meanwhile; or the index and the job disagree, and would for ever.
        self._due.restore([commit[0] for commit, answer in zip(commits, answers, strict=True) if answer == b"stale"])
        return sum(1 for answer in answers if answer == b"decided")

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
                log.warning("Job %s had no plan; it is %s again", job_id, planned.plan.state)
        except (UnreadableJob, ValidationFailed, ArithmeticError, LookupError, ValueError, TypeError) as error:
            log.error("Job %s stays set aside: %s", job_id, error)

    def _plan(self, job_id: str, score: int, fields: Any, now_ms: int) -> list[str] | None:
        """The commit of one due job; None if there is nothing to commit, or it cannot be planned."""
        if not fields:
            self._set_aside(job_id, score, "its hash is gone or is no hash")
            return None
        try:
            record = read_job(fields)
            if record.plan.next_due != score:
                self._due.restore([job_id])
                return None
            return commit_of(self._keys.prefix, record, now_ms)
        except UnreadableJob as error:
            self._set_aside(job_id, score, f"its stored definition cannot be read ({error})")
        except (ServiceError, ArithmeticError, LookupError, ValueError, TypeError) as error:
            log.exception("Job %s cannot be planned", job_id)
            self._set_aside(job_id, score, f"its next occurrence cannot be computed ({error})")
        return None

    def _refused(self, job_id: str, error: RedisError) -> None:
        """A commit that Redis refused: over a key of odd type the job is set aside; for anything else all wait."""
        if not str(error).startswith("WRONGTYPE"):
            with translate_errors():
                raise error
        log.error("Job %s: Redis refused its commit: %s", job_id, error)
        # Whatever its score is now: the script may have moved the job on before it met that key.
        self._set_aside(job_id, "", f"Redis refused its commit ({error})")

    def _set_aside(self, job_id: str, score: int | str, reason: str) -> None:
        log.error("Job %s is set aside: %s", job_id, reason)
        self._scripts.run("set_aside", job_id, score, reason[:500])
