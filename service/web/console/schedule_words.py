"""A stored job's schedule in a sentence, and its coming occurrences, without asking the store again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.domain import schedules
from service.domain.options import Options, parse_options
from service.domain.schedules.definition import Schedule, parse_schedule
from service.domain.timestamps import parse_timestamp
from service.errors import ServiceError


def sentence(job: Mapping[str, Any]) -> str:
    """When the job is due, for people."""
    try:
        schedule, options = _understood(job)
    except ServiceError:
        return "Its schedule cannot be understood any more"
    return schedules.describe(schedule, options)


def coming(job: Mapping[str, Any], until: int, apart: int) -> Iterator[int]:
    """The job's occurrences from `next_run_at` on, epoch seconds, at most one in `apart` seconds.

    Args:
        until: not beyond this instant, epoch seconds.
        apart: so many seconds are passed over after each, so that a job of every second costs no more than another.
    """
    if job["next_run_at"] is None:
        return
    try:
        schedule, options = _understood(job)
        found: int | None = parse_timestamp(job["next_run_at"], "next_run_at")
    except ServiceError:
        return
    anchor = found or 0
    while found is not None and found <= until:
        yield found
        after = max(found, found - found % apart + apart - 1)
        found = schedules.next_occurrence(schedule, options, after, anchor)


def _understood(job: Mapping[str, Any]) -> tuple[Schedule, Options]:
    return parse_schedule(job["schedule_type"], job["schedule_config"]), parse_options(job["options"])
