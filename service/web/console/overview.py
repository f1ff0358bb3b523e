"""The overview: the service's health, failures, and a timeline of the last and the next day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.domain.notices import stepped, went_back
from service.domain.status import waits_long
from service.domain.timestamps import format_ms, format_timestamp
from service.errors import NotFound
from service.store.counters import Reading
from service.usecases.access.sight import is_limited
from service.usecases.calendars import Calendars
from service.usecases.foresight.clock_changes import ClockChanges
from service.usecases.foresight.timelines import Timelines
from service.usecases.jobs import Jobs
from service.usecases.pauses import Pauses
from service.usecases.runs import Runs
from service.web.console.formatting import plural
from service.web.console.page import RenderedPage, show
from service.web.console.timeline import DAY, LANES, timeline
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

RUN_PAGE, RUN_PAGES = 200, 5
"""The newest runs to read, of all jobs: how many at a time, and how often."""
RUNS_OF_ONE = 200
"""The newest runs of a job to read, if there are more than these."""
TROUBLED = 10
"""The most jobs to list that are broken, failing or not as expected. Their count is of all."""
SILENCED = "unknown", "Redis refuses writes, so processes cannot report that they run"


class Overview(RenderedPage):
    """`/`.

    Args:
        jobs: The use cases of jobs.
        runs: The use cases of runs.
        reading: Reads the current counts from Redis.
        calendars: The use cases of calendars.
        clock_changes: Tells which jobs meet a change of clocks soon.
        timelines: Reads the jobs' upcoming occurrences.
        weak_keys: A sentence for each API key that is easy to guess, for administrators.
        pauses: The use cases of pauses.
    """

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(
        self, pool: Pool, jobs: Jobs, runs: Runs, reading: Callable[[], Reading], calendars: Calendars,
        clock_changes: ClockChanges, timelines: Timelines, weak_keys: Sequence[str], pauses: Pauses,
    ) -> None:  # fmt: skip
        super().__init__(pool)
        self._jobs = jobs
        self._runs = runs
        self._reading = reading
        self._calendars = calendars
        self._clock_changes = clock_changes
        self._timelines = timelines
        self._weak_keys = weak_keys
        self._pauses = pauses

    def render(self, req: Request, resp: Response) -> None:
        """Show the overview; without any jobs, how to begin."""
        now, limited = self._reading(), is_limited()
        seconds = now.now // 1000
        jobs = self._jobs.sorted
        if limited:  # its own jobs, and nothing of what others' runs do
            total, enabled, soonest = jobs.count()
            now = replace(now, jobs=total, enabled_jobs=enabled, next_due=soonest)
        since = format_timestamp(seconds - DAY)
        runs, all_of_them = self._runs_since(since)
        failing = [] if all_of_them else self._failing((seconds - DAY) * 1000)
        crowded: list[str] = []
        troubled = jobs.page("last_failure", limit=TROUBLED, state="troubled")
        minute = seconds - seconds % 60
        show(
            resp,
            "overview.html",
            "/",
            now=now,
            weak_keys=self._weak_keys if Scope.ADMIN in caller().scopes else (),
            running_out=self._calendars.running_out(),
            clocks=self._clock_changes.soon(now.now),
            parts=health_of(now, whole=not limited),
            notices=notices_of(now),
            next_due=None if now.next_due is None else format_ms(now.next_due),
            troubled=troubled.data,
            all_troubled=troubled.total,
            day=timeline(  # changes, and with it the entity tag, only each minute
                minute,
                jobs.due_until(minute + DAY),
                runs,
                jobs.named,
                self._timelines.upcoming,
                self._pauses.over,
                failing,
                None if all_of_them else partial(self._runs_of, since, crowded),
            ),
            all_runs=all_of_them,
            crowded=crowded,
            most=RUNS_OF_ONE,
        )

    def _runs_since(self, timestamp: str) -> tuple[list[Mapping[str, Any]], bool]:
        """Return the newest runs since `timestamp` without rehearsals, and whether these are all."""
        found: list[Mapping[str, Any]] = []
        cursor = None
        for _ in range(RUN_PAGES):
            page = self._runs.all_runs(limit=RUN_PAGE, cursor=cursor)
            found_here = page.data
            recent = [run for run in found_here if run["queued_at"] >= timestamp]
            found += [run for run in recent if not run["rehearsal"]]
            cursor = page.next_cursor
            if cursor is None or len(recent) < len(found_here):
                return found, True
        return found, False

    def _failing(self, since: int) -> list[str]:
        """Return the ids of the jobs that failed last, as many as have a lane; `since`: ms."""
        rows = self._jobs.sorted.page("last_failure", limit=LANES).rows
        return [row.id for row in rows if row.last_failure is not None and row.last_failure >= since]

    def _runs_of(self, since: str, crowded: list[str], job_ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """Return the jobs' runs since then without rehearsals; and add those jobs to `crowded` that have had more."""
        found: list[Mapping[str, Any]] = []
        for job_id in job_ids:
            try:
                page = self._runs.history(job_id, limit=RUNS_OF_ONE)
            except NotFound:  # deleted meanwhile
                continue
            recent = [run for run in page.data if run["queued_at"] >= since]
            found += [run for run in recent if not run["rehearsal"]]
            if page.next_cursor is not None and len(recent) == len(page.data):
                crowded.append(job_id)
        return found


def notices_of(now: Reading) -> list[str]:
    """List the notices that somebody must acknowledge, in sentences."""
    back = now.notices.went_back
    return ([went_back(back)] if back else []) + [stepped(step) for step in now.notices.steps]


def health_of(now: Reading, whole: bool = True) -> list[dict[str, str]]:
    """Describe each part of the service: its name, its state, the state in words, and what to do about it.

    Args:
        now: the current counts.
        whole: whether to show how much there is to do, which tells of everybody's runs.
    """
    return [_redis(now), _scheduler(now), _workers(now, whole), *([_queue(now)] if whole else [])]


def _redis(now: Reading) -> dict[str, str]:
    if now.refusal:
        return _part("Redis", "bad", "refuses writes", now.refusal)
    return _part("Redis", "good", "answers", "Holds all data")


def _scheduler(now: Reading) -> dict[str, str]:
    if now.schedulers:
        standby = max(0, now.schedulers - 1)
        return _part("Scheduler", "good", "running", f"{now.leader or 'one'} is active; {standby or 'none'} on standby")
    if now.refusal:
        return _part("Scheduler", "warning", *SILENCED)
    return _part("Scheduler", "bad", "not running", "No job starts: start bot-scheduler scheduler")


def _workers(now: Reading, whole: bool) -> dict[str, str]:
    if now.workers:
        busy = f"{now.running} of them busy" if whole else "They carry out the runs"
        return _part("Workers", "good", f"{now.workers} running", busy)
    if now.refusal:
        return _part("Workers", "warning", *SILENCED)
    return _part("Workers", "warning", "none running", "Runs wait: start bot-scheduler worker")


def _queue(now: Reading) -> dict[str, str]:
    waited = int(now.queued_for_seconds)
    if waits_long(waited):
        return _part("Queue", "warning", f"{now.queued} waiting", f"the oldest for {waited} s: start more workers")
    return _part(
        "Queue", "good", f"{now.queued} waiting", f"{plural(now.delayed_retries, 'delayed retry', 'delayed retries')}"
    )


def _part(name: str, state: str, text: str, hint: str) -> dict[str, str]:
    return {"name": name, "state": state, "text": text, "hint": hint}
