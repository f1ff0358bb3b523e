"""What one check of `doctor` found; and the checks that Redis and the API can both answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from service.domain.status import waits_long

State = Literal["ok", "warning", "problem", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Args:
        check: its name, stable.
        state: how bad it is; `unknown`: it could not be looked at.
        found: what was seen, in a sentence.
        advice: what to do about it.
    """

    check: str
    state: State
    found: str
    advice: str | None = None


CANNOT_SAY = "cannot say that they are up, since Redis refuses writes"


def crew(
    schedulers: int, workers: int, leader: str | None, queued: int, waited: float, refused: bool = False
) -> Iterator[Finding]:
    """Who is up and what waits.

    Args:
        waited: for how long the oldest run in the queue has been there, seconds.
        refused: Redis takes no writes, and therefore no heartbeats.
    """
    if schedulers and leader:
        yield Finding("scheduler", "ok", f"{schedulers} up, {leader} acts")
    elif schedulers:
        yield Finding("scheduler", "warning", f"{schedulers} up, none acts yet", "Look again in 10 s")
    elif refused:
        yield Finding("scheduler", "unknown", f"schedulers {CANNOT_SAY}")
    else:
        yield Finding("scheduler", "problem", "none is up: nothing will start by itself", "Start `python scheduler.py`")
    if workers:
        yield Finding("workers", "ok", f"{workers} up")
    elif refused:
        yield Finding("workers", "unknown", f"workers {CANNOT_SAY}")
    else:
        yield Finding("workers", "problem", "none is up: nothing that is queued will run", "Start `python worker.py`")
    late = waits_long(waited)
    advice = "Raise WORKER_CONCURRENCY, or start more workers" if late else None
    told = ("1 run waits" if queued == 1 else f"{queued} runs wait") + (
        f", the oldest for {waited:.0f} s" if queued else ""
    )
    yield Finding("queue", "warning" if late else "ok", told, advice)
