"""Schedule of a stored job: its description and its next occurrences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.domain import schedules
from service.domain.options import Options, parse_options
from service.domain.schedules.definition import Schedule, parse_schedule
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


def _parse(job: Mapping[str, Any]) -> tuple[Schedule, Options]:
    return parse_schedule(job["schedule_type"], job["schedule_config"]), parse_options(job["options"])
