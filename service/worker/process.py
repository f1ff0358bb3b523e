"""One worker process: an RQ worker to everyone who looks, with the parts of RQ replaced that lose or double runs.

What is overridden of RQ 3.0, and why:

- `execute_job`: claims the run first (the only door; a duplicate is dropped there), and leaves it to one script to
  write both our end of the run and RQ's, where RQ writes its own in a second transaction that a kill can cut off.
- `dequeue_job_and_maintain_ttl`, `request_stop`: a signal interrupts only the waiting for work, never a command.
- `run_maintenance_tasks`: RQ's fails a run that was popped and never started; our reaper puts it back.
- `heartbeat`: also says so to ours, by Redis' clock.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import signal
import socket
import time
import uuid
from types import FrameType
from typing import Any

from redis import Redis
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from service.dispatch import make_scripts
from service.errors import StoreFull, StoreUnavailable
from service.keys import Keys
from service.runner import WORKER_STOPPED, Surroundings
from service.settings import Settings
from service.store.connection import connect, translate_errors
from service.store.jobs import UnreadableJob, read_job
from service.store.presence import Presence
from service.store.runs import Claim, Outcome, RunStore
from service.store.scripts import Limits
from service.worker import horse
from service.worker.watch import HEED_SECONDS, KILL_AFTER_STOP_SECONDS, Watch
from service.worker.wiring import surroundings

log = logging.getLogger(__name__)

WORKER_TTL = 20
"""Seconds; RQ waits for work 15 s less than this at a time, and its socket time-outs follow from it."""
LOOK_SECONDS = 1.0
"""Seconds between two looks at a run under way: renewal of its lease, cancel, time-out."""
DEFAULT_TIMEOUT = 3600
FULL_PAUSE_SECONDS = 1.0


class BotWorker(Worker):
    """Runs bots, one at a time, each in a child process.

    Args:
        client: a connection pool of this process' own.
        keys: the installation's key names.
        settings: the service's.
    """

    def __init__(self, client: Redis, keys: Keys, settings: Settings) -> None:
        queue = Queue(keys.queue_name, connection=client, serializer=JSONSerializer)
        name = f"{keys.prefix}-worker-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        super().__init__(
            [queue], name=name, connection=client, serializer=JSONSerializer, worker_ttl=WORKER_TTL,
            log_job_description=False,
        )  # fmt: skip
        self._keys = keys
        self._settings = settings
        self._limits = Limits.of(settings)
        # A line of its own for claims and leases: it gives up soon enough to kill a run before its lease ends, where
        # RQ's connection waits for work for as long as 20 s.
        self._line = connect(settings, "watch")
        scripts = make_scripts(self._line, keys, self._limits)
        self._runs = RunStore(scripts)
        self._presence = Presence(scripts)
        self._around: Surroundings = surroundings(client, keys, settings)
        self._lease_ms = settings.lease_seconds * 1000
        self._waiting = False
        self.stopping_since: float | None = None

    # waiting for work

    def request_stop(self, signum: int | None, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT, any number of times: take no more work, and see the run under way to its end."""
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
        self._stop_requested = True
        if self._waiting:
            raise StopRequested

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGINT, self.request_stop)
        signal.signal(signal.SIGTERM, self.request_stop)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[RQJob, Queue] | None:
        self._waiting = True
        try:
            if self._stop_requested:
                raise StopRequested
            return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
        finally:
            self._waiting = False

    def run_maintenance_tasks(self) -> None:
        """Nothing: `service.reaper` does it, without failing what can still be run."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        super().heartbeat(timeout, pipeline)
        if pipeline is None:
            self._presence.beat_worker(self.name)

    def _beat_on_the_line(self) -> None:
        """RQ's heartbeat and ours, bounded in time as what watches a run must be. Raises StoreUnavailable."""
        with translate_errors(), self._line.pipeline() as pipeline:
            self.heartbeat(pipeline=pipeline)
            pipeline.execute()
        self._presence.beat_worker(self.name)

    def register_death(self) -> None:
        super().register_death()  # type: ignore[no-untyped-call]
        self._presence.farewell_worker(self.name)

    # one run

    def execute_job(self, job: RQJob, queue: Queue) -> None:
        """Claims the run, has a work horse carry it out, and watches it to its end."""
        taken = self._claim(job.id)
        if taken is None:
            return
        claim, asked = taken
        execution = Execution(claim.token, claim.run_id, self.connection, self.name)
        self.executions[execution.id] = execution
        self._state = WorkerStatus.BUSY
        try:
            self._carry_out(claim, asked)
        finally:
            self.executions.pop(execution.id, None)
            self._stopped_job_id = None
            self._state = WorkerStatus.IDLE

    def _claim(self, run_id: str) -> tuple[Claim, float] | None:
        """Takes a run, and when its lease was asked for (monotonic); None if it is not to be had.

        A claim whose answer did not come may have been heard all the same, and nobody else would run it: so it is
        repeated, with the same token, until there is an answer.
        """
        token, repeated, pause = uuid.uuid4().hex, False, 0.1
        while True:
            asked = time.monotonic()
            try:
                claim = self._runs.claim(run_id, token, self.name, self._lease_ms)
                if claim is None or (repeated and self._runs.renew(run_id, token, self._lease_ms) in ("gone", "lost")):
                    log.info("Run %s was not there to be taken (any more)", run_id)
                    return None
                return claim, asked
            except StoreFull as error:
                log.error("Run %s waits: %s", run_id, error)
                time.sleep(FULL_PAUSE_SECONDS)
                return None
            except StoreUnavailable as error:
                if self._stop_requested:
                    log.warning("Run %s is left to the reaper: %s", run_id, error)
                    return None
                log.warning("Run %s: whether it is taken is asked again in %.1f s: %s", run_id, pause, error)
                time.sleep(pause)
                repeated, pause = True, min(pause * 2, 1.0)

    def _carry_out(self, claim: Claim, asked: float) -> None:
        timeout = _timeout(claim)
        watch = Watch(asked, timeout, self._lease_ms / 1000)
        log.info("Run %s of job %s starts", claim.run_id, claim.run["job_id"])
        self._horse_pid = horse.fork(lambda: self._in_horse(claim, timeout))
        status = self._watch(claim, watch)
        self._horse_pid = 0
        if status == 0:
            log.info("Run %s has ended", claim.run_id)
            return
        outcome = self._outcome(claim, watch, status, timeout)
        log.warning("Run %s: %s", claim.run_id, outcome.error)
        retry = horse.retry_after(claim, outcome, self._around.bots)
        horse.finish_patiently(self._runs, claim, outcome, retry, self._deadline())

    def _deadline(self) -> float:
        if self.stopping_since is not None:
            return self.stopping_since + KILL_AFTER_STOP_SECONDS + 2
        return time.monotonic() + self._lease_ms / 1000

    def _in_horse(self, claim: Claim, timeout: int) -> None:
        """In the child: a connection of its own, since the parent's must not be shared."""
        client = connect(self._settings, "horse")
        runs = RunStore(make_scripts(client, self._keys, self._limits))
        horse.run_in_horse(claim, runs, surroundings(client, self._keys, self._settings, self._around.bots), timeout)

    def _watch(self, claim: Claim, watch: Watch) -> int:
        """Waits for the horse, doing what `watch` says. Returns its wait status; 0 if it recorded the end itself."""
        next_look = time.monotonic() + LOOK_SECONDS
        while True:
            ended = _wait_for(self._horse_pid, max(0.0, next_look - time.monotonic()))
            if ended is not None:
                return ended
            next_look = time.monotonic() + LOOK_SECONDS
            asked = time.monotonic()  # the lease counts from when Redis heard of it, which is no earlier
            try:
                watch.heard(self._runs.renew(claim.run_id, claim.token, self._lease_ms), asked)
                self._beat_on_the_line()
            except StoreUnavailable as error:
                log.warning("Run %s: its lease could not be renewed: %s", claim.run_id, error)
            for action in watch.actions(time.monotonic(), self.stopping_since):
                self._signal_horse(action)

    def _signal_horse(self, action: str) -> None:
        if action == "kill":
            self.kill_horse()
            return
        try:
            os.kill(self._horse_pid, horse.STOP_SIGNAL if action == "ask" else horse.TIME_UP_SIGNAL)
        except ProcessLookupError:
            pass

    def _outcome(self, claim: Claim, watch: Watch, status: int, timeout: int) -> Outcome:
        """How a run ended whose horse did not get to say so itself."""
        if self._stopped_job_id == claim.run_id:
            return Outcome("cancelled", "stopped by RQ's stop command")
        match watch.why:
            case "cancel" | "gone":
                return Outcome(
                    "cancelled", f"cancelled; killed because the bot did not heed it within {HEED_SECONDS:.0f} s"
                )
            case "timeout":
                killed = f"; killed because the bot did not heed it within {HEED_SECONDS:.0f} s"
                return Outcome("failed", horse.timed_out(timeout) + killed)
            case "shutdown":
                return Outcome("failed", WORKER_STOPPED)
            case "unrenewed" | "lost":
                return Outcome("failed", "killed because its worker lost touch with Redis and could not keep its lease")
        return Outcome("failed", _death(status))


def _timeout(claim: Claim) -> int:
    try:
        return read_job(claim.job).definition.options.timeout_seconds
    except UnreadableJob:
        return DEFAULT_TIMEOUT


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"the bot's process was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"the bot's process exited with status {os.waitstatus_to_exitcode(status)} before its end was recorded"


def _wait_for(pid: int, seconds: float) -> int | None:
    """Waits for a child. Returns its wait status, or None if it is still there after `seconds`."""
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(pid)
            try:
                select.select([descriptor], [], [], seconds)
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno not in (errno.ESRCH, errno.EINVAL, errno.ENOSYS):
                raise
    else:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            time.sleep(0.02)
    found, status = os.waitpid(pid, os.WNOHANG)
    return status if found == pid else None
