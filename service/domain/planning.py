"""When a job is due next, once something about it has changed. Pure: the time is passed in."""

from __future__ import annotations

from service.domain import schedules
from service.domain.job import JobDefinition
from service.domain.records import JobRecord, Plan


def new_record(job_id: str, definition: JobDefinition, now_ms: int) -> JobRecord:
    """A job that is made now."""
    return JobRecord(
        id=job_id, revision=1, definition=definition, plan=plan_anew(job_id, definition, now_ms),
        created_at=now_ms, updated_at=now_ms,
    )  # fmt: skip


def plan_anew(job_id: str, definition: JobDefinition, now_ms: int, record: JobRecord | None = None) -> Plan:
    """When a job is due next, planned from now; what was decided before stays decided.

    Args:
        record: the job as it was, if it existed.
    """
    anchor = -(-now_ms // 1000)
    if not definition.enabled:
        # A job that was switched off for its failures says so until it is switched on.
        reason = record.plan.reason if record and record.plan.state == "disabled" else None
        return Plan(anchor, None, None, "disabled", reason)
    decided = record.last_decided if record and record.last_decided is not None else 0
    # Strictly later than now, and than anything decided: a clock that stepped back decides nothing twice.
    after = max(now_ms // 1000, decided)
    return plan_after(job_id, definition, after, anchor)


def plan_after(job_id: str, definition: JobDefinition, after: int, anchor: int) -> Plan:
    """When a job is due first after an instant, epoch seconds."""
    following = schedules.next_occurrence(definition.schedule, definition.options, after, anchor)
    if following is None:
        return Plan(anchor, None, None, "ended", "no occurrence is left before ends_at")
    return Plan(anchor, following, schedules.due_ms(job_id, following, definition.options), "scheduled")


def changed_plan(record: JobRecord, definition: JobDefinition, now_ms: int) -> Plan:
    """When a job is due once it has another definition.

    Only switching it on or off, and another schedule or start, plan anew from now. Another end or jitter leaves the
    anchor and what is still to be decided as they are; anything else leaves the whole plan.
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
    """When an enabled job is due whose plan was lost: at the first occurrence not decided, late as it may be."""
    after = record.last_decided if record.last_decided is not None else record.created_at // 1000
    return plan_after(record.id, record.definition, after, record.plan.anchor)
