"""One worker process: an RQ worker to everyone who looks, with the parts of RQ replaced that lose or double runs.

What is overridden of RQ 3.0, and why:

- `execute_job`: the work horse claims the run (the only door; a duplicate is dropped there), and one script writes both
  our end of the run and RQ's, where RQ writes its own in a second transaction that a kill can cut off.
- `dequeue_job_and_maintain_ttl`: pops ids and fetches nothing, since the claim tells all there is to know; and a signal
  interrupts only the waiting, never a command (`request_stop`, too).
- `run_maintenance_tasks`: RQ's fails a run that was popped and never started; our reaper puts it back.
- `handle_payload`: see `service.worker.commands`; nothing that comes on the channel ends its thread.
- `heartbeat`: also says so to ours, by Redis' clock, and not more often than it needs to be said.
- `heartbeat`, `check_for_suspension`, `_pubsub_exception_handler`: RQ ends over an answer that it does not expect of a
  Redis that is away, refuses writes or changes its role; here that is waited for.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from redis import Redis
from redis.client import PubSub
from rq import Queue, Worker
from rq.exceptions import DequeueTimeout, StopRequested
from rq.executions import Execution
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from service.bots.support.secrets import Vault
from service.errors import StoreUnavailable, StoreUnsuitable, WritesRefused
from service.outage import outage
from service.settings import Settings
from service.store.keys import Keys
from service.store.presence import Presence
from service.store.rq_records import make_scripts
from service.store.runs.run_hashes import RunStore
from service.store.schema import SchemaWatch
from service.store.scripts import Limits
from service.store.server.connection import connect
from service.store.server.startup_checks import arrive
from service.store.server.translation import translate_errors
from service.worker.commands import Commands
from service.worker.deaths import outcome_of_death
from service.worker.horse import Recycling, WorkHorse, end_patiently, retry_after
from service.worker.ipc import Began, Horse, Orders
from service.worker.orphans import Orphans
from service.worker.runner import Surroundings
from service.worker.watchdog import ASK_AFTER_STOP_SECONDS, KILL_AFTER_STOP_SECONDS, Watch
from service.worker.wiring import surroundings

log = logging.getLogger(__name__)

WORKER_TTL = 20
"""Seconds; RQ waits for work 15 s less than this at a time, and its socket time-outs follow from it."""
LOOK_SECONDS, LAST_LOOKS_SECONDS = 1.0, 0.25
"""Seconds between two looks at a run under way (renewal of its lease, cancel, time-out), and the same while the worker
is stopping, which has to be done in time."""
FIRST_PAUSE = 0.5
"""Seconds until Redis is tried again; doubled from try to try, up to 5 s."""
COMMANDS_PAUSE = 2.0
"""Seconds until the thread that hears RQ's commands tries again."""
LAST_WORDS_SECONDS = 2.0
"""How long after the last kill a stopping worker still tries to record how its run ended."""
BEAT_SECONDS = 2.0
"""Seconds between two heartbeats."""


class BotWorker(Worker):
    """Runs bots, one at a time, in a child process.

    Args:
        client: a connection pool of this process' own.
        keys: the installation's key names.
        settings: the service's.
        vault: the secrets that were in the environment.
        orphans: of a process that has no children but its horse; None leaves them alone.
    """

    def __init__(
        self, client: Redis, keys: Keys, settings: Settings, vault: Vault, orphans: Orphans | None = None
    ) -> None:
        queue = Queue(keys.queue_name, connection=client, serializer=JSONSerializer)
        name = f"{keys.prefix}-worker-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        super().__init__(
            [queue], name=name, connection=client, serializer=JSONSerializer, worker_ttl=WORKER_TTL,
            log_job_description=False,
        )  # fmt: skip
        self._keys = keys
        self._settings = settings
        # A line of its own for leases: it gives up soon enough to kill a run before its lease ends, where RQ's
        # connection waits for work for as long as 20 s.
        self._line = connect(settings, "watch")
        self._scripts = make_scripts(self._line, keys, Limits.of(settings))
        self._scripts.went_back = self._start_over
        self._arrived = True  # see `service.worker.serving`
        self._runs = RunStore(self._scripts)
        self._presence = Presence(self._scripts)
        self._around: Surroundings = surroundings(client, keys, settings, vault)
        self._schema = SchemaWatch(self._line, keys)
        self._lease_ms = settings.lease_seconds * 1000
        self._horse: Horse | None = None
        self._under_way: tuple[Began, Watch] | None = None
        self._orphans = orphans
        self._commands = Commands(
            settings.rq_commands,
            lambda: None if self._under_way is None else self._under_way[0],
            lambda: os.kill(os.getpid(), signal.SIGINT),
        )
        self._draining = False
        self._next_beat = 0.0
        self._waiting = False
        self.stopping_since: float | None = None

    # waiting for work

    def request_stop(self, signum: int | None, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT, any number of times: take no more work, and see the run under way to its end."""
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
        self._stop_requested = True
        if self._horse is not None:
            self._horse.order("drain")
        if self._waiting:
            raise StopRequested

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGINT, self.request_stop)
        signal.signal(signal.SIGTERM, self.request_stop)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[RQJob, Queue] | None:
        """Waits for the next run's id; None if there is none and `timeout` is None (RQ's burst mode)."""
        queue, pause, told = self.queues[0], FIRST_PAUSE, False
        while True:
            self._saddle()
            try:
                with translate_errors():
                    self._arrive_again()
                    self._schema.check()
                    if not told:
                        self.set_state(WorkerStatus.IDLE)
                        told = True
                    self._beat()
                    popped = self._pop(queue, timeout)
            except DequeueTimeout:
                pause = FIRST_PAUSE
                continue
            except StoreUnavailable as error:
                outage.tell(log, error, "The worker waits for Redis")
                self._wait(pause)
                pause = min(pause * 2, 5.0)
                continue
            return None if popped is None else (RQJob(popped, self.connection, serializer=JSONSerializer), queue)

    def _wait(self, seconds: float) -> None:
        self._waiting = True
        try:
            if self._stop_requested:
                raise StopRequested
            time.sleep(seconds)
        finally:
            self._waiting = False

    def _pop(self, queue: Queue, timeout: int | None) -> str | None:
        self._waiting = True
        try:
            if self._stop_requested:
                raise StopRequested
            moved = Queue.lmove(self.connection, queue.key, timeout)
            return None if moved is None else str(moved[1].decode())
        finally:
            self._waiting = False

    def run_maintenance_tasks(self) -> None:
        """Nothing: `service.scheduler.reaper` does it, without failing what can still be run."""

    def handle_payload(self, message: dict[str, Any]) -> None:
        self._commands.heard(message)

    def check_for_suspension(self, burst: bool) -> None:
        with self._unbroken("looks for work, whether or not workers are suspended"):
            super().check_for_suspension(burst)

    def _pubsub_exception_handler(self, exc: Exception, pubsub: PubSub, pubsub_thread: Any) -> None:
        """In the thread that hears RQ's commands: it connects again for as long as Redis is away."""
        try:
            with self._unbroken("hears no commands of RQ's"):
                raise exc
        except Exception as error:  # noqa: BLE001 - nothing that comes on the channel ends its thread
            log.warning("RQ's channel cannot be heard (%s)", type(error).__name__)
        time.sleep(COMMANDS_PAUSE)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
        else:
            with self._unbroken("goes on without a heartbeat"):
                self._beat(timeout)

    def _beat(self, timeout: int | None = None) -> None:
        """RQ's heartbeat and ours, if it is time for one. Raises StoreUnavailable, or redis-py's errors."""
        if time.monotonic() >= self._next_beat:
            super().heartbeat(timeout)
            self._presence.beat_worker(self.name)
            self._next_beat = time.monotonic() + BEAT_SECONDS
            outage.over(log)  # Redis has taken a write

    @contextmanager
    def _unbroken(self, doing: str) -> Iterator[None]:
        """What is in it may fail while Redis is away; the next wait for work waits for Redis, too."""
        try:
            with translate_errors():
                yield
        except StoreUnavailable as error:
            outage.tell(log, error, f"The worker {doing}")

    def _beat_on_the_line(self) -> None:
        """RQ's heartbeat and ours, bounded in time as what watches a run must be. Raises StoreUnavailable."""
        with translate_errors(), self._line.pipeline() as pipeline:
            self.heartbeat(pipeline=pipeline)
            pipeline.execute()
        self._presence.beat_worker(self.name)

    def register_death(self) -> None:
        super().register_death()  # type: ignore[no-untyped-call]
        self._presence.farewell_worker(self.name)

    # the work horse

    def _saddle(self) -> Horse:
        """A horse that is ready. Kept ones are started ahead of their first run."""
        if self._horse is not None and self._horse.status() is not None:
            log.warning("The work horse ended while it rested (wait status %d); starting another", self._horse.status())
            self._unsaddle()
        if self._horse is None:
            self._horse = Horse(self._in_horse)
        return self._horse

    def _unsaddle(self) -> None:
        # Taken away first: a signal in between must find no horse whose pipes are closed.
        horse, self._horse = self._horse, None
        if horse is not None:
            horse.close()
        if self._orphans is not None:
            self._orphans.end()

    def _in_horse(self, orders: Orders) -> None:
        """In the child: a connection of its own, since the parent's must not be shared."""
        client = connect(self._settings, "horse")
        runs = RunStore(self._scripts.on(client))
        around = surroundings(client, self._keys, self._settings, self._around.vault, self._around.bots)
        warm = self._settings.worker_isolation == "warm"
        recycling = Recycling(self._settings.worker_recycle_runs if warm else 1, self._settings.worker_recycle_mb)
        WorkHorse(orders, runs, around, self.name, self._lease_ms, recycling, client).serve()

    def teardown(self) -> None:
        """RQ's, and no horse stays behind. One at work, with nobody to watch it, leaves its run to the reaper."""
        if self._horse is not None:
            self._horse.kill()
            self._horse.status(wait=True)
            self._unsaddle()
        super().teardown()  # type: ignore[no-untyped-call]

    # runs

    def execute_job(self, job: RQJob, queue: Queue) -> None:
        """Has the work horse carry out a run, and those that it takes after it, and watches each to its end."""
        horse, self._draining = self._saddle(), False
        horse.carry_out(job.id)
        with self._unbroken("begins a run that RQ's records do not show"):
            self.set_state(WorkerStatus.BUSY)
        try:
            self._watch(horse, job.id)
        finally:
            self._let_go()
            self._state = WorkerStatus.IDLE

    def _watch(self, horse: Horse, handed_over: str) -> None:
        """Returns when the horse rests, or is gone."""
        next_look = self._next_look()
        while True:
            for message in horse.hear(max(0.0, next_look - time.monotonic())):
                if isinstance(message, Began):
                    self._take_up(horse, message)
                else:
                    self._let_go()
                    if message == "leaves":
                        horse.status(wait=True)
                        self._unsaddle()
                    return
            if horse.status() is not None:
                self._horse_died(horse, handed_over)
                return
            if time.monotonic() >= next_look:
                next_look = self._next_look()
                self._look(horse)

    def _next_look(self) -> float:
        return time.monotonic() + (LOOK_SECONDS if self.stopping_since is None else LAST_LOOKS_SECONDS)

    def _take_up(self, horse: Horse, run: Began) -> None:
        """The horse begins a run, which the one before it has ended for."""
        self._let_go()
        log.debug("Run %s of job %s starts", run.run_id, run.ids["job_id"], extra=run.ids)
        self._under_way = run, Watch(run.asked, run.timeout, self._lease_ms / 1000)
        self.executions[run.token] = Execution(run.token, run.run_id, self.connection, self.name)

    def _let_go(self) -> None:
        if self._under_way is not None:
            run, _ = self._under_way
            took = time.monotonic() - run.asked
            log.info("Run %s of job %s has ended after %.3f s", run.run_id, run.ids["job_id"], took, extra=run.ids)
            self.executions.pop(run.token, None)
            self._under_way = None

    def _look(self, horse: Horse) -> None:
        """Once a second: renews the lease of the run under way, and does with it what `watch` says."""
        horse.look_after()
        asked = time.monotonic()  # the lease counts from when Redis heard of it, which is no earlier
        if self._under_way is None:
            if self.stopping_since is not None and asked >= self.stopping_since + ASK_AFTER_STOP_SECONDS:
                log.warning("The work horse does not get to its run; it is killed, and the run is left to the reaper")
                horse.kill()
            return
        run, watch = self._under_way
        if self._commands.is_killed(run.token):
            horse.kill()
        try:
            if self._commands.is_stopped(run.token):
                self._runs.cancel(run.ids["job_id"], run.run_id, "stopped by RQ's stop command")
            watch.heard(self._runs.renew(run.run_id, run.token, self._lease_ms), asked)
            self._beat_on_the_line()
            self._look_at_schema(horse)
        except WritesRefused as error:
            watch.refused(asked)
            outage.tell(log, error, "Runs go on without their leases", run.ids)
        except StoreUnavailable as error:
            outage.tell(log, error, f"The lease of run {run.run_id} could not be renewed", run.ids)
        for action in watch.actions(time.monotonic(), self.stopping_since):
            if action == "kill":
                horse.kill()
            else:
                horse.order(action, run.token)

    def _start_over(self) -> None:
        self._arrived = False

    def _arrive_again(self) -> None:
        """Where the data went back: it may be an older release's again. Raises StoreUnavailable."""
        if not self._arrived:
            arrive(self._line, self._keys)
            self._arrived = True

    def _look_at_schema(self, horse: Horse) -> None:
        """A newer release has come: the run under way ends, and no further one is taken."""
        try:
            self._schema.check()
        except StoreUnsuitable as error:
            if not self._draining:
                self._draining = True
                outage.tell(log, error, "The worker takes no further run")
                horse.order("drain")

    def _horse_died(self, horse: Horse, handed_over: str) -> None:
        """Ends what it has claimed and cannot end any more, and puts back what it has not."""
        status, died_at = horse.status() or 0, time.monotonic()
        watch = self._under_way[1] if self._under_way is not None else None
        self._unsaddle()
        try:
            for claim in self._runs.held_by(self.name):
                outcome = outcome_of_death(claim, watch.why if watch is not None else None, status)
                log.warning("Run %s: %s", claim.run_id, outcome.error, extra=claim.ids)
                retry = retry_after(claim, outcome, self._around.bots)
                end_patiently(self._runs, claim, outcome, retry, self._gives_up(died_at))
            self._runs.requeue(handed_over)
        except StoreUnavailable as error:
            log.warning("The work horse died; what it held is left to the reaper: %s", error)

    def _gives_up(self, died_at: float) -> Callable[[StoreUnavailable], bool]:
        """How long the end of a run is tried to be recorded: while Redis refuses writes, nobody else can do it."""

        def gives_up(error: StoreUnavailable) -> bool:
            if self.stopping_since is not None:
                return time.monotonic() > self.stopping_since + KILL_AFTER_STOP_SECONDS + LAST_WORDS_SECONDS
            return not isinstance(error, WritesRefused) and time.monotonic() > died_at + self._lease_ms / 1000

        return gives_up
