"""Plans of jobs some of whose occurrences are changed: when the job runs next, and what a change of the job leaves.

A job's own plan passes over changed occurrences, whose decisions are made by themselves (`deciding`). So its
`next_occurrence` may be one of them, and nothing runs then.
"""

from __future__ import annotations

from dataclasses import replace

from service.domain import schedules
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.edits.edit import Edit, Edits
from service.domain.job import JobDefinition
from service.domain.options import Options
from service.domain.planning import changed_plan, next_run_after, why_ended
from service.domain.records import NONE_RUNS, JobRecord, Plan
from service.domain.schedules.closed.closed_days import next_coming, next_open
from service.domain.schedules.definition import Schedule
from service.domain.schedules.occurrences import closing_of


def next_run_of(
    job_id: str, schedule: Schedule, options: Options, upcoming: int | None, anchor: int,
    calendar: schedules.Calendar | None, edits: Edits,
) -> int | None:  # fmt: skip
    """Find when a job with changed occurrences runs next, ms, if that is not when its upcoming occurrence is due.

    Args:
        job_id: part of the jitter's seed.
        schedule: the job's.
        options: the job's.
        upcoming: its next occurrence, epoch seconds, changed or not; None after the last.
        anchor: what an interval counts from, epoch seconds.
        calendar: the job's, if it has one.
        edits: the changed ones among its occurrences.

    Returns:
        None if that is when the upcoming one is due; `NONE_RUNS` if none runs.
    """
    regular = _next_regular(schedule, options, upcoming, anchor, calendar, edits)
    runs = (edit for edit in edits.pending if edit.action != "skip")
    dues = [edit.due for edit in runs if closed_by(edit, schedule, options, calendar) is None]
    if regular is not None:
        dues.append(schedules.due_ms(job_id, regular, options))
    found = min(dues, default=NONE_RUNS)
    return None if upcoming is not None and found == schedules.due_ms(job_id, upcoming, options) else found


def _next_regular(
    schedule: Schedule, options: Options, upcoming: int | None, anchor: int, calendar: schedules.Calendar | None,
    edits: Edits,
) -> int | None:  # fmt: skip
    """Find the first occurrence from the upcoming one on that is neither changed nor closed."""
    found = None if upcoming is None else next_open(schedule, options, upcoming - 1, anchor, calendar)
    while found is not None and found.at in edits.each:
        found = next_open(schedule, options, found.at, anchor, calendar)
    return None if found is None else found.at


def closed_by(edit: Edit, schedule: Schedule, options: Options, calendar: schedules.Calendar | None) -> str | None:
    """Return why the calendar closes a changed occurrence; None if it does not.

    A moved one comes when somebody wants it to, on whatever day that is.
    """
    if calendar is None or edit.action == "move":
        return None
    return closing_of(schedule, options, calendar).reason(edit.instant)


def with_edits(
    job_id: str, definition: JobDefinition, plan: Plan, edits: Edits, calendar: schedules.Calendar | None
) -> Plan:
    """Return a job's plan with its changed occurrences taken in.

    Args:
        job_id: part of the jitter's seed.
        definition: the job's.
        plan: made without a look at them.
        edits: the changed ones.
        calendar: the job's, if it has one.
    """
    if not edits.each or plan.state not in ("scheduled", "ended"):
        return plan
    if plan.state == "ended" and not edits.pending:
        return replace(plan, next_run=None)
    next_run = next_run_of(
        job_id, definition.schedule, definition.options, plan.next_occurrence, plan.anchor, calendar, edits
    )
    return replace(plan, state="scheduled", reason=None, next_run=next_run)


def plan_anew(record: JobRecord, plan: Plan, edits: Edits, calendar: schedules.Calendar | None) -> Plan:
    """Return a job's plan with other changed occurrences than those with which it was made.

    Args:
        record: the job.
        plan: the job's.
        edits: the changed ones from now on.
        calendar: the job's, if it has one.
    """
    definition, upcoming = record.definition, plan.next_occurrence
    if plan.state == "scheduled" and upcoming is not None:
        following = next_run_after(
            record.id, definition.schedule, definition.options, upcoming, plan.anchor, calendar
        )  # fmt: skip
        plan = replace(plan, next_run=following)  # without any change
    elif plan.state == "scheduled":
        plan = replace(plan, state="ended", reason=why_ended(definition.options))  # if no change is to come
    return with_edits(record.id, definition, plan, edits, calendar)


def is_occurrence(
    schedule: Schedule, options: Options, instant: int, anchor: int, calendar: schedules.Calendar | None
) -> bool:
    """Return whether a job has an occurrence at an instant, epoch seconds."""
    found = next_coming(schedule, options, instant - 1, anchor, calendar)
    return found is not None and found.at == instant


def kept_edits(
    job_id: str, definition: JobDefinition, anchor: int, edits: Edits, now_ms: int, last_decided: int | None,
    calendar: schedules.Calendar | None,
) -> Edits:  # fmt: skip
    """Take changed occurrences over to another definition, calendar or plan of their job.

    One that was moved, and whose own time is over, stays: it only awaits its run. While a job is off, all stay; those
    that come due then are dropped by the scheduler. What is decided already stays until the job has passed its instant,
    whatever the schedule is: it must not be decided again.

    Args:
        job_id: part of the jitter's seed.
        definition: the job's, from now on.
        anchor: what an interval counts from, from now on, epoch seconds.
        edits: the changed ones.
        now_ms: the time.
        last_decided: the newest decided occurrence, epoch seconds, if there is one.
        calendar: the job's, if it has one.

    Returns:
        Those that are left.
    """
    schedule, options, passed = definition.schedule, definition.options, last_decided or 0
    kept: dict[int, Edit] = {}
    for at, edit in sorted(edits.each.items()):
        its_time_is_over = at <= passed or (edit.action == "move" and at * 1000 <= now_ms)
        if edit.decided is not None:
            if at > passed:
                kept[at] = edit
        elif not definition.enabled or its_time_is_over:
            kept[at] = edit
        elif is_occurrence(schedule, options, at, anchor, calendar):
            due = edit.due if edit.action == "move" else schedules.due_ms(job_id, at, options)
            kept[at] = replace(edit, due=due)
    return replace(edits, each=kept)


def changed_job(record: JobRecord, definition: JobDefinition, now_ms: int, calendar: WorkCalendar | None) -> JobRecord:
    """Return a job with another definition: planned by it, with the changed occurrences that it leaves.

    Args:
        record: the job as it is.
        definition: the job's, from now on.
        now_ms: the time.
        calendar: the job's, from now on, if it has one.
    """
    plan = changed_plan(record, definition, now_ms, calendar)
    edits = kept_edits(record.id, definition, plan.anchor, record.edits, now_ms, record.last_decided, calendar)
    plan = with_edits(record.id, definition, plan, edits, calendar)
    return replace(
        record, definition=definition, plan=plan, edits=edits, updated_at=now_ms, revision=record.revision + 1
    )


def dropped_edits(before: Edits, after: Edits) -> list[int]:
    """List the changed occurrences that were to come, and are no longer."""
    return sorted(edit.instant for edit in before.pending if edit.instant not in after.each)
