"""Use case of badges and status pages: how the jobs stand that the key in the address covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from service.clock import Clock
from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.domain.badges.standing import WORST_FIRST, Standing, standing_of, worst
from service.domain.ids import is_id
from service.domain.watching.troubles import Kind
from service.errors import ValidationFailed
from service.store.jobs.standings import RunMark, StandingJob, newest_runs, standing_jobs
from service.store.pauses.pause_store import PauseStore
from service.store.presence import Presence
from service.store.scripts import Scripts
from service.usecases.access.sight import choice
from service.usecases.ids import no_job

MOST_JOBS = 10_000
"""Jobs that one badge looks at."""
ROWS = 100
"""Jobs that a page shows, the worst first."""
BARS = 30
"""Past runs of each job that a page shows."""
BLINDING: tuple[Kind, ...] = ("no_scheduler", "no_worker", "runs_wait")
"""Troubles in which the last run of a job says nothing of now."""


@dataclass(frozen=True, slots=True)
class Row:
    """One job on a status page.

    Args:
        number: its place among all jobs of the key, in the order of their creation, from 1; None for a single job.
        name: its name; None where none is to be shown.
        standing: how it stands.
        last_run_ms: when its last run started, ms.
        runs: its newest runs, newest first.
    """

    number: int | None
    name: str | None
    standing: Standing
    last_run_ms: int | None
    runs: Sequence[RunMark]


@dataclass(frozen=True, slots=True)
class Page:
    """A status page.

    Args:
        standing: the worst of all jobs.
        jobs: how many there are.
        rows: the first of them, the worst first.
        now_ms: the time, ms.
    """

    standing: Standing
    jobs: int
    rows: Sequence[Row]
    now_ms: int


class Standings:
    """How the jobs stand that exist for the caller.

    Args:
        scripts: the scripts of this installation.
        clock: Redis' clock.
    """

    def __init__(self, scripts: Scripts, clock: Clock) -> None:
        self._scripts = scripts
        self._clock = clock
        self._pauses = PauseStore(scripts)
        self._presence = Presence(scripts)

    def badge(self, job_id: str | None = None, labels: Sequence[str] = ()) -> tuple[Standing, int]:
        """Return the worst standing of the jobs, and how many jobs there are.

        Args:
            job_id: only this job; None for all, or for the one to which the caller's key is bound.
            labels: filters such as `team:crm`, all of which must hold for a job.

        Raises:
            NotFound: there is no such job, to this caller.
            ValidationFailed: a filter is malformed.
            StoreUnavailable: Redis is away.
        """
        found, _ = self._standings(job_id, labels)
        return worst(standing for _, _, standing in found), len(found)

    def page(self, job_id: str | None = None, labels: Sequence[str] = (), *, has_names: bool = False) -> Page:
        """Return what a status page shows.

        Args:
            job_id: as in `badge`.
            labels: as in `badge`.
            has_names: whether it shows the jobs' names, which a key for badges never does.

        Raises:
            ValidationFailed: a filter is malformed, or names are asked for with a key for badges.
            NotFound, StoreUnavailable: as in `badge`.
        """
        if has_names and Scope.FEED not in caller().scopes:
            raise ValidationFailed.of("names", "must be false with a key for badges, which shows no names")
        found, now_ms = self._standings(job_id, labels, is_numbered=job_id is None)
        shown = sorted(found, key=lambda one: WORST_FIRST.index(one[2]))[:ROWS]
        runs = newest_runs(self._scripts, [job.id for _, job, _ in shown], BARS)
        rows = [
            Row(None if job_id else number, job.name if has_names else None, standing, job.last_run_ms, runs[job.id])
            for number, job, standing in shown
        ]
        return Page(worst(standing for _, _, standing in found), len(found), rows, now_ms)

    def _standings(
        self, job_id: str | None, labels: Sequence[str], *, is_numbered: bool = False
    ) -> tuple[list[tuple[int, StandingJob, Standing]], int]:
        """Return jobs and how they stand, and the time, ms. To number them, jobs without the labels are read as well.

        A number is the place among the key's jobs, so that a job has the same on each page.
        """
        chosen, bound = choice(labels), caller().job_id
        if job_id is not None and (not is_id(job_id) or bound not in (None, job_id)):
            raise no_job(job_id)
        job_id = job_id or bound
        census = self._presence.census()
        is_blind = census.schedulers == 0 or any(one.kind in BLINDING for one in census.troubles)
        now_ms = self._clock.now_ms()
        _, pauses = self._pauses.stored()
        read = choice() if is_numbered else chosen
        jobs = standing_jobs(self._scripts, read, pauses, now_ms, None if job_id is None else [job_id])
        found = [
            (number, job, standing_of(job.facts, now_ms, is_blind=is_blind))
            for number, job in enumerate(islice(jobs, MOST_JOBS), 1)
            if chosen.takes(*job.marks)
        ]
        if job_id is not None and not found:
            raise no_job(job_id)
        return found, now_ms
