"""Schedule of a stored job: its description and its upcoming occurrences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.domain import schedules
from service.domain.options import Options, parse_options
from service.domain.schedules.definition import Schedule, parse_schedule
from service.domain.timestamps import parse_timestamp
from service.errors import ScheduleError, ServiceError, ValidationFailed
from service.usecases.jobs import Jobs


def describe(job: Mapping[str, Any]) -> str:
    """Describe in a sentence when the job is due."""
    try:
        schedule, options = _parse(job)
    except ServiceError:
        return "This release cannot read the schedule"
    return schedules.describe(schedule, options)


def planned(jobs: Jobs, job_id: str) -> dict[str, Any]:
    """Preview the next ten occurrences of a stored job, as the API does; say so where it has a schedule without any."""
    try:
        return jobs.preview_job(job_id, from_=None, count=10)
    except (ScheduleError, ValidationFailed) as error:
        return {
            "occurrences": [],
            "local": [],
            "details": [],
            "description": f"This schedule cannot be planned: {error}",
        }


def upcoming(job: Mapping[str, Any], until: int, apart: int) -> Iterator[int]:
    """Yield the job's occurrences from `next_run_at` on, in epoch seconds.

    Args:
        job: The job.
        until: The last instant, epoch seconds.
        apart: Yield at most one occurrence in this many seconds, so that a job that runs every second costs no more
            than another.
    """
    if job["next_run_at"] is None:
        return
    try:
        schedule, options = _parse(job)
        at: int | None = parse_timestamp(job["next_run_at"], "next_run_at")
    except ServiceError:
        return
    anchor = at or 0
    while at is not None and at <= until:
        yield at
        after = max(at, at - at % apart + apart - 1)
        try:
            at = schedules.next_occurrence(schedule, options, after, anchor)
        except ScheduleError:
            return


def _parse(job: Mapping[str, Any]) -> tuple[Schedule, Options]:
    return parse_schedule(job["schedule_type"], job["schedule_config"]), parse_options(job["options"])
