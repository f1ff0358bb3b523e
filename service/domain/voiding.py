"""New plans for jobs about which something was decided while Redis' clock was ahead."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.edits.edited_plans import with_edits
from service.domain.planning import plan_after
from service.domain.records import JobRecord, Plan

TRUSTED_SECONDS = 7_200
"""A clock that was set back by less than this may be wrong now or have been wrong before: decisions stand."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """A job's new plan.

    Args:
        stands: decisions up to this occurrence stand, epoch seconds; later ones are made anew.
        plan: when the job is due next.
    """

    stands: int
    plan: Plan


def renewed(
    record: JobRecord,
    now_ms: int,
    sound_ms: int | None,
    first: int | None = None,
    ran: int | None = None,
    landed_ms: int | None = None,
    calendar: WorkCalendar | None = None,
) -> Renewed | None:
    """Plan a job anew, if something was decided about it by a clock that was ahead.

    Args:
        record: the job as it is.
        now_ms: the time, epoch milliseconds.
        sound_ms: up to when the clock was right; None if nobody saw when it went ahead.
        first: the first occurrence, epoch seconds, that was decided after that, if it is known.
        ran: the newest past occurrence, epoch seconds, that was enqueued after that: its decision stands.
        landed_ms: where the clock landed when it was set back, if nobody saw it go ahead: later ones were missed.
        calendar: the job's, if it has one.

    Returns:
        None if the job stays as it is.
    """
    now, decided, anchor = now_ms // 1000, record.last_decided or 0, record.plan.anchor
    latest = now + TRUSTED_SECONDS if sound_ms is None else now
    # An anchor is rounded up to a second. One up to then may date from before a step back that stands.
    planned_ahead = anchor > max(latest, (sound_ms or 0) // 1000) + 1
    # A future occurrence that was decided before `sound_ms` was decided before a step back that stands, too.
    decided_before = 0 if sound_ms is None else sound_ms // 1000 if first is None else first - 1
    decided_ahead = decided > max(latest, decided_before)
    edited_ahead = record.edited_until is not None and record.edited_until > latest * 1000
    if not planned_ahead and not decided_ahead:
        # What is due next, and what was decided, stays; but not what was decided about a changed occurrence.
        return Renewed(decided, record.plan) if edited_ahead else None
    if planned_ahead:  # made, switched on or given its schedule then: it owes no earlier occurrence
        anchor = -(-now_ms // 1000)
    if not decided_ahead:
        stands = max(now, decided)
    elif planned_ahead:
        stands = now
    elif sound_ms is None:
        landed = now_ms if landed_ms is None else landed_ms
        stands = min(now, max(landed // 1000, ran or 0, anchor - 1))
    else:
        stands = max(decided_before, ran or 0)
    if record.plan.state == "broken" or not record.definition.enabled:
        state, why = record.plan.state, record.plan.reason
        return Renewed(stands, Plan(anchor, None, None, state, why, record.plan.calendar, after=stands))
    plan = plan_after(record.id, record.definition, stands, anchor, calendar)
    return Renewed(stands, with_edits(record.id, record.definition, plan, record.edits, calendar))
