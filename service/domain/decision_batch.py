"""Plans of a batch of due jobs, as the argument of `lua/decide.lua`."""

from __future__ import annotations

from typing import Any

from service.domain import schedules
from service.domain.records import DueJob
from service.domain.schedules.definition import Interval


class DecisionBatch:
    """The plans of a batch of due jobs. Jobs that are alike and due at the same instant share a plan.

    Args:
        now_ms: when the batch was read.
    """

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._plans: list[dict[str, Any]] = []
        self._jobs: list[tuple[str, str, int]] = []
        self.decisions = 0
        """Number of decisions in the batch; a job without any counts as one."""

    def add(self, job: DueJob) -> None:
        """Plan one more job, whose next occurrence is due.

        Raises:
            ArithmeticError, LookupError, ValueError, ValidationFailed: it cannot be planned.
        """
        number = self._numbers.get(alike := _what_its_plan_follows_from(job))
        if number is None:
            self._plans.append(plan_of(job, self._now_ms))
            number = self._numbers[alike] = len(self._plans)
        self._jobs.append((job.id, str(job.revision), number))
        self.decisions += max(1, len(self._plans[number - 1]["decisions"]))

    @property
    def job_ids(self) -> list[str]:
        """The ids of the planned jobs, in the order of the script's answers."""
        return [job_id for job_id, _, _ in self._jobs]

    def argument(self) -> dict[str, Any]:
        """Return the script's argument."""
        return {"now": str(self._now_ms), "plans": self._plans, "jobs": self._jobs}


def _what_its_plan_follows_from(job: DueJob) -> tuple[Any, ...]:
    definition = job.definition
    anchor = job.anchor if isinstance(definition.schedule, Interval) else None
    its_own_jitter = job.id if definition.options.jitter_seconds else None
    return definition, job.due, job.next_occurrence, job.last_decided, anchor, its_own_jitter


def plan_of(job: DueJob, now_ms: int) -> dict[str, Any]:
    """Plan one job, in the form that the script takes."""
    schedule, options = job.definition.schedule, job.definition.options
    first = _first_undecided(job)
    if first is None:
        decided = job.last_decided or 0
        return _worded(job, [], decided + 1, decided, None)
    plan = schedules.plan(job.id, schedule, options, first, job.anchor, now_ms)
    decisions = [
        {
            "run": decision.action == "run",
            "waits": decision.waits,
            "reason": decision.reason or "",
            "occurrence": str(decision.occurrence),
            "last_occurrence": str(decision.last_occurrence),
            "occurrences": str(decision.occurrences),
            "due": str(schedules.due_ms(job.id, decision.occurrence, options)),
        }
        for decision in plan.decisions
    ]
    return _worded(job, decisions, first, plan.last_decided, plan.next)


def _first_undecided(job: DueJob) -> int | None:
    """Find the occurrence with which the plan begins: the job's next one.

    Outside hands may have set that back to an occurrence that is decided already; then it is the one after that.
    """
    first, decided = job.next_occurrence, job.last_decided
    if first is None or decided is None or first > decided:
        return first
    return schedules.next_occurrence(job.definition.schedule, job.definition.options, decided, job.anchor)


def _worded(
    job: DueJob, decisions: list[dict[str, Any]], first: int, last_decided: int, following: int | None
) -> dict[str, Any]:
    options = job.definition.options
    plan = {"due": str(job.due), "first": str(first), "last_decided": str(last_decided), "decisions": decisions}
    if following is None:
        plan["ended"] = "no occurrence is left before ends_at" if options.ends_at else "it never comes again"
    else:
        plan["next_occurrence"] = str(following)
        plan["next_due"] = str(schedules.due_ms(job.id, following, options))
    return plan
