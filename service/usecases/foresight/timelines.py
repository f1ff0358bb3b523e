"""Coming occurrences of a few jobs, as a drawing needs them: by each job's own course, and no more than fit into it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from service.domain import schedules
from service.errors import ScheduleError
from service.store.jobs.coming import ComingJob, coming_of
from service.store.scripts import Scripts
from service.usecases.access.sight import choice


class Comes(NamedTuple):
    """A coming occurrence: when it is due, with its jitter or where it was moved, and its own instant (epoch s)."""

    at: int
    occurrence: int
    is_moved: bool = False


class Timelines:
    """Reads what is to come. Each caller sees its own jobs.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def upcoming(self, job_ids: Sequence[str], until: int, apart: int) -> dict[str, list[Comes]]:
        """Find when jobs are due that will run, the first undecided occurrences among them.

        Args:
            job_ids: the jobs.
            until: the last instant, epoch seconds.
            apart: at most one occurrence in this many seconds is told, so that a job that runs every second costs no
                more than another.

        Returns:
            Id -> the occurrences, by when they are due; without jobs of which nothing is to come.
        """
        return {job.id: list(_spread(job, until, apart)) for job in coming_of(self._scripts, choice(), job_ids)}


def _spread(job: ComingJob, until: int, apart: int) -> Iterator[Comes]:
    course = job.course
    after = course.soonest - 1
    try:
        while (found := next(course.coming(after, until), None)) is not None and found[0] <= until:
            at, occurrence = found
            is_moved = at != occurrence
            due = at if is_moved else schedules.due_ms(job.id, at, course.options) // 1000
            yield Comes(due, occurrence, is_moved)
            after = max(at, at - at % apart + apart - 1)
    except ScheduleError:  # what is found is shown, and the job's page tells the rest
        return
