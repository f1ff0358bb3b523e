"""Finding of one check, and the findings about processes and the queue that Redis and the API both provide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from service.domain.status import waits_long

State = Literal["ok", "warning", "problem", "unknown"]
WRITES_REFUSED = "See Redis' log: most often its disk or its memory is full"
"""What to do when Redis refuses writes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Args:
        check: The check's stable name.
        state: How bad it is. `unknown` if the check was not possible.
        found: What the check saw, in a sentence.
        advice: What to do about it.
    """

    check: str
    state: State
    found: str
    advice: str | None = None


def process_findings(
    schedulers: int, workers: int, leader: str | None, queued: int, waited: float, refused: bool = False
) -> Iterator[Finding]:
    """Report which processes run, and how long the queue is.

    Args:
        schedulers: How many schedulers send heartbeats.
        workers: How many workers send heartbeats.
        leader: The active scheduler's name. None if none is active.
        queued: How many runs are in the queue.
        waited: How long the oldest of them has waited, seconds.
        refused: Whether Redis refuses writes, and therefore heartbeats.
    """
    yield _scheduler(schedulers, leader, refused)
    if workers:
        yield Finding("workers", "ok", f"{workers} running")
    elif refused:
        yield _silenced("workers", "workers")
    else:
        yield Finding("workers", "problem", "no worker runs, so no queued run starts", "Start `bot-scheduler worker`")
    late = waits_long(waited)
    advice = "Raise WORKER_CONCURRENCY, or start more workers" if late else None
    waiting = ("1 run waits" if queued == 1 else f"{queued} runs wait") + (
        f", the oldest for {waited:.0f} s" if queued else ""
    )
    yield Finding("queue", "warning" if late else "ok", waiting, advice)


def _scheduler(schedulers: int, leader: str | None, refused: bool) -> Finding:
    if schedulers and leader:
        return Finding("scheduler", "ok", f"{schedulers} running; {leader} is active")
    if schedulers:
        return Finding("scheduler", "warning", f"{schedulers} running, none active yet", "Check again in 10 s")
    if refused:
        return _silenced("scheduler", "schedulers")
    found = "no scheduler is running, so no job starts when it is due"
    return Finding("scheduler", "problem", found, "Start `bot-scheduler scheduler`")


def _silenced(check: str, processes: str) -> Finding:
    return Finding(check, "unknown", f"Redis refuses writes, so {processes} cannot report that they run")
