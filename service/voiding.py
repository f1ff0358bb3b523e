"""What becomes of a job about which something was decided while Redis' clock was ahead. Pure: the time is passed in."""

from __future__ import annotations

from dataclasses import dataclass

from service.planning import plan_after
from service.store.jobs import JobRecord, Plan

TRUSTED_SECONDS = 7_200
"""A clock that was set back by less than this may be wrong now or have been wrong before: what was decided stands."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """A job's plan, made anew.

    Args:
        stands: every occurrence at or before it is decided, epoch seconds; later ones are decided anew.
        plan: when it is due next.
    """

    stands: int
    plan: Plan


def latest_trusted(now_ms: int, sound_ms: int | None) -> int:
    """The latest instant, epoch seconds, about which something may have been decided by a clock that was right."""
    now = now_ms // 1000
    return now + TRUSTED_SECONDS if sound_ms is None else max(now, sound_ms // 1000)


def renewed(record: JobRecord, now_ms: int, sound_ms: int | None, ran: int | None = None) -> Renewed | None:
    """The job's plan from now on, if something was decided about it by a clock that was ahead.

    Args:
        record: the job as it is.
        now_ms: the time, epoch milliseconds.
        sound_ms: up to when decisions were made by a clock that was right; None if nobody saw when it went ahead.
        ran: the newest occurrence, epoch seconds, that is over and was enqueued since: it stays decided.

    Returns:
        None if the job is to stay as it is.
    """
    now, latest = now_ms // 1000, latest_trusted(now_ms, sound_ms)
    decided, anchor = record.last_decided, record.plan.anchor
    planned_ahead = anchor > latest + 1  # an anchor is rounded up to a second
    decided_ahead = decided is not None and decided > latest
    if not planned_ahead and not decided_ahead:
        return None
    if planned_ahead:  # made, switched on or given its schedule then: it owes nothing of before
        anchor = -(-now_ms // 1000)
    if not decided_ahead:
        stands = max(now, decided or 0)
    elif planned_ahead or sound_ms is None:
        stands = now
    else:
        stands = max(sound_ms // 1000, ran or 0)
    if record.plan.state == "broken" or not record.definition.enabled:
        return Renewed(stands, Plan(anchor, None, None, record.plan.state, record.plan.reason))
    return Renewed(stands, plan_after(record.id, record.definition, stands, anchor))
