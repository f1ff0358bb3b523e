"""One worker process: an RQ worker to everyone who looks, without the parts of RQ that lose or double runs.

Replaced parts of RQ 3.0:

- `execute_job`: the work horse claims the run (the only door; a duplicate is dropped there), and one script writes both
  our end of the run and RQ's. RQ writes its own in a second transaction, which a kill can cut off.
- `dequeue_job_and_maintain_ttl`: pops ids and fetches nothing, since the claim returns everything; and a signal
  interrupts only the wait, never a command (likewise `request_stop`).
- `run_maintenance_tasks`: RQ's fails a run that was popped and never started; our reaper puts it back.
- `handle_payload`: see `service.worker.commands`; nothing that comes on the channel ends its thread.
- `heartbeat`: also writes our own heartbeat, by Redis' clock, and no more often than needed.
- `heartbeat`, `check_for_suspension`, `_pubsub_exception_handler`: RQ ends if Redis fails; this worker waits.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
import uuid
from collections.abc import Iterator
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

from service.backoff import Backoff
from service.bots.support.secrets import Vault
from service.errors import StoreUnavailable
from service.outage import outage
from service.seldom import tell_all
from service.settings import Settings
from service.store.keys import Keys
from service.store.presence import Presence
from service.store.rq_records import make_scripts
from service.store.runs.run_hashes import RunStore
from service.store.schema import SchemaWatch
from service.store.scripts import Limits
from service.store.server.connection import connect
from service.store.server.startup_checks import check_at_startup
from service.store.server.translation import translate_errors
from service.worker.commands import Commands
from service.worker.horse import Recycling, WorkHorse
from service.worker.horse_keeper import HorseKeeper
from service.worker.ipc import Began, Orders
from service.worker.orphans import Orphans
from service.worker.watching import RunWatcher, Watched
from service.worker.wiring import surroundings

log = logging.getLogger(__name__)

WORKER_TTL = 20
"""Seconds; RQ waits for work 15 s less than this at a time, and its socket time-outs follow from it."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between tries while Redis is away."""
COMMANDS_PAUSE = 2.0
"""Seconds until the thread that hears RQ's commands tries again."""
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
        # A connection of its own for leases: it gives up soon enough to kill a run before its lease ends, where RQ's
        # waits for work for as long as 20 s.
        self._line = connect(settings, "watch")
        self._scripts = make_scripts(self._line, keys, Limits.of(settings))
        self._scripts.went_back = self._start_over
        self._arrived = True  # see `service.worker.serving`
        self._presence = Presence(self._scripts)
        self._around = surroundings(client, keys, settings, vault)
        self._schema = SchemaWatch(self._line, keys)
        self._lease_ms = settings.lease_seconds * 1000
        self._keeper = HorseKeeper(self._in_horse, orphans)
        self._commands = Commands(
            settings.rq_commands, lambda: self._watcher.run, lambda: os.kill(os.getpid(), signal.SIGINT)
        )
        self._watcher = RunWatcher(self._watched(), self._keeper, self._commands)
        self._next_beat = 0.0
        self._waiting = False

    def _watched(self) -> Watched:
        return Watched(
            worker=self.name,
            runs=RunStore(self._scripts),
            schema=self._schema,
            lease_ms=self._lease_ms,
            bots=self._around.bots,
            beat=self._beat_on_the_line,
            show=self._show,
        )

    @property
    def stopping_since(self) -> float | None:
        """When it was asked to stop, monotonic seconds."""
        return self._watcher.stopping_since

    # waiting for work

    def request_stop(self, signum: int | None, frame: FrameType | None) -> None:
        """On SIGTERM or SIGINT, any number of times: take no more runs, and see the run under way to its end."""
        self._stop_requested = True
        self._watcher.stop()
        if self._waiting:
            raise StopRequested

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGINT, self.request_stop)
        signal.signal(signal.SIGTERM, self.request_stop)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[RQJob, Queue] | None:
        """Wait for the next run, and while Redis is away.

        Args:
            timeout: seconds that RQ waits at a time; None: do not wait (RQ's burst mode).
            max_idle_time: not used.

        Returns:
            The run, of which only the id is known; None if there is none and `timeout` is None.

        Raises:
            StopRequested: the worker is asked to stop.
        """
        queue, backoff = self.queues[0], Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        is_shown_idle = False
        while True:
            self._keeper.ready()
            try:
                with translate_errors():
                    self._arrive_again()
                    self._schema.check()
                    if not is_shown_idle:
                        self.set_state(WorkerStatus.IDLE)
                        is_shown_idle = True
                    self._beat()
                    popped = self._pop(queue, timeout)
            except DequeueTimeout:
                backoff.reset()
                continue
            except StoreUnavailable as error:
                outage.tell(log, error, "The worker waits for Redis")
                with self._interruptible():
                    time.sleep(backoff.next())
                continue
            return None if popped is None else (RQJob(popped, self.connection, serializer=JSONSerializer), queue)

    def _pop(self, queue: Queue, timeout: int | None) -> str | None:
        with self._interruptible():
            moved = Queue.lmove(self.connection, queue.key, timeout)
            return None if moved is None else str(moved[1].decode())

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Have a request to stop interrupt this wait, by StopRequested."""
        self._waiting = True
        try:
            if self._stop_requested:
                raise StopRequested
            yield
        finally:
            self._waiting = False

    def _start_over(self) -> None:
        """Repeat the startup checks: Redis' data went back, perhaps to an older release's."""
        self._arrived = False

    def _arrive_again(self) -> None:
        if not self._arrived:
            check_at_startup(self._line, self._keys)
            self._arrived = True

    # what RQ does besides

    def run_maintenance_tasks(self) -> None:
        """Do nothing: `service.scheduler.reaper` does it, without failing what can still be run."""

    def handle_payload(self, message: dict[str, Any]) -> None:
        """Hear a message on the channel of RQ's commands."""
        self._commands.heard(message)

    def check_for_suspension(self, burst: bool) -> None:
        """Wait while RQ's workers are suspended; while Redis is away, go on."""
        with self._unbroken("looks for work, whether or not workers are suspended"):
            super().check_for_suspension(burst)

    def _pubsub_exception_handler(self, exc: Exception, pubsub: PubSub, pubsub_thread: Any) -> None:
        """Keep the thread that hears RQ's commands alive: it connects again for as long as Redis is away."""
        try:
            with self._unbroken("does not hear RQ's commands"):
                raise exc
        except Exception as error:  # noqa: BLE001 - nothing that comes on the channel ends its thread
            log.warning("RQ's channel cannot be read (%s)", type(error).__name__)
        time.sleep(COMMANDS_PAUSE)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Write RQ's heartbeat and ours; while Redis is away, go on.

        Args:
            timeout: seconds until RQ takes this worker for dead.
            pipeline: collects RQ's own commands instead; None sends them.
        """
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
        else:
            with self._unbroken("goes on without a heartbeat"):
                self._beat(timeout)

    def _beat(self, timeout: int | None = None) -> None:
        """Write RQ's heartbeat and ours, if it is time for one; raise an error if Redis is away."""
        if time.monotonic() >= self._next_beat:
            super().heartbeat(timeout)
            self._presence.beat_worker(self.name)
            self._next_beat = time.monotonic() + BEAT_SECONDS
            outage.over(log)  # Redis has taken a write
            tell_all()

    def _beat_on_the_line(self) -> None:
        """Write both heartbeats on the connection with short time-outs, as watching a run demands."""
        with translate_errors(), self._line.pipeline() as pipeline:
            self.heartbeat(pipeline=pipeline)
            pipeline.execute()
        self._presence.beat_worker(self.name)
        tell_all()

    @contextmanager
    def _unbroken(self, doing: str) -> Iterator[None]:
        """Let a step fail while Redis is away: the next wait for work waits for Redis, too."""
        try:
            with translate_errors():
                yield
        except StoreUnavailable as error:
            outage.tell(log, error, f"The worker {doing}")

    def register_death(self) -> None:
        """Remove this worker from RQ's records and from ours."""
        super().register_death()  # type: ignore[no-untyped-call]
        self._presence.farewell_worker(self.name)

    def teardown(self) -> None:
        """End as RQ does, and leave no horse behind; the run of one at work, which nobody watches, is the reaper's."""
        self._keeper.kill()
        super().teardown()  # type: ignore[no-untyped-call]

    # runs

    def execute_job(self, job: RQJob, queue: Queue) -> None:
        """Have the work horse carry out a run, and those that it takes after it, and watch each to its end."""
        horse = self._keeper.ready()
        horse.carry_out(job.id)
        with self._unbroken("begins a run that RQ's records do not show"):
            self.set_state(WorkerStatus.BUSY)
        try:
            self._watcher.watch(horse, job.id)
        finally:
            self._state = WorkerStatus.IDLE

    def _show(self, run: Began | None) -> None:
        self.executions.clear()  # RQ's heartbeats report its contents
        if run is not None:
            self.executions[run.token] = Execution(run.token, run.run_id, self.connection, self.name)

    def _in_horse(self, orders: Orders) -> None:
        """Be the horse. It has a connection of its own, since it must not share the parent's."""
        client = connect(self._settings, "horse")
        runs = RunStore(self._scripts.on(client))
        around = surroundings(client, self._keys, self._settings, self._around.vault, self._around.bots)
        recycling = Recycling.of(self._settings)
        WorkHorse(orders, runs, around, self.name, self._lease_ms, recycling, client).serve()
