"""Plans of when a job is due next, made when something about the job, or its calendar, changes.

`calendar` is the job's own, as it is now; None for a job without one.
"""

from __future__ import annotations

from dataclasses import replace

from service.domain import schedules
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.heartbeats.terms import is_watched
from service.domain.job import JobDefinition
from service.domain.options import Options
from service.domain.records import NONE_RUNS, JobRecord, Plan
from service.domain.schedules.closed.closed_days import next_open
from service.domain.schedules.definition import Schedule

LONG_TYPES = ("rrule", "any")
"""Types of schedules whose search for an occurrence may take a fraction of a second."""


def takes_long(definition: JobDefinition) -> bool:
    """Return whether a job's schedule may take long to check and to plan: too long for an event loop.

    A calendar's holidays have tables of their own to read, and an occurrence may be looked for through years of it.
    """
    return definition.schedule_type in LONG_TYPES or definition.options.calendar is not None


def new_record(job_id: str, definition: JobDefinition, now_ms: int, calendar: WorkCalendar | None = None) -> JobRecord:
    """Make the record of a new job, planned from now."""
    return JobRecord(
        id=job_id, revision=1, definition=definition, plan=plan_anew(job_id, definition, now_ms, None, calendar),
        created_at=now_ms, updated_at=now_ms,
    )  # fmt: skip


def plan_anew(
    job_id: str, definition: JobDefinition, now_ms: int, record: JobRecord | None = None,
    calendar: WorkCalendar | None = None,
) -> Plan:  # fmt: skip
    """Plan from now when a job is due next; earlier decisions stand.

    Args:
        job_id: part of the jitter's seed.
        definition: the job's, from now on.
        now_ms: the time.
        record: the job as it was, if it existed.
        calendar: see above.
    """
    anchor = -(-now_ms // 1000)
    decided = record.last_decided if record and record.last_decided is not None else 0
    # Strictly later than now, and than anything decided: a clock that stepped back decides nothing twice.
    after = max(now_ms // 1000, decided)
    if not definition.enabled:
        # A job that its failures have switched off says so until somebody switches it on.
        reason = record.plan.reason if record and record.plan.state == "disabled" else None
        return Plan(anchor, None, None, "disabled", reason, reference(calendar), after=after)
    return plan_after(job_id, definition, after, anchor, calendar)


def plan_after(
    job_id: str, definition: JobDefinition, after: int, anchor: int, calendar: WorkCalendar | None = None
) -> Plan:
    """Plan when a job is due first after an instant.

    Args:
        job_id: part of the jitter's seed.
        definition: the job's.
        after: the instant, epoch seconds.
        anchor: what an interval counts from, epoch seconds.
        calendar: see above.
    """
    schedule, options = definition.schedule, definition.options
    following = schedules.next_occurrence(schedule, options, after, anchor, calendar)
    if following is None:
        ended = "no occurrence is left before ends_at"
        return Plan(anchor, None, None, "ended", ended, reference(calendar), after=after)
    if is_watched(definition.bot_type):
        return _watched_plan(definition, after, anchor, calendar)
    next_run = next_run_after(job_id, schedule, options, following, anchor, calendar)
    due = schedules.due_ms(job_id, following, options)
    return Plan(anchor, following, due, "scheduled", None, reference(calendar), next_run, after)


def _watched_plan(definition: JobDefinition, after: int, anchor: int, calendar: WorkCalendar | None) -> Plan:
    """Plan a job that is never due, since others do its work. Whoever judges its pings moves `next_run` on."""
    found = next_open(definition.schedule, definition.options, after, anchor, calendar)
    next_run = NONE_RUNS if found is None else found.at * 1000
    return Plan(anchor, None, None, "scheduled", None, reference(calendar), next_run, after)


def why_ended(options: Options) -> str:
    """Say why a job has no occurrence any more."""
    return "no occurrence is left before ends_at" if options.ends_at else "it never comes again"


def next_run_after(
    job_id: str, schedule: Schedule, options: Options, upcoming: int, anchor: int, calendar: schedules.Calendar | None
) -> int | None:
    """Find when an occurrence is due that runs, ms, if the upcoming one is closed, or `NONE_RUNS`; None if that runs.

    Args:
        job_id: part of the jitter's seed.
        schedule: the job's.
        options: the job's.
        upcoming: the job's next occurrence, epoch seconds.
        anchor: what an interval counts from, epoch seconds.
        calendar: see above.
    """
    if calendar is None:
        return None
    found = next_open(schedule, options, upcoming - 1, anchor, calendar)
    if found is None:
        return NONE_RUNS
    return None if found.at == upcoming else schedules.due_ms(job_id, found.at, options)


def reference(calendar: WorkCalendar | None) -> str | None:
    """Write which calendar a job was planned by, as its hash keeps it: `name/stamp`."""
    return None if calendar is None else f"{calendar.definition.name}/{calendar.stamp}"


def changed_plan(
    record: JobRecord, definition: JobDefinition, now_ms: int, calendar: WorkCalendar | None = None
) -> Plan:
    """Plan when a job is due with another definition.

    Switching it on or off, another schedule, another start, another calendar and another `on_closed` plan anew from
    now. Another end or jitter, and other closed days of its calendar, keep the anchor and the undecided occurrences;
    any other change keeps the whole plan.

    Args:
        record: the job as it is.
        definition: the job's, from now on.
        now_ms: the time.
        calendar: see above.
    """
    if record.plan.state == "broken" or _basis(record.definition) != _basis(definition):
        return plan_anew(record.id, definition, now_ms, record, calendar)
    before, options = record.definition.options, definition.options
    if record.plan.calendar != reference(calendar):
        return plan_by_calendar(replace(record, definition=definition), now_ms, calendar)
    if (before.ends_at, before.jitter_seconds) == (options.ends_at, options.jitter_seconds):
        return record.plan
    if not definition.enabled:
        return record.plan
    first = record.plan.next_occurrence
    after = first - 1 if first is not None else max(now_ms // 1000, record.last_decided or 0)
    plan = plan_after(record.id, definition, after, record.plan.anchor, calendar)
    # Another jitter changes no instant, and what a heartbeat job owes already is not over with another end.
    keeps = before.ends_at == options.ends_at or is_watched(definition.bot_type)
    return replace(plan, after=record.plan.after) if keeps else plan


def _basis(definition: JobDefinition) -> tuple[object, ...]:
    options = definition.options
    return (definition.enabled, definition.schedule, options.starts_at, options.calendar, options.on_closed)


def plan_by_calendar(record: JobRecord, now_ms: int, calendar: WorkCalendar | None) -> Plan:
    """Plan a job whose calendar has changed: from now, or from its first undecided occurrence if that is overdue.

    Args:
        record: the job.
        now_ms: the time.
        calendar: see above.
    """
    plan = record.plan
    if plan.state == "broken" or not record.definition.enabled:
        return replace(plan, calendar=reference(calendar))
    found = plan_after(record.id, record.definition, decided_until(record, now_ms), plan.anchor, calendar)
    return replace(found, after=plan.after) if is_watched(record.definition.bot_type) else found


def decided_until(record: JobRecord, now_ms: int) -> int:
    """Return after which instant, epoch seconds, an enabled job's occurrences are those of a changed calendar."""
    first, now = record.plan.next_occurrence, now_ms // 1000
    return max(now if first is None else min(now, first - 1), record.last_decided or 0)


def plan_again(record: JobRecord, calendar: WorkCalendar | None = None) -> Plan:
    """Plan an enabled job whose plan was lost: at its first undecided occurrence, however late that is."""
    after = record.last_decided if record.last_decided is not None else record.created_at // 1000
    plan = plan_after(record.id, record.definition, after, record.plan.anchor, calendar)
    return replace(plan, after=record.plan.after)
