"""Plans of due jobs, as `lua/decide.lua` takes them."""

from __future__ import annotations

from typing import Any

from service.domain import schedules
from service.domain.edits.edit import Edits
from service.domain.edits.edited_plans import next_run_of
from service.domain.options import SUPERSEDING
from service.domain.planning import next_run_after, why_ended
from service.domain.records import DueJob
from service.domain.schedules.run_members import stored_members

MOST_DECISIONS = 100
"""Most decisions of one plan, since one call of the script commits all of them. The job is due again at once for the
rest."""


def name_of_plan(job: DueJob) -> str:
    """Name the plan of a due job: jobs with one name share one plan."""
    return f"{job.kind if job.shares_its_plan else job.id}/{job.due}"


def plan_of(job: DueJob, now_ms: int) -> dict[str, Any]:
    """Plan one due job, or all that share its plan.

    Args:
        job: it may be due a moment from now.
        now_ms: the time, epoch milliseconds.

    Returns:
        The plan, as of now, or as of the job's due instant if that is later.

    Raises:
        ArithmeticError, LookupError, ValueError, ValidationFailed: it cannot be planned.
    """
    as_of = max(now_ms, job.due)
    first = _first_undecided(job)
    if first is None:
        decided = job.last_decided or 0
        return _worded(job, as_of, [], decided + 1, decided, None)
    schedule, options = job.definition.schedule, job.definition.options
    edited = job.edits.instants
    plan = _cut(schedules.plan(job.id, schedule, options, first, job.anchor, as_of, job.calendar, edited))
    decisions = [_decision(decision, job) for decision in plan.decisions]
    return _worded(job, as_of, decisions, first, plan.last_decided, plan.next)


def _cut(plan: schedules.Plan) -> schedules.Plan:
    """Leave the last decisions of a long plan to the next one.

    They are two at least: a last one by itself would be taken for a punctual occurrence, which has nothing to catch up.
    """
    if len(plan.decisions) <= MOST_DECISIONS + 1:
        return plan
    kept, following = plan.decisions[:MOST_DECISIONS], plan.decisions[MOST_DECISIONS]
    return schedules.Plan(kept, kept[-1].last_occurrence, following.occurrence)


def _decision(decision: schedules.Decision, job: DueJob) -> dict[str, Any]:
    """Word a decision; what it need not say is left out, since Redis reads this again and again."""
    worded: dict[str, Any] = {"occurrence": str(decision.occurrence)}
    if decision.action == "skip":
        return worded | {
            "reason": decision.reason, "last_occurrence": str(decision.last_occurrence),
            "occurrences": str(decision.occurrences),
            **({} if decision.closed is None else {"closed": decision.closed}),
        }  # fmt: skip
    options = job.definition.options
    worded["due"] = str(schedules.due_ms(job.id, decision.occurrence, options))
    members = schedules.members_due(job.definition.schedule, options, decision.occurrence, job.anchor, job.calendar)
    if members and (told := stored_members(members)):
        worded["members"] = told
    return worded | {"waits": True} if decision.waits else worded


def _first_undecided(job: DueJob) -> int | None:
    """Find the occurrence with which the plan begins: the job's next one.

    Outside hands may have set that back to an occurrence that is decided already; then it is the one after that.
    """
    first, decided = job.next_occurrence, job.last_decided
    if first is None or decided is None or first > decided:
        return first
    return schedules.next_occurrence(job.definition.schedule, job.definition.options, decided, job.anchor, job.calendar)


def _worded(
    job: DueJob, as_of: int, decisions: list[dict[str, Any]], first: int, last_decided: int, following: int | None
) -> dict[str, Any]:
    options = job.definition.options
    occurrence = "" if job.next_occurrence is None else str(job.next_occurrence)
    plan: dict[str, Any] = {
        "as_of": as_of, "occurrence": occurrence, "first": str(first), "last_decided": str(last_decided),
        "decisions": decisions, "limit": options.max_concurrent_runs,
    }  # fmt: skip
    if options.overlap != "skip":
        plan["queues"] = True
    if options.overlap in SUPERSEDING:
        plan["overlap"] = options.overlap
    if not job.shares_its_plan:
        plan["revision"] = str(job.revision)
        if job.kind != job.stored_kind:
            plan["kind"] = job.kind or ""
    if following is None and job.edits.pending:
        plan["rests"] = True
    elif following is None:
        plan["ended"] = why_ended(options)
        if options.delete_after_seconds is not None:
            plan["delete_after"] = options.delete_after_seconds * 1000
    else:
        plan["next_occurrence"] = str(following)
        plan["next_due"] = str(schedules.due_ms(job.id, following, options))
    if job.planned_by is not None:
        plan["calendar"] = job.planned_by
    passed = [at for at, edit in job.edits.each.items() if at <= last_decided and edit.decided is not None]
    if job.edits.stamp:
        plan["edits"], plan["forget"] = job.edits.stamp, [str(at) for at in passed]
    if job.planned_by is not None or job.edits.stamp:
        next_run = _next_run(job, following, job.edits.without(*passed))
        plan["next_run"] = "" if next_run is None else str(next_run)
    return plan


def _next_run(job: DueJob, following: int | None, edits: Edits) -> int | None:
    schedule, options = job.definition.schedule, job.definition.options
    if edits.each:
        return next_run_of(job.id, schedule, options, following, job.anchor, job.calendar, edits)
    return None if following is None else next_run_after(
        job.id, schedule, options, following, job.anchor, job.calendar
    )  # fmt: skip
