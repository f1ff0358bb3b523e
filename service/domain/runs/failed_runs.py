"""Failed runs of a job that nothing has made up for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """An entry of a job's history.

    Args:
        run_id: the run's id.
        status: the run's.
        queued_at: ms.
        scheduled_for: its occurrence, epoch seconds; None of a run by hand.
        repeats: the runs of which it is a retry, or which it does again.
        rehearsal: whether it is a rehearsal.
        overlay: laid over the job's `bot_config`, JSON; None for nothing.
        bound: whether it could only use secrets that are bound to hosts.
    """

    run_id: str
    status: str
    queued_at: int
    scheduled_for: int | None = None
    repeats: tuple[str, ...] = ()
    rehearsal: bool = False
    overlay: str | None = None
    bound: bool = False


def unmade(history: Iterable[Attempt], since_ms: int) -> list[Attempt]:
    """Find the runs that have failed and that are to be done again, the oldest first.

    Of each occurrence, and of each run by hand with its retries and repetitions, the newest run counts. It is found if
    it has failed. So nothing is found whose retry still waits, or that somebody has done again in the meantime.

    Args:
        history: the newest first.
        since_ms: only runs that were queued from then on.
    """
    found, made_up, decided = [], set[str](), set[int]()
    for run in history:
        if run.rehearsal:
            continue
        is_newest = run.run_id not in made_up and run.scheduled_for not in decided
        made_up.update(run.repeats)
        if run.scheduled_for is not None:
            decided.add(run.scheduled_for)
        if is_newest and run.status == "failed" and run.queued_at >= since_ms:
            found.append(run)
    return found[::-1]
