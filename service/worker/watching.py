"""Keeps a work horse at work and watches its runs from the parent's side: leases, cancels, time-outs, its death.

Once a second the parent looks at the board, which shows the run that the horse is at; runs that begin and end between
two looks never reach it. The decisions about a run are in `service.worker.watchdog`, which is pure; this module has the
I/O around it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.bots.protocol import Bot
from service.errors import StoreUnavailable, WritesRefused
from service.logs import frequent
from service.outage import outage
from service.shutdown import ASK_RUN_SECONDS, KILL_RUN_SECONDS, RECORD_SECONDS
from service.store.runs.run_hashes import RunStore
from service.worker.board import Defaced, UnderWay
from service.worker.commands import Commands
from service.worker.endings import end_patiently, outcome_of_death, retry_after
from service.worker.horse_keeper import HorseKeeper
from service.worker.ipc import Horse
from service.worker.pings.notes import PingNotes
from service.worker.watchdog import Watch

if TYPE_CHECKING:
    from service.tracing.notes import NoteWriter

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Seconds between two looks at the run under way: at its lease, at a cancel, at its time."""
LAST_LOOKS_SECONDS = 0.25
"""The same while the worker is stopping, which has its own timetable (`service.shutdown`)."""
NAP_SECONDS = 0.1
"""Without a horse, a request to stop is noticed within this time."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The worker that is watched, and the tools for it.

    Args:
        worker: the worker's name.
        runs: the run store, on a connection with short time-outs.
        refusal: returns why this worker may take no run now, or None; raises StoreUnavailable.
        lease_ms: the length of a claim's lease.
        bots: every bot there is, by name.
        beat: sends the worker's heartbeats on that connection, and whether it is at a run.
        pings: notes of the ends of runs whose horse died; None for nobody.
        traces: the same for traces.
    """

    worker: str
    runs: RunStore
    refusal: Callable[[], StoreUnavailable | None]
    lease_ms: int
    bots: Mapping[str, type[Bot]]
    beat: Callable[[bool], None]
    pings: PingNotes | None = None
    traces: NoteWriter | None = None


class HorseWatcher:
    """Watches one horse after the other.

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
        self._under_way: tuple[UnderWay, Watch] | None = None
        self._is_defaced = False
        self._may_start = False
        self.stopping_since: float | None = None

    def run_now(self) -> UnderWay | None:
        """Return the run under way at this moment; safe to call from any thread."""
        horse = self._keeper.horse
        try:
            return None if horse is None else horse.board.shown()
        except Defaced:
            return None

    def stop(self) -> None:
        """Note that the worker is to stop, and have the horse take no further run; any number of times."""
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
        self._keeper.drain()

    def watch(self) -> None:
        """Keep a horse at work. Return once the worker was asked to stop and the horse is gone."""
        next_look = time.monotonic()
        while True:
            if self._keeper.horse is None and self._may_start and self.stopping_since is None:
                self._keeper.start()
            horse = self._keeper.horse
            if horse is None and self.stopping_since is not None:
                return
            left = max(0.0, next_look - time.monotonic())
            if horse is None:
                time.sleep(min(left, NAP_SECONDS))
            elif horse.wait(left):
                self._bury(horse)
                continue
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + (LOOK_SECONDS if self.stopping_since is None else LAST_LOOKS_SECONDS)
                self._look(horse)

    # a look at the run under way

    def _look(self, horse: Horse | None) -> None:
        """Renew the lease of the run under way, do what its watch says, and show that the worker is there."""
        if horse is not None:
            horse.board.look_after()
            self._take_up(horse)
        self._talk(horse)
        if horse is None:
            return
        if self._under_way is None:
            self._look_without_run(horse)
            return
        run, watch = self._under_way
        for action in watch.actions(time.monotonic(), self.stopping_since):
            if action == "kill":
                horse.kill()
            else:
                horse.order(action, run.token)

    def _take_up(self, horse: Horse) -> None:
        """Take up the run that the board shows, unless it was taken up before."""
        try:
            run = horse.board.shown()
        except Defaced:
            log.error("A bot wrote over memory that its process shares with this worker; the process is killed")
            self._is_defaced = True
            horse.kill()
            return
        if run is None:
            self._under_way = None
        elif self._under_way is None or self._under_way[0].token != run.token:
            self._under_way = run, Watch(run.asked, run.timeout, self._watched.lease_ms / 1000)
        if run is not None and self._commands.is_killed(run.token):
            horse.kill()

    def _talk(self, horse: Horse | None) -> None:
        """Say to Redis what there is to say, and hear what there is to hear."""
        asked = time.monotonic()  # the lease counts from when Redis heard of it, which is no earlier
        under_way = self._under_way
        try:
            if under_way is not None:
                self._renew(*under_way, asked)
            self._watched.beat(under_way is not None)
            self._note_refusal(horse, self._watched.refusal())
        except StoreUnavailable as error:
            self._may_start = False
            self._tell(error, under_way, asked)

    def _tell(self, error: StoreUnavailable, under_way: tuple[UnderWay, Watch] | None, asked: float) -> None:
        if under_way is None:
            outage.tell(log, error, "The worker waits for Redis")
            return
        run, watch = under_way
        if isinstance(error, WritesRefused):
            watch.refused(asked)
            outage.tell(log, error, "Runs continue without their leases", run.ids)
        else:
            outage.tell(log, error, f"The lease of run {run.run_id} could not be renewed", run.ids)

    def _renew(self, run: UnderWay, watch: Watch, asked: float) -> None:
        if self._commands.is_stopped(run.token, run.run_id):
            self._runs.cancel(run.ids["job_id"], run.run_id, "stopped by RQ's stop command")
        watch.heard(self._runs.renew(run.run_id, run.token, self._watched.lease_ms), asked)

    def _note_refusal(self, horse: Horse | None, refusal: StoreUnavailable | None) -> None:
        """While this worker may take no run, let the run under way end and start no other horse."""
        if refusal is not None:
            outage.tell(log, refusal, "The worker takes no further run")
            if horse is not None:
                horse.order("drain")
        self._may_start = refusal is None

    def _look_without_run(self, horse: Horse) -> None:
        if self.stopping_since is not None and time.monotonic() >= self.stopping_since + ASK_RUN_SECONDS:
            log.warning("The work horse does not end, and is killed; a run that it has just claimed has failed")
            horse.kill()

    # the horse's death

    def _bury(self, horse: Horse) -> None:
        """End the runs that a horse has left without an end. One that it had popped alone is the reaper's."""
        status, died_at, run = horse.status() or 0, time.monotonic(), self.run_now()
        self._keeper.let_go(has_failed=status != 0 and run is None and self.stopping_since is None)
        if status != 0 or run is not None:
            self._end_claims(run, status, died_at)
        self._under_way, self._is_defaced = None, False

    def _end_claims(self, run: UnderWay | None, status: int, died_at: float) -> None:
        try:
            claims = self._runs.held_by(self._watched.worker, [] if run is None else [run.run_id])
            if not claims and run is None:
                log.warning("The work horse ended while it rested (wait status %d); starting another", status)
            for claim in claims:
                outcome = outcome_of_death(claim, self._why(claim.token), status)
                log.warning("Run %s: %s", claim.run_id, outcome.error, extra=claim.ids)
                retry = retry_after(claim, outcome, self._watched.bots)
                if self._watched.pings is not None:
                    self._watched.pings.ended(claim, outcome)
                has_ended = end_patiently(self._runs, claim, outcome, retry, self._gives_up(died_at))
                if has_ended and self._watched.traces is not None:
                    self._watched.traces.ended(claim.run_id, None)
                if run is not None and run.token == claim.token:
                    frequent.run_ended(log, run.ids, time.monotonic() - run.asked)()
        except StoreUnavailable as error:
            log.warning("The work horse died, and its runs are left to the reaper: %s", error)

    def _why(self, token: str) -> str | None:
        """Return why the run of this claim was killed, if it was."""
        if self._is_defaced:
            return "defaced"
        if self._under_way is not None and self._under_way[0].token == token:
            return self._under_way[1].why
        return None

    def _gives_up(self, died_at: float) -> Callable[[StoreUnavailable], bool]:
        """Return when to stop trying to record an end: never while Redis refuses writes, since nobody else can."""

        def gives_up(error: StoreUnavailable) -> bool:
            if self.stopping_since is not None:
                return time.monotonic() > self.stopping_since + KILL_RUN_SECONDS + RECORD_SECONDS
            return not isinstance(error, WritesRefused) and time.monotonic() > died_at + self._watched.lease_ms / 1000

        return gives_up
