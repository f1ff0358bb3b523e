"""The work horse: a child process that claims runs, has their bots carry them out, and records their ends.

It dies with its parent. Kept across runs (`WORKER_ISOLATION=warm`), it takes the next run in the step that ends the one
before; once a bot has left something behind that could meet the next one's, it ends, and the parent starts another. A
copy of it, left by a bot that forks and returns twice, ends at once.
"""

from __future__ import annotations

import contextvars
import logging
import os
import random
import signal
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic, sleep  # as they are now: a bot may put others in their place
from types import FrameType
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError
from rq.results import Result
from rq.serializers import JSONSerializer

from service import logs
from service.bots.protocol import Bot
from service.domain.error_texts import worded
from service.domain.records import UnreadableJob
from service.domain.retries import rerun_of, retry_of
from service.domain.run_records import Claim, Outcome, Retry
from service.errors import StoreFull, StoreUnavailable
from service.outage import outage
from service.store.runs.run_hashes import RunStore
from service.worker.failures import partial_result
from service.worker.ipc import ORDER_SIGNAL, Began, Orders
from service.worker.leftovers import Untouched, peak_megabytes
from service.worker.run_context import RunTime, StopFlag
from service.worker.runner import WORKER_STOPPED, Notes, RunInterrupted, Surroundings, carry_out

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 3600
FULL_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Recycling:
    """When a horse is replaced.

    Args:
        runs: after so many, ≥ 1.
        megabytes: once it has ever held so much memory.
    """

    runs: int
    megabytes: int


class WorkHorse:
    """Carries out the runs that are handed over, one after the other.

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
        """Works until the parent wants nothing more, or it is to be replaced."""
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
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal; the parent has it, too
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

    # one run

    def _take(self, run_id: str) -> tuple[Claim, float] | None:
        """Claims the run that was handed over, and when that was asked for (monotonic); None if it is not to be had.

        A claim whose answer did not come may have been heard all the same, and nobody else would run it: so it is
        repeated, with the same token, until there is an answer.
        """
        token, repeated, pause = uuid.uuid4().hex, False, 0.1
        while True:
            asked = monotonic()
            try:
                claim = self._runs.claim(run_id, token, self._worker, self._lease_ms)
                return self._fresh(claim, repeated, asked)
            except StoreFull as error:
                outage.tell(log, error, f"Run {run_id} waits")
                sleep(FULL_PAUSE_SECONDS)
                return None
            except ResponseError as error:
                log.error("Run %s cannot be taken: %s", run_id, error)
                return None
            except StoreUnavailable as error:
                if self._draining:
                    log.warning("Run %s is left to the reaper: %s", run_id, error)
                    return None
                outage.tell(log, error, f"Run {run_id} is asked for again until there is an answer")
                sleep(pause)
                repeated, pause = True, min(pause * 2, 1.0)

    def _fresh(self, claim: Claim | None, repeated: bool, asked: float) -> tuple[Claim, float] | None:
        """A claim that may have been made some time ago must still hold, and hold long enough."""
        if claim is None or (
            repeated and self._runs.renew(claim.run_id, claim.token, self._lease_ms) in ("gone", "lost")
        ):
            return None
        return claim, asked

    def _carry_out(self, claim: Claim, asked: float) -> tuple[Claim, float] | None:
        """One run, whose end is recorded in the step that takes the next one. Returns that, if there is one."""
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
            log.info("This process is replaced: the run's bot has left in it %s", ", ".join(self._left_behind))

    def _end_and_take_next(self, claim: Claim, outcome: Outcome, retry: Retry | None) -> tuple[Claim, float] | None:
        token, repeated, pause = uuid.uuid4().hex, False, 0.1
        while True:
            asked = monotonic()
            try:
                following = self._runs.finish_and_claim(
                    claim, outcome, retry, rq_result(claim, outcome), token, self._worker, self._lease_ms
                )
                return self._fresh(following, repeated, asked)
            except StoreUnavailable as error:
                outage.tell(log, error, f"Run {claim.run_id} has ended, which is recorded later")
                sleep(pause)
                repeated, pause = True, min(pause * 2, 1.0)

    def _outcome(self, claim: Claim, timeout: int) -> Outcome:
        offset = claim.started_at / 1000 - monotonic()
        notes = Notes(
            lambda n, progress, lines: self._runs.note(claim.run_id, claim.token, n, progress=progress, lines=lines),
            lambda: offset + monotonic(),
            self._around.secrets.redacted,
        )
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


def _let_signals_through() -> None:
    """In a process that a bot has forked: what is sent to it, as by `multiprocessing`, means what it always does."""
    for signum in (signal.SIGINT, signal.SIGTERM, ORDER_SIGNAL):
        signal.signal(signum, signal.SIG_DFL)


def timeout_of(claim: Claim) -> int:
    """A run's `timeout_seconds`."""
    try:
        return claim.record.definition.options.timeout_seconds
    except UnreadableJob:
        return DEFAULT_TIMEOUT


def timed_out(timeout: int) -> str:
    """The error of a run whose time was up."""
    return f"timed out: the run took longer than its timeout_seconds, {timeout}"


def retry_after(claim: Claim, outcome: Outcome, bots: Mapping[str, type[Bot]]) -> Retry | None:
    """The run that follows on a failed one, if any."""
    if outcome.status != "failed" or outcome.final:
        return None
    attempt = int(claim.run["attempt"])
    bot = bots.get(claim.run["bot_type"])
    if outcome.error == WORKER_STOPPED and bot is not None and getattr(bot, "safe_to_rerun", False):
        return rerun_of(claim.run_id, attempt)
    try:
        options = claim.record.definition.options
    except UnreadableJob:
        return None
    return retry_of(claim.run_id, attempt, options, random.random, outcome.wait_seconds)


def end_patiently(
    runs: RunStore,
    claim: Claim,
    outcome: Outcome,
    retry: Retry | None,
    gives_up: Callable[[StoreUnavailable], bool] = lambda _: False,
) -> bool:
    """Records a run's end, waiting for Redis if it is away.

    Args:
        gives_up: whether to give up over an error (the reaper will end it then); else it goes on until the lease is
            lost, which whoever watches this process sees to.

    Returns:
        False if the run was not ours to end any more, or it was given up.
    """
    pause = 0.1
    while True:
        try:
            return runs.finish(claim.run_id, claim.token, outcome, retry=retry, rq_result=rq_result(claim, outcome))
        except StoreUnavailable as error:
            if gives_up(error):
                log.warning("Run %s: its end could not be recorded (%s); the reaper will", claim.run_id, error)
                return False
            outage.tell(log, error, f"Run {claim.run_id} has ended, which is recorded later")
            sleep(pause)
            pause = min(pause * 2, 1.0)


def rq_result(claim: Claim, outcome: Outcome) -> list[str]:
    """RQ's own result record of a run that failed, as a flat list of fields, so that rq-dashboard shows its error.

    A success has none: it would say nothing, for what bots return is in our history. A cancelled run has none either:
    RQ would call that a failure.
    """
    if outcome.status != "failed":
        return []
    result = Result(
        job_id=claim.run_id,
        type=Result.Type.FAILED,
        connection=None,  # type: ignore[arg-type]  # only its serialised form is wanted
        return_value=None,
        exc_string=outcome.error or outcome.status,
        worker_name=claim.run.get("worker", ""),
        serializer=JSONSerializer,
    )
    fields: dict[Any, Any] = result.serialize()
    return [part if isinstance(part, str) else str(part) for pair in fields.items() for part in pair]
