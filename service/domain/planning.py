"""Plans of when a job is due next, made when something about the job changes."""

from __future__ import annotations

from service.domain import schedules
from service.domain.job import JobDefinition
from service.domain.records import JobRecord, Plan


def new_record(job_id: str, definition: JobDefinition, now_ms: int) -> JobRecord:
    """Make the record of a new job, planned from now."""
    return JobRecord(
        id=job_id, revision=1, definition=definition, plan=plan_anew(job_id, definition, now_ms),
        created_at=now_ms, updated_at=now_ms,
    )  # fmt: skip


def plan_anew(job_id: str, definition: JobDefinition, now_ms: int, record: JobRecord | None = None) -> Plan:
    """Plan from now when a job is due next; earlier decisions stand.

    Args:
        job_id: part of the jitter's seed.
        definition: the job's, from now on.
        now_ms: the time.
        record: the job as it was, if it existed.
    """
    anchor = -(-now_ms // 1000)
    if not definition.enabled:
        # A job that its failures have switched off says so until somebody switches it on.
        reason = record.plan.reason if record and record.plan.state == "disabled" else None
        return Plan(anchor, None, None, "disabled", reason)
    decided = record.last_decided if record and record.last_decided is not None else 0
    # Strictly later than now, and than anything decided: a clock that stepped back decides nothing twice.
    after = max(now_ms // 1000, decided)
    return plan_after(job_id, definition, after, anchor)


def plan_after(job_id: str, definition: JobDefinition, after: int, anchor: int) -> Plan:
    """Plan when a job is due first after an instant.

    Args:
        job_id: part of the jitter's seed.
        definition: the job's.
        after: the instant, epoch seconds.
        anchor: what an interval counts from, epoch seconds.
    """
    following = schedules.next_occurrence(definition.schedule, definition.options, after, anchor)
    if following is None:
        return Plan(anchor, None, None, "ended", "no occurrence is left before ends_at")
    return Plan(anchor, following, schedules.due_ms(job_id, following, definition.options), "scheduled")


def changed_plan(record: JobRecord, definition: JobDefinition, now_ms: int) -> Plan:
    """Plan when a job is due with another definition.

    Switching it on or off, another schedule and another start plan anew from now. Another end or jitter keeps the
    anchor and the undecided occurrences; any other change keeps the whole plan.

    Args:
        record: the job as it is.
        definition: the job's, from now on.
        now_ms: the time.
    """
    before, options = record.definition, definition.options
    if record.plan.state == "broken" or (before.enabled, before.schedule, before.options.starts_at) != (
        definition.enabled, definition.schedule, options.starts_at
    ):  # fmt: skip
        return plan_anew(record.id, definition, now_ms, record)
    if (before.options.ends_at, before.options.jitter_seconds) == (options.ends_at, options.jitter_seconds):
        return record.plan
    if not definition.enabled:
        return record.plan
    first = record.plan.next_occurrence
    after = first - 1 if first is not None else max(now_ms // 1000, record.last_decided or 0)
    return plan_after(record.id, definition, after, record.plan.anchor)


def plan_again(record: JobRecord) -> Plan:
    """Plan an enabled job whose plan was lost: at its first undecided occurrence, however late that is."""
    after = record.last_decided if record.last_decided is not None else record.created_at // 1000
    return plan_after(record.id, record.definition, after, record.plan.anchor)
