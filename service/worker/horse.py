"""The work horse: a child process that runs one bot and dies with its parent.

The parent steers it by signals: SIGUSR1 asks the bot to stop (`context.cancelled`), SIGUSR2 says that its time is up.
SIGTERM and SIGINT may reach every process at once and are for the parent alone.
"""

from __future__ import annotations

import ctypes
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from rq.results import Result
from rq.serializers import JSONSerializer

from service.bots.protocol import Bot
from service.errors import ServiceError, StoreUnavailable
from service.retries import rerun_of, retry_of
from service.runner import WORKER_STOPPED, Notes, RunInterrupted, StopFlag, Surroundings, carry_out, partial_result
from service.store.jobs import UnreadableJob, read_job
from service.store.runs import Claim, Outcome, Retry, RunStore

log = logging.getLogger(__name__)

STOP_SIGNAL = signal.SIGUSR1
TIME_UP_SIGNAL = signal.SIGUSR2

PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """Has the kernel kill this process when its parent dies (Linux, prctl(2)); elsewhere the lease must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            os._exit(1)


def fork(main: Callable[[], None]) -> int:
    """Forks a child in a process group of its own that runs `main` and exits. Returns its process id."""
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        try:
            # In the parent too, so that killing the group can never hit the parent's own.
            os.setpgid(child, child)
        except OSError:
            pass
        return child
    status = 1
    try:
        os.setpgid(0, 0)
        die_with_parent(parent)
        main()
        status = 0
    except BaseException:
        log.exception("The work horse failed")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def run_in_horse(claim: Claim, runs: RunStore, around: Surroundings, timeout: int) -> None:
    """Runs the claimed run's bot and records its end.

    Args:
        claim: the run.
        runs: on a connection that this process alone uses.
        around: what the bot needs.
        timeout: the run's, seconds, for its error's text.
    """
    random.seed()
    interruptible = [True]
    _listen(around.stop, interruptible)
    offset = claim.started_at / 1000 - time.monotonic()
    notes = Notes(
        lambda n, progress, lines: runs.note(claim.run_id, claim.token, n, progress=progress, lines=lines),
        lambda: offset + time.monotonic(),
    )
    try:
        outcome = carry_out(claim, around, notes)
        if not interruptible[0]:  # its bot swallowed the interruption and went on to its own end
            outcome = Outcome("failed", timed_out(timeout), outcome.result)
    except RunInterrupted as interruption:
        outcome = Outcome("failed", timed_out(timeout), partial_result(interruption))
    except BaseException as error:  # noqa: BLE001 - sys.exit() in a bot is its run's failure, too
        outcome = Outcome("failed", f"The bot ended its process: {type(error).__name__}: {error}")
    interruptible[0] = False
    notes.close()
    finish_patiently(runs, claim, outcome, retry_after(claim, outcome, around.bots), deadline=None)


def _listen(stop: StopFlag, interruptible: list[bool]) -> None:
    def asked_to_stop(signum: int, frame: FrameType | None) -> None:
        stop.raised = True

    def time_is_up(signum: int, frame: FrameType | None) -> None:
        if interruptible[0]:
            interruptible[0] = False
            raise RunInterrupted

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(STOP_SIGNAL, asked_to_stop)
    signal.signal(TIME_UP_SIGNAL, time_is_up)


def timed_out(timeout: int) -> str:
    """The error of a run whose time was up."""
    return f"timed out: the run took longer than its timeout_seconds, {timeout}"


def retry_after(claim: Claim, outcome: Outcome, bots: Mapping[str, type[Bot]]) -> Retry | None:
    """The run that follows on a failed one, if any."""
    if outcome.status != "failed":
        return None
    attempt = int(claim.run["attempt"])
    bot = bots.get(claim.run["bot_type"])
    if outcome.error == WORKER_STOPPED and bot is not None and getattr(bot, "safe_to_rerun", False):
        return rerun_of(claim.run_id, attempt)
    try:
        options = read_job(claim.job).definition.options
    except UnreadableJob:
        return None
    return retry_of(claim.run_id, attempt, options, random.random)


def finish_patiently(
    runs: RunStore, claim: Claim, outcome: Outcome, retry: Retry | None, deadline: float | None
) -> bool:
    """Records a run's end, waiting for Redis if it is away.

    Args:
        deadline: monotonic seconds after which to give up (the reaper will end it then); None to go on until the
            lease is lost, which whoever watches this process sees to.

    Returns:
        False if the run was not ours to end any more, or the deadline passed.
    """
    pause = 0.1
    while True:
        try:
            return runs.finish(claim.run_id, claim.token, outcome, retry=retry, rq_result=rq_result(claim, outcome))
        except StoreUnavailable as error:
            if deadline is not None and time.monotonic() + pause > deadline:
                log.warning("Run %s: its end could not be recorded (%s); the reaper will", claim.run_id, error)
                return False
            time.sleep(pause)
            pause = min(pause * 2, 1.0)
        except ServiceError:
            raise


def rq_result(claim: Claim, outcome: Outcome) -> list[str]:
    """RQ's own result record of a run, as a flat list of fields, so that rq-dashboard shows its error."""
    ok = outcome.status == "success"
    result = Result(
        job_id=claim.run_id,
        type=Result.Type.SUCCESSFUL if ok else Result.Type.FAILED,
        connection=None,  # type: ignore[arg-type]  # only its serialised form is wanted
        return_value=None,
        exc_string=None if ok else outcome.error or outcome.status,
        worker_name=claim.run.get("worker", ""),
        serializer=JSONSerializer,
    )
    fields: dict[Any, Any] = result.serialize()
    return [part if isinstance(part, str) else str(part) for pair in fields.items() for part in pair]
