"""The work horse: a child process that claims runs, has their bots carry them out, and records their ends.

It dies with its parent. With `WORKER_ISOLATION=warm` one process carries out many runs: it claims the next run in the
step that ends the one before. It ends, and the parent starts another, once a bot has left something behind that the
next run could meet. A copy of it, left by a bot that forks and returns twice, ends at once.
"""

from __future__ import annotations

import contextvars
import logging
import os
import random
import signal
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep  # as they are now: a bot may put others in their place
from types import FrameType

from redis import Redis
from redis.exceptions import ResponseError

from service import logs
from service.backoff import Backoff
from service.domain.error_texts import worded
from service.domain.run_records import Claim, Outcome, Retry
from service.errors import StoreFull, StoreUnavailable
from service.outage import outage
from service.settings import Settings
from service.store.runs.run_hashes import RunStore
from service.worker.endings import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    end_patiently,
    retry_after,
    rq_result,
    timed_out,
    timeout_of,
)
from service.worker.failures import partial_result
from service.worker.ipc import ORDER_SIGNAL, Began, Orders
from service.worker.leftovers.untouched import Untouched, peak_megabytes
from service.worker.notes import Notes
from service.worker.run_context import RunTime, StopFlag
from service.worker.runner import RunInterrupted, Surroundings, carry_out

log = logging.getLogger(__name__)

FULL_PAUSE_SECONDS = 1.0

Taken = tuple[Claim, float]
"""A claimed run, and when the claim was asked for (monotonic seconds)."""


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
    """Carries out the runs that the parent hands over, one after the other.

    Args:
        orders: its end of the link to the parent.
        runs: on a connection that this process alone uses.
        around: what bots need.
        worker: the name of the worker whose horse it is.
        lease_ms: the length of a claim's lease.
        recycling: when it is replaced.
        client: the connection that `runs` and `around` are on.
    """

    def __init__(
        self, orders: Orders, runs: RunStore, around: Surroundings, worker: str, lease_ms: int, recycling: Recycling,
        client: Redis | None = None,
    ) -> None:  # fmt: skip
        self._orders = orders
        self._runs = runs
        self._around = around
        self._worker = worker
        self._lease_ms = lease_ms
        self._recycling = recycling
        self._client = client
        self._process = os.getpid()
        self._carried_out = 0
        self._draining = False
        self._claim: Claim | None = None
        self._stop = StopFlag()
        self._interruptible = False
        self._untouched: Untouched | None = None
        self._left_behind: list[str] = []

    def serve(self) -> None:
        """Work until the parent wants nothing more, or this horse is to be replaced."""
        random.seed()
        self._listen()
        if self._recycling.runs > 1:
            self._untouched = Untouched(self._client)
        while self._may_go_on():
            run_id = self._orders.next_run()
            if run_id is None:
                return
            taken = self._take(run_id)
            while taken is not None:
                with logs.bound(**taken[0].ids):
                    taken = self._carry_out(*taken)
            if self._may_go_on():
                self._orders.rests("idle")
        self._orders.rests("leaves")

    def _may_go_on(self) -> bool:
        if self._draining or self._carried_out == 0:  # a new one carries out one run, however small its limits
            return not self._draining
        return (
            not self._stop.raised
            and self._carried_out < self._recycling.runs
            and peak_megabytes() < self._recycling.megabytes
            and not self._left_behind
        )

    # orders

    def _listen(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal; the parent gets it, too
        signal.signal(signal.SIGTERM, self._drain)
        signal.signal(ORDER_SIGNAL, self._ordered)
        os.register_at_fork(after_in_child=_let_signals_through)

    def _drain(self, signum: int, frame: FrameType | None) -> None:
        self._draining = True

    def _ordered(self, signum: int, frame: FrameType | None) -> None:
        interrupted = False
        for order, token in self._orders.read():
            if order == "drain":
                self._draining = True
            elif self._claim is not None and token == self._claim.token:
                self._stop.raised = True
                interrupted = interrupted or order == "interrupt"
        if interrupted and self._interruptible:
            self._interruptible = False
            raise RunInterrupted

    # claims

    def _take(self, run_id: str) -> Taken | None:
        """Claim the run that the parent handed over; None if it cannot be had."""
        try:
            return self._until_answered(
                lambda token: self._runs.claim(run_id, token, self._worker, self._lease_ms),
                f"Run {run_id} is requested again until Redis answers",
                gives_up=lambda error: isinstance(error, StoreFull) or self._draining,
            )
        except StoreFull as error:
            outage.tell(log, error, f"Run {run_id} waits")
            sleep(FULL_PAUSE_SECONDS)
        except ResponseError as error:
            log.error("Run %s cannot be taken: %s", run_id, error)
        except StoreUnavailable as error:
            log.warning("Run %s is left to the reaper: %s", run_id, error)
        return None

    def _until_answered(
        self, claim: Callable[[str], Claim | None], doing: str, gives_up: Callable[[StoreUnavailable], bool]
    ) -> Taken | None:
        """Claim a run, again and again until there is an answer.

        Redis may have carried out a claim whose answer did not come, and nobody else would run that run. So the claim
        is repeated, with the same token.

        Args:
            claim: claims a run by a token; None if there is none.
            doing: for the log, what it does while Redis is away.
            gives_up: whether to raise an error rather than to try again.

        Raises:
            StoreUnavailable: `gives_up` said so.
        """
        token, repeated, backoff = uuid.uuid4().hex, False, Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        while True:
            asked = monotonic()
            try:
                return self._fresh(claim(token), repeated, asked)
            except StoreUnavailable as error:
                if gives_up(error):
                    raise
                outage.tell(log, error, doing)
            repeated = True
            sleep(backoff.next())

    def _fresh(self, claim: Claim | None, repeated: bool, asked: float) -> Taken | None:
        """Return a claim that still holds, and holds long enough: it may have been made some time ago."""
        if claim is None or (
            repeated and self._runs.renew(claim.run_id, claim.token, self._lease_ms) in ("gone", "lost")
        ):
            return None
        return claim, asked

    # one run

    def _carry_out(self, claim: Claim, asked: float) -> Taken | None:
        """Carry out one run. Return the next run, which the step that records this one's end may have claimed."""
        timeout = timeout_of(claim)
        self._orders.began(Began(claim.ids, claim.token, asked, timeout))
        self._carried_out += 1
        self._claim, self._stop = claim, self._around.begin(RunTime(asked, timeout))
        outcome = self._outcome(claim, timeout)
        self._look_around()
        retry = retry_after(claim, outcome, self._around.bots)
        outcome = self._around.redacted(outcome)
        if self._may_go_on() and self._orders.is_watched():
            return self._end_and_take_next(claim, outcome, retry)
        end_patiently(self._runs, claim, outcome, retry)
        return None

    def _look_around(self) -> None:
        if self._untouched is not None:
            self._left_behind = self._untouched.leftovers()
        if self._left_behind:
            log.info("Replacing this process, because the run's bot has left %s in it", ", ".join(self._left_behind))

    def _end_and_take_next(self, claim: Claim, outcome: Outcome, retry: Retry | None) -> Taken | None:
        return self._until_answered(
            lambda token: self._runs.finish_and_claim(
                claim, outcome, retry, rq_result(claim, outcome), token, self._worker, self._lease_ms
            ),
            f"Run {claim.run_id} has ended; the end will be recorded later",
            gives_up=lambda _: False,
        )

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
    for signum in (signal.SIGINT, signal.SIGTERM, ORDER_SIGNAL):
        signal.signal(signum, signal.SIG_DFL)
