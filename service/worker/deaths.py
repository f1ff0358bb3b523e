"""How a run ended whose work horse died before it could say so itself."""

from __future__ import annotations

import os
import signal

from service.domain.run_records import Claim, Outcome
from service.worker.horse import timed_out, timeout_of
from service.worker.runner import WORKER_STOPPED
from service.worker.watchdog import HEED_SECONDS


def outcome_of_death(claim: Claim, why: str | None, status: int) -> Outcome:
    """The outcome in words for people.

    Args:
        claim: the run that the horse held.
        why: the reason to end it that `service.worker.watchdog` had, None if it had none.
        status: the wait status of the horse.
    """
    match why:
        case "cancel" | "gone":
            return Outcome(
                "cancelled", f"cancelled; killed because the bot did not heed it within {HEED_SECONDS:.0f} s"
            )
        case "timeout":
            killed = f"; killed because the bot did not heed it within {HEED_SECONDS:.0f} s"
            return Outcome("failed", timed_out(timeout_of(claim)) + killed)
        case "shutdown":
            return Outcome("failed", WORKER_STOPPED)
        case "unrenewed" | "lost":
            return Outcome("failed", "killed because its worker lost touch with Redis and could not keep its lease")
    return Outcome("failed", _death(status))


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"the bot's process was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"the bot's process exited with status {os.waitstatus_to_exitcode(status)} before its end was recorded"
