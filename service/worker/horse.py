"""The work horse: a child process that takes runs, has their bots carry them out, and records their ends.

It dies with its parent. It waits for runs by itself and shows on the board which one it is at. With
`WORKER_ISOLATION=warm` one process carries out many runs: it claims the next run in the step that ends the one before.
It ends, and the parent starts another, once a bot has left something behind that the next run could meet. A copy of it,
left by a bot that forks and returns twice, ends at once.
"""

from __future__ import annotations

import contextvars
import logging
import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic  # as it is now: a bot may put another in its place
from types import FrameType
from typing import TYPE_CHECKING

from redis import Redis

from service import logs
from service.domain.error_texts import worded
from service.domain.run_records import Claim, Outcome, Retry
from service.logs import frequent
from service.settings import Settings
from service.store.runs.run_hashes import RunStore
from service.worker.board import Board, UnderWay
from service.worker.endings import end_patiently, judged, release_patiently, retry_after, timed_out, timeout_of
from service.worker.failures import partial_result
from service.worker.ipc import ORDER_SIGNAL, Orders
from service.worker.leftovers.untouched import Untouched, peak_megabytes
from service.worker.notes import Notes
from service.worker.pings.notes import PingNotes
from service.worker.run_context import RunTime, StopFlag
from service.worker.runner import RunInterrupted, Surroundings, carry_out
from service.worker.taking import Taken, Taker
from service.worker.waiting import QueueWait

if TYPE_CHECKING:
    from service.worker.traces.run_traces import RunTraces

log = logging.getLogger(__name__)

MEMORY_LOOK_SECONDS = 0.05
"""The kernel is asked for the memory's peak no more often: to answer can take longer than all else of a short run."""
_OURS = (signal.SIGINT, signal.SIGTERM, ORDER_SIGNAL)
"""The signals that mean something else to this process than to others."""
UNWATCHED_PAUSE_SECONDS = 0.25
"""Seconds between two looks whether somebody watches again."""


@dataclass(frozen=True, slots=True)
class Recycling:
    """The limits at which a horse is replaced.

    Args:
        runs: after so many, ≥ 1.
        megabytes: once it has ever held so much memory.
    """

    runs: int
    megabytes: int

    @classmethod
    def of(cls, settings: Settings) -> Recycling:
        """Return what the settings say; without `warm` isolation a horse carries out one run."""
        warm = settings.worker_isolation == "warm"
        return cls(settings.worker_recycle_runs if warm else 1, settings.worker_recycle_mb)


class WorkHorse:
    """Carries out runs, one after the other.

    Args:
        orders: its end of the pipe from the parent.
        board: the memory that it shares with the parent.
        runs: on a connection that this process alone uses.
        wait: the wait for the next run, on the same connection.
        around: what bots need.
        worker: the name of the worker whose horse it is.
        lease_ms: the length of a claim's lease.
        recycling: when it is replaced.
        client: the connection that all of these are on.
        pings: notes for the parent, which pings other monitors; None for nobody.
        traces: traces the runs; None: nobody does.
    """

    def __init__(
        self, orders: Orders, board: Board, runs: RunStore, wait: QueueWait, around: Surroundings, worker: str,
        lease_ms: int, recycling: Recycling, client: Redis | None = None,
        pings: PingNotes | None = None, traces: RunTraces | None = None,
    ) -> None:  # fmt: skip
        self._orders = orders
        self._board = board
        self._runs = runs
        self._wait = wait
        self._around = around
        self._taker = Taker(runs, wait, worker, lease_ms, board.is_watched)
        self._recycling = recycling
        self._client = client
        self._pings = pings
        self._traces = traces
        self._process = os.getpid()
        self._carried_out = 0
        self._claim: Claim | None = None
        self._stop = StopFlag()
        self._interruptible = False
        self._untouched: Untouched | None = None
        self._left_behind: list[str] = []
        self._peak, self._next_memory_look = 0.0, 0.0

    def serve(self) -> None:
        """Work until the parent wants nothing more, or this horse is to be replaced."""
        random.seed()
        self._listen()
        if self._recycling.runs > 1:
            self._untouched = Untouched(self._client)
        while self._may_go_on():
            if not self._board.is_watched():
                self._wait.rest(UNWATCHED_PAUSE_SECONDS)
                self._obey()  # the parent may be gone
                continue
            taken = self._taker.next()
            while taken is not None:
                taken = self._carry_out(*taken)

    def _may_go_on(self) -> bool:
        if self._wait.is_over or self._carried_out == 0:  # a new one carries out one run, however small its limits
            return not self._wait.is_over
        return (
            not self._stop.raised
            and self._carried_out < self._recycling.runs
            and not self._left_behind
            and not self._is_too_big()
        )

    def _is_too_big(self) -> bool:
        if monotonic() >= self._next_memory_look:
            self._next_memory_look = monotonic() + MEMORY_LOOK_SECONDS
            self._peak = peak_megabytes()
        return self._peak >= self._recycling.megabytes

    # orders

    def _listen(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal; the parent gets it, too
        signal.signal(signal.SIGTERM, self._drain)
        signal.signal(ORDER_SIGNAL, self._ordered)
        # Held back meanwhile: one that reached a copy before its signals mean the usual would be lost.
        hold, let_go = (partial(signal.pthread_sigmask, how, _OURS) for how in (signal.SIG_BLOCK, signal.SIG_UNBLOCK))
        os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=_let_signals_through)
        self._board.keep_from_copies()
        self._obey()  # an order that came before this process listened

    def _drain(self, signum: int, frame: FrameType | None) -> None:
        self._wait.wake()

    def _ordered(self, signum: int, frame: FrameType | None) -> None:
        self._obey()

    def _obey(self) -> None:
        orders = self._orders.read()
        if any(order == "drain" for order, _ in orders):
            self._wait.wake()
        ours = [order for order, token in orders if self._claim is not None and token == self._claim.token]
        if ours:
            self._stop.raised = True
        if "interrupt" in ours and self._interruptible:
            self._interruptible = False
            raise RunInterrupted

    # one run

    def _carry_out(self, claim: Claim, asked: float) -> Taken | None:
        """Carry out one run. Return the next run, which the step that records this one's end may have claimed."""
        timeout = timeout_of(claim)
        self._board.show(UnderWay(claim.ids, claim.token, asked, timeout))
        logs.set_run(claim.ids)
        log.debug("Run %s of job %s starts", claim.run_id, claim.ids["job_id"])
        if self._pings is not None:
            self._pings.started(claim)
        outcome, retry = self._outcome_and_retry(claim, asked, timeout)
        if self._pings is not None:
            self._pings.ended(claim, outcome)
        following = self._end(claim, asked, outcome, retry)
        if self._traces is not None:
            self._traces.ended(claim.run_id)
        if following is not None and self._left_behind:
            self._give_back(*following)
            following = None
        if following is None:
            self._board.clear()
            logs.set_run(None)
        return following

    def _outcome_and_retry(self, claim: Claim, asked: float, timeout: int) -> tuple[Outcome, Retry | None]:
        self._carried_out += 1
        self._claim, self._stop = claim, self._around.begin(RunTime(asked, timeout))
        if self._traces is not None:
            self._around.traceparent = self._traces.begin(claim, asked)
        outcome = self._outcome(claim, timeout)
        if self._traces is not None:
            self._traces.bot_ended(asked)
        retry = retry_after(claim, outcome, self._around.bots)
        return judged(claim, self._around.redacted(outcome)), retry

    def _end(self, claim: Claim, asked: float, outcome: Outcome, retry: Retry | None) -> Taken | None:
        """Record a run's end. Look for leftovers and prepare the log's line meanwhile: all that takes as long."""
        tell: Callable[[], None] | None = None

        def meanwhile() -> None:
            nonlocal tell
            if tell is None:  # Redis may be asked more than once
                tell = frequent.run_ended(log, claim.ids, monotonic() - asked)
                self._look_around()

        following = None
        if self._may_go_on() and self._board.is_watched():
            following = self._taker.after(claim, outcome, retry, meanwhile)
        else:
            end_patiently(self._runs, claim, outcome, retry)
        meanwhile()
        if tell is not None:
            tell()
        return following

    def _give_back(self, claim: Claim, asked: float) -> None:
        """Let another process have a run that was claimed before this one saw that it is to be replaced."""
        self._board.show(UnderWay(claim.ids, claim.token, asked, timeout_of(claim)))
        release_patiently(self._runs, claim)

    def _look_around(self) -> None:
        if self._untouched is not None:
            self._left_behind = self._untouched.leftovers()
        if self._left_behind:
            log.info("Replacing this process, because the run's bot has left %s in it", ", ".join(self._left_behind))

    def _outcome(self, claim: Claim, timeout: int) -> Outcome:
        notes = self._notes_of(claim)
        try:
            self._interruptible = True
            outcome = contextvars.copy_context().run(carry_out, claim, self._around, notes)
            if not self._interruptible:  # its bot swallowed the interruption and went on to its own end
                outcome = Outcome("failed", timed_out(timeout), outcome.result)
            self._interruptible = False
        except RunInterrupted as interruption:
            outcome = Outcome("failed", timed_out(timeout), partial_result(interruption))
        except BaseException as error:  # noqa: BLE001 - sys.exit() in a bot is its run's failure, too
            self._interruptible = False
            outcome = Outcome("failed", f"The bot ended its process: {worded(error)}")
        if os.getpid() != self._process:  # the bot has forked, and this is the copy: the run is not its own
            os._exit(0)
        notes.close()
        return outcome

    def _notes_of(self, claim: Claim) -> Notes:
        offset = claim.started_at / 1000 - monotonic()
        return Notes(
            lambda n, progress, lines: self._runs.note(claim.run_id, claim.token, n, progress=progress, lines=lines),
            lambda: offset + monotonic(),
            self._around.secrets.redacted,
        )


def _let_signals_through() -> None:
    """In a process that a bot has forked, give signals their usual meaning again, as `multiprocessing` needs it."""
    for signum in _OURS:
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _OURS)
