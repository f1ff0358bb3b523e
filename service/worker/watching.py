"""Watches the work horse's runs from the parent's side: leases, cancels, time-outs, and the horse's death.

The decisions are in `service.worker.watchdog`, which is pure; this module has the I/O around it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.bots.protocol import Bot
from service.errors import StoreUnavailable, StoreUnsuitable, WritesRefused
from service.outage import outage
from service.shutdown import ASK_RUN_SECONDS, KILL_RUN_SECONDS, RECORD_SECONDS
from service.store.runs.run_hashes import RunStore
from service.store.schema import SchemaWatch
from service.worker.commands import Commands
from service.worker.endings import end_patiently, outcome_of_death, retry_after
from service.worker.horse_keeper import HorseKeeper
from service.worker.ipc import Began, Horse
from service.worker.watchdog import Watch

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Seconds between two looks at the run under way: at its lease, at a cancel, at its time."""
LAST_LOOKS_SECONDS = 0.25
"""The same while the worker is stopping, which has its own timetable (`service.shutdown`)."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The worker that is watched, and the tools for it.

    Args:
        worker: the worker's name.
        runs: the run store, on a connection with short time-outs.
        schema: notices that a newer release has come, on that connection.
        lease_ms: the length of a claim's lease.
        bots: every bot there is, by name.
        beat: sends the worker's heartbeat on that connection.
        show: has RQ's records show the run under way, or none.
    """

    worker: str
    runs: RunStore
    schema: SchemaWatch
    lease_ms: int
    bots: Mapping[str, type[Bot]]
    beat: Callable[[], None]
    show: Callable[[Began | None], None]


class RunWatcher:
    """Watches one run after the other to its end.

    Args:
        watched: the worker.
        keeper: the horse's keeper.
        commands: RQ's commands that were heard.
    """

    def __init__(self, watched: Watched, keeper: HorseKeeper, commands: Commands) -> None:
        self._watched = watched
        self._runs = watched.runs
        self._keeper = keeper
        self._commands = commands
        self._under_way: tuple[Began, Watch] | None = None
        self._draining = False
        self.stopping_since: float | None = None

    @property
    def run(self) -> Began | None:
        """The run under way."""
        under_way = self._under_way  # read once: RQ's commands ask from their own thread
        return None if under_way is None else under_way[0]

    def stop(self) -> None:
        """Note that the worker is to stop, and have the horse take no further run; any number of times."""
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
        self._keeper.drain()

    def watch(self, horse: Horse, handed_over: str) -> None:
        """Watch a run and those that the horse takes after it. Return when the horse rests, or is gone.

        Args:
            horse: the horse.
            handed_over: the id of the run that it was given.
        """
        self._draining = False
        try:
            self._watch(horse, handed_over)
        finally:
            self._let_go()

    def _watch(self, horse: Horse, handed_over: str) -> None:
        next_look = self._next_look()
        while True:
            for message in horse.hear(max(0.0, next_look - time.monotonic())):
                if isinstance(message, Began):
                    self._take_up(message)
                    continue
                self._let_go()
                if message == "leaves":
                    horse.status(wait=True)
                    self._keeper.let_go()
                return
            if horse.status() is not None:
                self._horse_died(horse, handed_over)
                return
            if time.monotonic() >= next_look:
                next_look = self._next_look()
                self._look(horse)

    def _next_look(self) -> float:
        return time.monotonic() + (LOOK_SECONDS if self.stopping_since is None else LAST_LOOKS_SECONDS)

    def _take_up(self, run: Began) -> None:
        """Begin to watch a run; that it begins means that the one before it has ended."""
        self._let_go()
        log.debug("Run %s of job %s starts", run.run_id, run.ids["job_id"], extra=run.ids)
        self._under_way = run, Watch(run.asked, run.timeout, self._watched.lease_ms / 1000)
        self._watched.show(run)

    def _let_go(self) -> None:
        if self._under_way is not None:
            run, _ = self._under_way
            took = time.monotonic() - run.asked
            log.info("Run %s of job %s has ended after %.3f s", run.run_id, run.ids["job_id"], took, extra=run.ids)
            self._watched.show(None)
            self._under_way = None

    # a look at the run under way

    def _look(self, horse: Horse) -> None:
        """Renew the lease of the run under way, and do what its watch says."""
        horse.look_after()
        if self._under_way is None:
            self._look_without_run(horse)
            return
        run, watch = self._under_way
        if self._commands.is_killed(run.token):
            horse.kill()
        self._renew(horse, run, watch)
        for action in watch.actions(time.monotonic(), self.stopping_since):
            if action == "kill":
                horse.kill()
            else:
                horse.order(action, run.token)

    def _look_without_run(self, horse: Horse) -> None:
        if self.stopping_since is not None and time.monotonic() >= self.stopping_since + ASK_RUN_SECONDS:
            log.warning("The work horse has not begun its run; it is killed, and the run is left to the reaper")
            horse.kill()

    def _renew(self, horse: Horse, run: Began, watch: Watch) -> None:
        asked = time.monotonic()  # the lease counts from when Redis heard of it, which is no earlier
        try:
            if self._commands.is_stopped(run.token, run.run_id):
                self._runs.cancel(run.ids["job_id"], run.run_id, "stopped by RQ's stop command")
            watch.heard(self._runs.renew(run.run_id, run.token, self._watched.lease_ms), asked)
            self._watched.beat()
            self._look_at_schema(horse)
        except WritesRefused as error:
            watch.refused(asked)
            outage.tell(log, error, "Runs continue without their leases", run.ids)
        except StoreUnavailable as error:
            outage.tell(log, error, f"The lease of run {run.run_id} could not be renewed", run.ids)

    def _look_at_schema(self, horse: Horse) -> None:
        """Once a newer release has come, let the run under way end and take no further one."""
        try:
            self._watched.schema.check()
        except StoreUnsuitable as error:
            if not self._draining:
                self._draining = True
                outage.tell(log, error, "The worker takes no further run")
                horse.order("drain")

    # the horse's death

    def _horse_died(self, horse: Horse, handed_over: str) -> None:
        """End the runs that the horse had claimed, and put back the one that it had not."""
        status, died_at = horse.status() or 0, time.monotonic()
        why = self._under_way[1].why if self._under_way is not None else None
        self._keeper.let_go()
        try:
            for claim in self._runs.held_by(self._watched.worker):
                outcome = outcome_of_death(claim, why, status)
                log.warning("Run %s: %s", claim.run_id, outcome.error, extra=claim.ids)
                retry = retry_after(claim, outcome, self._watched.bots)
                end_patiently(self._runs, claim, outcome, retry, self._gives_up(died_at))
            self._runs.requeue(handed_over)
        except StoreUnavailable as error:
            log.warning("The work horse died, and its runs are left to the reaper: %s", error)

    def _gives_up(self, died_at: float) -> Callable[[StoreUnavailable], bool]:
        """Return when to stop trying to record an end: never while Redis refuses writes, since nobody else can."""

        def gives_up(error: StoreUnavailable) -> bool:
            if self.stopping_since is not None:
                return time.monotonic() > self.stopping_since + KILL_RUN_SECONDS + RECORD_SECONDS
            return not isinstance(error, WritesRefused) and time.monotonic() > died_at + self._watched.lease_ms / 1000

        return gives_up
