"""Coming occurrences of a few jobs, as a drawing needs them: by each job's own course, and no more than fit into it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from service.domain import schedules
from service.errors import ScheduleError
from service.store.jobs.coming import ComingJob, coming_of
from service.store.scripts import Scripts
from service.usecases.access.sight import choice


class Timelines:
    """Reads what is to come. Each caller sees its own jobs.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def upcoming(self, job_ids: Sequence[str], until: int, apart: int) -> dict[str, list[int]]:
        """Find when jobs are due that will run, the first undecided occurrences among them.

        Args:
            job_ids: the jobs.
            until: the last instant, epoch seconds.
            apart: at most one occurrence in this many seconds is told, so that a job that runs every second costs no
                more than another.

        Returns:
            Id -> instants with their jitter, epoch seconds; without jobs of which nothing is to come.
        """
        return {job.id: list(_spread(job, until, apart)) for job in coming_of(self._scripts, choice(), job_ids)}


def _spread(job: ComingJob, until: int, apart: int) -> Iterator[int]:
    course = job.course
    after = course.first - 1
    try:
        while (at := next(course.after(after), None)) is not None and at <= until:
            yield schedules.due_ms(job.id, at, course.options) // 1000
            after = max(at, at - at % apart + apart - 1)
    except ScheduleError:  # what is found is shown, and the job's page tells the rest
        return
