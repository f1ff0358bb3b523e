"""The end of a run: its outcome if its horse died, its retry, RQ's record of it, and recording all that patiently."""

from __future__ import annotations

import logging
import os
import random
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import sleep  # as it is now: a bot may put another in its place
from typing import Any

from rq.results import Result
from rq.serializers import JSONSerializer

from service.backoff import Backoff
from service.bots.protocol import Bot
from service.domain.expectations.results import unmet
from service.domain.records import UnreadableJob
from service.domain.retries import follow_up
from service.domain.run_records import Claim, Outcome, Retry
from service.errors import StoreUnavailable
from service.outage import outage
from service.store.runs.run_hashes import RunStore
from service.worker.runner import WORKER_STOPPED
from service.worker.watchdog import HEED_SECONDS

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 3600
"""Seconds that a run may take whose job cannot be read."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
"""Seconds between tries to reach Redis."""


def timeout_of(claim: Claim) -> int:
    """Return a run's `timeout_seconds`."""
    try:
        return claim.record.definition.options.timeout_seconds
    except UnreadableJob:
        return DEFAULT_TIMEOUT


def timed_out(timeout: int) -> str:
    """Return the error of a run that took longer than `timeout` seconds."""
    return f"timed out: the run took longer than its timeout_seconds, {timeout}"


def outcome_of_death(claim: Claim, why: str | None, status: int) -> Outcome:
    """Return the outcome of a run whose horse died before it could record the end itself, in words for people.

    Args:
        claim: the run that the horse held.
        why: why it was killed: as `service.worker.watchdog` says, or `defaced`; None if nobody killed it.
        status: the wait status of the horse.
    """
    match why:
        case "cancel" | "gone":
            return Outcome("cancelled", f"cancelled; killed because the bot did not stop within {HEED_SECONDS:.0f} s")
        case "timeout":
            killed = f"; killed because the bot did not stop within {HEED_SECONDS:.0f} s"
            return Outcome("failed", timed_out(timeout_of(claim)) + killed)
        case "shutdown":
            return Outcome("failed", WORKER_STOPPED)
        case "defaced":
            return Outcome("failed", "killed because its process wrote over memory that it shares with its worker")
        case "unrenewed" | "lost":
            return Outcome("failed", "killed because its worker lost touch with Redis and could not keep its lease")
    return Outcome("failed", _death(status))


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"the bot's process was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"the bot's process exited with status {os.waitstatus_to_exitcode(status)} before its end was recorded"


def judged(claim: Claim, outcome: Outcome) -> Outcome:
    """Return a run's outcome, which has no secrets any more, with what the job expects of its result and is not met."""
    if outcome.status != "success" or b'"result":' not in claim.job.get(b"options", b""):
        return outcome
    if claim.run.get("rehearsal") == "1":
        return outcome
    try:
        said = unmet(claim.record.definition.options.expect, outcome.result)
    except UnreadableJob:
        return outcome
    return outcome if said is None else replace(outcome, unmet=said)


def retry_after(claim: Claim, outcome: Outcome, bots: Mapping[str, type[Bot]]) -> Retry | None:
    """Return the run that follows on a failed one, if any.

    Args:
        claim: the failed run.
        outcome: how it ended.
        bots: every bot there is, by name.
    """
    bot = bots.get(claim.run.get("bot_type", ""))
    rerun = outcome.error == WORKER_STOPPED and getattr(bot, "safe_to_rerun", False)
    return follow_up(claim, outcome, random.random, rerun=rerun)


def end_patiently(
    runs: RunStore,
    claim: Claim,
    outcome: Outcome,
    retry: Retry | None,
    gives_up: Callable[[StoreUnavailable], bool] = lambda _: False,
) -> bool:
    """Record a run's end, and wait for Redis if it is away.

    Args:
        runs: the run store.
        claim: the run.
        outcome: how it ended.
        retry: the run that follows on it, if any.
        gives_up: whether to give up over an error, and leave the end to the reaper. Otherwise this goes on until the
            lease is lost, which the watcher of this process handles.

    Returns:
        False if the run was no longer ours to end, or this gave up.
    """
    backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
    while True:
        try:
            return runs.finish(claim.run_id, claim.token, outcome, retry=retry, rq_result=rq_result(claim, outcome))
        except StoreUnavailable as error:
            if gives_up(error):
                log.warning(
                    "Run %s: its end could not be recorded (%s); the reaper will record it", claim.run_id, error
                )
                return False
            outage.tell(log, error, f"Run {claim.run_id} has ended; the end will be recorded later")
            sleep(backoff.next())


def release_patiently(runs: RunStore, claim: Claim) -> None:
    """Release a claim whose run has not begun, and wait for Redis if it is away. A run to be cancelled ends so."""
    backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
    while True:
        try:
            if runs.release(claim) == "cancel":
                end_patiently(runs, claim, Outcome("cancelled"), None)
            return
        except StoreUnavailable as error:
            outage.tell(log, error, f"Run {claim.run_id} was claimed too early; it will be given back later")
            sleep(backoff.next())


def rq_result(claim: Claim, outcome: Outcome) -> list[str]:
    """Return RQ's own result record of a failed run, as a flat list of fields, so that rq-dashboard shows its error.

    A success has none: it would add nothing, since our history has what bots return. A cancelled run has none either:
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
