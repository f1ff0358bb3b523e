"""The first page: how everything is, what failed, and what was and will be within a day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import falcon

from service.domain.notices import stepped, went_back
from service.domain.status import waits_long
from service.domain.timestamps import format_ms, format_timestamp
from service.errors import Conflict, NotFound
from service.store.counters import Reading
from service.usecases.jobs import Jobs
from service.usecases.runs import Runs
from service.web.console.page import Page, show
from service.web.console.timeline import DAY, timeline
from service.web.http.access import BY_SESSION

JOBS = 500
"""Jobs that are looked at; the counts are of all."""
RUN_PAGE, RUN_PAGES = 200, 5
"""Runs of the last day that are looked at, at a time and how often."""
FAILING = 10
SILENCED = "not known", "Who is up cannot say so, since Redis refuses writes"
OTHERS = 20
"""Jobs beyond those that are looked up because they ran."""


class Overview(Page):
    """`/`

    Args:
        jobs: the use cases of jobs.
        runs: those of runs.
        reading: what is measured now.
        weak_keys: which API keys could be guessed, a sentence each.
    """

    access = BY_SESSION

    def __init__(self, jobs: Jobs, runs: Runs, reading: Callable[[], Reading], weak_keys: Sequence[str] = ()) -> None:
        self._jobs = jobs
        self._runs = runs
        self._reading = reading
        self._weak_keys = weak_keys

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """How everything is; with nothing there, how to begin."""
        now = self._reading()
        seconds = now.now // 1000
        jobs = self._jobs.list(limit=JOBS).data
        all_jobs = len(jobs) >= now.jobs
        runs, all_of_them = self._runs_since(format_timestamp(seconds - DAY))
        jobs += self._others(runs, {job["id"] for job in jobs})
        broken = [job for job in jobs if job["state"] == "broken" or job["last_run_status"] == "failed"]
        show(
            resp,
            "overview.html",
            "/",
            now=now,
            weak_keys=self._weak_keys,
            parts=health_of(now),
            notices=notices_of(now),
            next_due=None if now.next_due is None else format_ms(now.next_due),
            failing=broken[:FAILING],
            failing_more=max(0, len(broken) - FAILING),
            day=timeline(seconds, jobs, runs),
            all_runs=all_of_them,
            all_jobs=all_jobs,
        )

    on_head = on_get

    def _runs_since(self, timestamp: str) -> tuple[list[Mapping[str, Any]], bool]:
        """The newest runs but rehearsals, none asked for before `timestamp`; and whether these are all."""
        found: list[Mapping[str, Any]] = []
        cursor = None
        for _ in range(RUN_PAGES):
            page = self._runs.all_runs(
                limit=RUN_PAGE, cursor=cursor, status=None, job_id=None, trigger=None, since=None, until=None
            )
            found_here = page.data
            recent = [run for run in found_here if run["queued_at"] >= timestamp]
            found += [run for run in recent if not run["rehearsal"]]
            cursor = page.next_cursor
            if cursor is None or len(recent) < len(found_here):
                return found, True
        return found, False

    def _others(self, runs: list[Mapping[str, Any]], known: set[str]) -> list[dict[str, Any]]:
        """Jobs that ran and are not among the known ones, those first that failed."""
        ids = dict.fromkeys(run["job_id"] for run in sorted(runs, key=lambda run: run["status"] != "failed"))
        found = []
        for job_id in [job_id for job_id in ids if job_id not in known][:OTHERS]:
            try:
                found.append(self._jobs.get(job_id).data)
            except (NotFound, Conflict):
                continue
        return found


def notices_of(now: Reading) -> list[str]:
    """What somebody has to look at and acknowledge, in sentences."""
    back = now.notices.went_back
    return ([went_back(back)] if back else []) + [stepped(step) for step in now.notices.steps]


def health_of(now: Reading) -> list[dict[str, str]]:
    """Each part of the service: its name, `good`, `warning` or `bad`, the same in words, and what to do about it."""
    waited = int(now.queued_for_seconds)
    stand_by = max(0, now.schedulers - 1)
    return [
        _part("Redis", "bad", "refuses writes", now.refusal)
        if now.refusal
        else _part("Redis", "good", "answers", "Everything is kept there"),
        _part("Scheduler", "good", "acts", f"{now.leader or 'one'}; {stand_by or 'none'} standing by")
        if now.schedulers
        else _part("Scheduler", "warning", *SILENCED)
        if now.refusal
        else _part("Scheduler", "bad", "is not up", "Nothing becomes due: start python scheduler.py"),
        _part("Workers", "good", f"{now.workers} up", f"{now.running} of them at work")
        if now.workers
        else _part("Workers", "warning", *SILENCED)
        if now.refusal
        else _part("Workers", "warning", "none is up", "Runs wait: start python worker.py"),
        _part("Queue", "warning", f"{now.queued} waiting", f"the oldest for {waited} s: more workers would help")
        if waits_long(waited)
        else _part("Queue", "good", f"{now.queued} waiting", f"{now.delayed_retries} retries await their delay"),
    ]


def _part(name: str, state: str, words: str, hint: str) -> dict[str, str]:
    return {"name": name, "state": state, "words": words, "hint": hint}
