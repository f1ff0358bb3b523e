"""Previews of schedules, as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.domain import schedules
from service.domain.edits.coming_edits import Shown, coming_with_edits
from service.domain.edits.edit import NO_EDITS, Edits
from service.domain.job_requests import PREVIEW_LIMIT, PreviewRequest
from service.domain.options import Options
from service.domain.pauses.pause import Pause, paused_until
from service.domain.records import JobRecord
from service.domain.schedules.definition import Schedule
from service.domain.timestamps import format_ms, format_timestamp


def preview_of(request: PreviewRequest, now: int, calendar: schedules.Calendar | None = None) -> dict[str, Any]:
    """Compute the coming occurrences that a request asks for.

    Args:
        request: the request.
        now: epoch seconds.
        calendar: the one that its options name.

    Raises:
        ValidationFailed: the schedule is invalid.
    """
    schedules.validate_schedule(request.schedule, request.options, now, None, calendar)
    after = now if request.from_ms is None else request.from_ms // 1000
    return previewed(request.schedule, request.options, after, request.count, anchor=after, calendar=calendar)


def preview_of_job(
    record: JobRecord, after: int, count: int, calendar: schedules.Calendar | None, now_ms: int,
    pauses: Sequence[Pause],
) -> dict[str, Any]:  # fmt: skip
    """Compute the coming occurrences of a job; mark in `details` those that fall into a pause that has an end.

    Args:
        record: the job.
        after: epoch seconds; they begin after this.
        count: how many.
        calendar: the job's.
        now_ms: the time.
        pauses: those that are known.
    """
    job = record.definition
    found = previewed(job.schedule, job.options, after, count, record.plan.anchor, calendar, record.edits)
    until_ms = paused_until(pauses, now_ms, record.id, job.labels, job.bot_type)
    if until_ms is None:
        return found
    now, until = format_ms(now_ms), format_ms(until_ms)
    details = [{**one, "paused": True} if now < one["at"] < until else one for one in found["details"]]
    return {**found, "details": details}


def previewed(
    schedule: Schedule, options: Options, after: int, count: int, anchor: int,
    calendar: schedules.Calendar | None = None, edits: Edits = NO_EDITS,
) -> dict[str, Any]:  # fmt: skip
    """Compute coming occurrences.

    Args:
        schedule: the schedule.
        options: of the job.
        after: epoch seconds; they begin after this.
        count: how many.
        anchor: epoch seconds; from where an interval counts.
        calendar: the job's; the closed ones among its occurrences stand in `details`, 1,000 at most.
        edits: the changed ones among them.
    """
    found = coming_with_edits(schedule, options, after, count, anchor, calendar, PREVIEW_LIMIT, edits)
    local = schedules.local_times(schedule, [one.at for one in found])
    runs = [(one, where) for one, where in zip(found, local, strict=True) if one.runs]

    def names_of(at: int) -> list[str]:
        members = schedules.members_due(schedule, options, at, anchor, calendar)
        return [member.name for member in members if member.name]

    names = [names_of(one.scheduled_for) for one in found]
    return {
        "occurrences": [format_timestamp(one.at) for one, _ in runs],
        "local": [where for _, where in runs],
        "description": schedules.describe(schedule, options),
        "details": [_detail(one, where, its) for one, where, its in zip(found, local, names, strict=True)],
    }


def _detail(one: Shown, local: str, names: list[str]) -> dict[str, Any]:
    at = format_timestamp(one.at)
    detail: dict[str, Any] = {"at": at, "local": local, "scheduled_for": format_timestamp(one.scheduled_for)}
    if one.edit is not None:
        detail["edit"] = one.edit.told()
        if not one.runs and one.closed is None:
            detail["runs"] = False
    if one.moved_from is not None:
        detail["moved_from"] = format_timestamp(one.moved_from)
    if names:
        detail["names"] = names
    return detail if one.closed is None else {**detail, "closed": one.closed}
