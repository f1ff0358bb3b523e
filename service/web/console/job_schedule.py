"""Schedule of a stored job: its description and its upcoming occurrences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.domain import schedules
from service.domain.foresight.occurrence_changes import Course
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


def upcoming(course: Course, after: int, until: int, apart: int) -> Iterator[tuple[int, int]]:
    """Yield when a job's coming occurrences run, and their own instants, in epoch seconds.

    Args:
        course: The job's.
        after: They come after this, epoch seconds.
        until: The last instant, epoch seconds.
        apart: Yield at most one occurrence in this many seconds, so that a job that runs every second costs no more
            than another.
    """
    while True:
        try:
            found = next(course.coming(after), None)
        except ScheduleError:
            return
        if found is None or found[0] > until:
            return
        yield found
        after = max(found[0], found[0] - found[0] % apart + apart - 1)


def _parse(job: Mapping[str, Any]) -> tuple[Schedule, Options]:
    return parse_schedule(job["schedule_type"], job["schedule_config"]), parse_options(job["options"])
