"""Coming occurrences, as a drawing and a list need them: by each job's own course, and no more than fit into it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge, nsmallest
from operator import itemgetter
from typing import NamedTuple

from service.domain import schedules
from service.errors import ScheduleError
from service.store.jobs.coming import ComingJob, coming_of
from service.store.scripts import Scripts
from service.usecases.access.sight import choice
from service.usecases.lists.sorted_jobs import SortedJobs

COUNTED = 200
"""Occurrences of a job that are counted beside the marks that they share."""

OF_ONE_JOB = 50
"""Occurrences of one job in a list, so that a frequent one leaves room for others."""

LONGEST_JITTER = 86_400
"""How much later than its occurrence a job may be due, s."""

SEARCHED = 10_000
"""The most jobs whose occurrences are looked for from a later day on: each has to be asked."""


class Comes(NamedTuple):
    """The coming occurrences that one mark stands for.

    Args:
        at: when the first is due, with its jitter or where it was moved, epoch seconds.
        occurrence: its own instant, epoch seconds.
        is_moved: whether somebody has moved it.
        number: how many there are; None if they are too many to count.
        last: when the last of them is due, epoch seconds; None if there is but one, or too many.
    """

    at: int
    occurrence: int
    is_moved: bool = False
    number: int | None = 1
    last: int | None = None


@dataclass(frozen=True, slots=True)
class SoonOne:
    """A coming occurrence in a list.

    Args:
        at: when it is due, epoch seconds.
        occurrence: its own instant, epoch seconds.
        job: its job.
        local: when it is due, in the job's zone.
        zone: the name of that zone.
        moved_from: its own instant in that zone, if somebody has moved it.
    """

    at: int
    occurrence: int
    job: ComingJob
    local: str
    zone: str
    moved_from: str | None


@dataclass(frozen=True, slots=True)
class Soon:
    """The soonest occurrences of many jobs.

    Args:
        occurrences: in order.
        more: how many follow at least, within the span.
        crowded: the number of jobs of which only the first `OF_ONE_JOB` are among them.
        unsearched: the number of jobs that were not looked at.
    """

    occurrences: list[SoonOne]
    more: int = 0
    crowded: int = 0
    unsearched: int = 0


class Timelines:
    """Reads what is to come. Each caller sees its own jobs.

    Args:
        scripts: the scripts of this installation.
        jobs: tells when the caller's jobs run next.
    """

    def __init__(self, scripts: Scripts, jobs: SortedJobs) -> None:
        self._scripts = scripts
        self._jobs = jobs

    def soonest(self, since: int, until: int, most: int, labels: Sequence[str] = (), q: str = "") -> Soon:
        """List what is due soonest in a span, of all jobs of the caller, in bounded time.

        Args:
            since: epoch seconds, exclusive; now or later.
            until: epoch seconds, inclusive.
            most: how many it has at most.
            labels: filters such as `team:crm`, all of which must hold for a job.
            q: words of the job's name or note, or a part of its id; empty for all jobs.

        Raises:
            ValidationFailed: a filter is malformed.
        """
        due = self._jobs.due_until(until + LONGEST_JITTER, watched=False, labels=labels, q=q)
        before = [job_id for job_id, at in due.items() if at <= since * 1000]
        unsearched = len(before[SEARCHED:])
        within = (job_id for job_id, at in due.items() if at > since * 1000)
        searched = [*before[:SEARCHED], *nsmallest(2 * most, within, key=lambda job_id: (due[job_id], job_id))]
        read = [(job.course.soonest, job) for job in coming_of(self._scripts, choice(labels), searched)]
        early = [job for first, job in read if first <= since]  # they come within the span, too, or pass it over
        late = nsmallest(most + 1, ((first, job.id, job) for first, job in read if since < first <= until))
        jobs = [*early, *(job for _, _, job in late)]
        count, kept, crowded = Counter[str](), list[SoonOne](), set[str]()
        for at, job, comes in merge(*(_each(job, since, until) for job in jobs), key=itemgetter(0)):
            count[job.id] += 1
            if count[job.id] > OF_ONE_JOB:
                crowded.add(job.id)
            elif len(kept) == most:
                return Soon(kept, 1, len(crowded), unsearched)
            else:
                kept.append(_listed(at, job, *comes))
        return Soon(kept, 0, len(crowded), unsearched)

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


def _each(job: ComingJob, since: int, until: int) -> Iterator[tuple[int, ComingJob, tuple[int, int]]]:
    """Yield a job's occurrences and when they are due, one more than are shown of one job at most."""
    found, number = job.course.coming(since, until), 0
    while (one := _next(found)) is not None and one[0] <= until and number <= OF_ONE_JOB:
        number += 1
        yield _due(job, *one), job, one


def _listed(due: int, job: ComingJob, at: int, own: int) -> SoonOne:
    schedule = job.course.schedule
    local, *before = schedules.local_times(schedule, [due, own] if at != own else [due])
    return SoonOne(due, own, job, local, schedule.timezone, before[0] if before else None)


def _spread(job: ComingJob, until: int, apart: int) -> Iterator[Comes]:
    course, left = job.course, COUNTED
    found = course.coming(course.soonest - 1, until)
    first = _next(found)
    while first is not None and first[0] <= until:
        at, occurrence = first
        end = max(at, at - at % apart + apart - 1)
        count: int | None = 1
        last, following = first, _next(found)
        while following is not None and following[0] <= end:
            if not left:  # the rest of this half hour is passed over
                count, found = None, course.coming(end, until)
                following = _next(found)
                break
            count, last, left = (count or 0) + 1, following, left - 1
            following = _next(found)
        end_of_all = None if last is first or count is None else _due(job, *last)
        yield Comes(_due(job, *first), occurrence, at != occurrence, count, end_of_all)
        first = following


def _next(found: Iterator[tuple[int, int]]) -> tuple[int, int] | None:
    """Return the next occurrence; none where the schedule fails: the job's page tells why."""
    try:
        return next(found, None)
    except ScheduleError:
        return None


def _due(job: ComingJob, at: int, occurrence: int) -> int:
    """Return when an occurrence is due: with its jitter, unless somebody has moved it."""
    return at if at != occurrence else schedules.due_ms(job.id, at, job.course.options) // 1000
