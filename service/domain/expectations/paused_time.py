"""Time in which a job was paused, which does not count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from service.domain.pauses.pause import Pause

Stretch = tuple[int, int | None]
"""From when to when a job was paused, ms; without an end if it is paused still."""


def paused_stretches(
    pauses: Iterable[Pause], now_ms: int, job_id: str, labels: Mapping[str, str], bot_type: str
) -> list[Stretch]:
    """List the stretches in which pauses covered a job, in order and apart.

    Args:
        pauses: those in force, and those that are over.
        now_ms: the time.
        job_id: the job.
        labels: the job's.
        bot_type: the job's.
    """
    its = [(one.since, one.end_at(now_ms)) for one in pauses if one.scope.takes(job_id, labels, bot_type)]
    found: list[Stretch] = []
    for since, end in sorted(its, key=lambda stretch: stretch[0]):
        last = found[-1] if found else None
        if last is None or (last[1] is not None and last[1] < since):
            found.append((since, end))
        elif last[1] is not None and (end is None or end > last[1]):
            found[-1] = (last[0], end)
    return found


def is_paused(stretches: Sequence[Stretch], at: int) -> bool:
    """Return whether a job was paused at an instant, ms."""
    return any(since <= at and (end is None or at < end) for since, end in stretches)


def deadline(base: int, length: int, stretches: Sequence[Stretch]) -> int | None:
    """Return when so much time has passed in which the job was not paused, ms; None if it is paused before that.

    Args:
        base: from when on, ms.
        length: how much, ms.
        stretches: when it was paused, in order and apart.
    """
    at = base + length
    for since, end in stretches:
        if end is not None and end <= base:
            continue
        if since >= at:
            break
        if end is None:
            return None
        at += end - max(since, base)
    return at
