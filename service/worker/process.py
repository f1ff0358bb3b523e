"""One worker process: an RQ worker to everyone who looks, without the parts of RQ that lose or double runs.

Replaced parts of RQ 3.0:

- `work`: RQ's loop pops a run and forks a child for it. Here the child, the work horse, waits for runs by itself and
  claims them (the only door; a duplicate is dropped there), and one script writes both our end of a run and RQ's. RQ
  writes its own in a second transaction, which a kill can cut off. The parent watches (`service.worker.watching`). RQ's
  upkeep, which fails a run that was popped and never started, is left out; our reaper puts such a run back.
- `request_stop`: a signal interrupts no command to Redis.
- `handle_payload`: see `service.worker.commands`; nothing that comes on the channel ends its thread.
- `_pubsub_exception_handler`: RQ's thread ends if Redis fails; this one waits.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
import uuid
from types import FrameType
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.client import PubSub
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from service.bots.registry import about_persons
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
from service.worker.board import Board
from service.worker.commands import Commands
from service.worker.horse import Recycling, WorkHorse
from service.worker.horse_keeper import HorseKeeper
from service.worker.ipc import Orders
from service.worker.leftovers.orphans import Orphans
from service.worker.pings.pinger import Pinger
from service.worker.runner import Surroundings
from service.worker.waiting import QueueWait
from service.worker.watching import HorseWatcher, Watched
from service.worker.wiring import surroundings

if TYPE_CHECKING:
    from service.tracing.exporter import Exporter
    from service.worker.traces.run_traces import RunTraces

log = logging.getLogger(__name__)

WORKER_TTL = 20
"""Seconds; RQ takes a worker for dead a minute more than this after its last heartbeat."""
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
        # A connection of its own for all that is done while runs are watched: it gives up soon enough to kill a run
        # before its lease ends.
        self._line = connect(settings, "watch")
        self._scripts = make_scripts(self._line, keys, Limits.of(settings))
        self._scripts.went_back = self._start_over
        self._arrived = True  # see `service.worker.serving`
        self._presence = Presence(self._scripts)
        self._around = surroundings(client, self._scripts.on(client), settings, vault)
        self._schema = SchemaWatch(self._line, keys)
        self._lease_ms = settings.lease_seconds * 1000
        self._keeper = HorseKeeper(self._in_horse, orphans)
        self._pinger = Pinger(settings, vault)
        self._traces = self._exporter() if settings.traced else None
        commands = Commands(
            settings.rq_commands, lambda: self._watcher.run_now(), lambda: os.kill(os.getpid(), signal.SIGINT)
        )
        self._commands = commands
        self._watcher = HorseWatcher(self._watched(), self._keeper, commands)
        self._next_beat = 0.0
        self._shown: WorkerStatus | None = None

    def _set_ip_address(self, connection: Redis) -> None:
        """Leave the address unknown where redis-py cannot read it: the path of Redis' socket has a space."""
        try:
            super()._set_ip_address(connection)
        except ValueError:
            self.ip_address = "unknown"

    def _watched(self) -> Watched:
        return Watched(
            worker=self.name,
            runs=RunStore(self._scripts),
            refusal=self._refusal,
            lease_ms=self._lease_ms,
            bots=self._around.bots,
            beat=self._beat,
            pings=self._pinger.notes,
            traces=None if self._traces is None else self._traces.notes,
        )

    def _exporter(self) -> Exporter:
        from service.tracing.exporter import Exporter  # the SDK is loaded only where traces are wanted

        client, persons = connect(self._settings, "watch"), about_persons(self._around.bots)
        return Exporter(client, self._keys, persons, self._around.vault.environment)

    @property
    def stopping_since(self) -> float | None:
        """When it was asked to stop, monotonic seconds."""
        return self._watcher.stopping_since

    # from the start to the end

    def work(self, *modes: Any, **named: Any) -> bool:
        """Work until SIGTERM or SIGINT.

        Args:
            modes: of RQ's `work`, such as `burst`; this worker has none of them.
            named: likewise.

        Returns:
            True, as RQ's own does after work.

        Raises:
            ValueError: a mode is asked for.
        """
        if modes or named:
            raise ValueError("This worker works until it is stopped; it has no burst mode or other mode of RQ's")
        self.bootstrap("WARNING")
        signal.signal(signal.SIGINT, self.request_stop)
        signal.signal(signal.SIGTERM, self.request_stop)
        self._pinger.start()
        if self._traces is not None:
            self._traces.start()
        try:
            self._watcher.watch()
        finally:
            self.teardown()
        return True

    def request_stop(self, signum: int | None, frame: FrameType | None) -> None:
        """On SIGTERM or SIGINT, any number of times: take no more runs, and see the run under way to its end."""
        self._watcher.stop()

    def register_death(self) -> None:
        """Remove this worker from RQ's records and from ours."""
        super().register_death()  # type: ignore[no-untyped-call]
        self._presence.farewell_worker(self.name)

    def teardown(self) -> None:
        """End as RQ does, and leave no horse behind; the run of one at work, which nobody watches, is the reaper's."""
        self._keeper.kill()
        self._pinger.close()
        if self._traces is not None:
            self._traces.close()
        super().teardown()  # type: ignore[no-untyped-call]

    # at each look

    def _beat(self, is_at_a_run: bool) -> None:
        """Write RQ's heartbeat and ours, if it is time for one, and the worker's state, if it has changed."""
        if time.monotonic() >= self._next_beat or is_at_a_run != (self._shown == WorkerStatus.BUSY):
            with translate_errors(), self._line.pipeline() as pipeline:
                self.heartbeat(pipeline=pipeline)
                pipeline.exists(self._keys.rq_suspended)
                *_, is_suspended = pipeline.execute()
                self._show(is_at_a_run, bool(is_suspended))
            self._presence.beat_worker(self.name)
            self._next_beat = time.monotonic() + BEAT_SECONDS
            outage.over(log)  # Redis has taken a write
            tell_all()

    def _show(self, is_at_a_run: bool, is_suspended: bool) -> None:
        rests = WorkerStatus.SUSPENDED if is_suspended else WorkerStatus.IDLE
        state = WorkerStatus.BUSY if is_at_a_run else rests
        if state != self._shown:
            self.set_state(state, self._line)  # type: ignore[arg-type]  # it sends one command
            self._shown = state

    def _refusal(self) -> StoreUnavailable | None:
        """Return why this worker may take no run now, or None: the data in Redis is not what it knows."""
        try:
            if not self._arrived:
                check_at_startup(self._line, self._keys, "worker")
                self._arrived = True
        except StoreUnavailable as error:
            return error
        return self._schema.refusal()

    def _start_over(self) -> None:
        """Repeat the startup checks: Redis' data went back, perhaps to an older release's."""
        self._arrived = False

    # RQ's commands

    def handle_payload(self, message: dict[str, Any]) -> None:
        """Hear a message on the channel of RQ's commands."""
        self._commands.heard(message)

    def _pubsub_exception_handler(self, exc: Exception, pubsub: PubSub, pubsub_thread: Any) -> None:
        """Keep the thread that hears RQ's commands alive: it connects again for as long as Redis is away."""
        try:
            with translate_errors():
                raise exc
        except StoreUnavailable as error:
            outage.tell(log, error, "The worker does not hear RQ's commands")
        except Exception as error:  # noqa: BLE001 - nothing that comes on the channel ends its thread
            log.warning("RQ's channel cannot be read (%s)", type(error).__name__)
        time.sleep(COMMANDS_PAUSE)

    # the horse

    def _in_horse(self, orders: Orders, board: Board) -> None:
        """Be the horse. It has a connection of its own, since it must not share the parent's."""
        client = connect(self._settings, "horse")
        scripts = self._scripts.on(client)
        runs = RunStore(scripts)
        around = surroundings(client, scripts, self._settings, self._around.vault, self._around.bots)
        wait, recycling = QueueWait(client, self._keys), Recycling.of(self._settings)
        WorkHorse(
            orders, board, runs, wait, around, self.name, self._lease_ms, recycling, client, self._pinger.notes,
            None if self._traces is None else self._run_traces(self._traces, runs, around),
        ).serve()  # fmt: skip

    def _run_traces(self, exporter: Exporter, runs: RunStore, around: Surroundings) -> RunTraces:
        from service.worker.traces.run_traces import RunTraces

        return RunTraces(exporter.notes, exporter.sdk, runs, lambda text: around.secrets.redacted(text))
