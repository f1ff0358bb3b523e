"""Use cases of runs: cancel one, and read how they went. `service.usecases.runs_by_hand` asks for one.

As in `service.usecases.jobs`, parsed JSON comes in, views go out, and refusals are `service.errors`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.domain.expectations.verdict import RESULT
from service.domain.ids import is_id
from service.domain.input.search import folded, is_found
from service.domain.plain_json import dumps
from service.domain.run_records import STATUSES, TRIGGERS
from service.domain.timestamps import format_ms, parse_period
from service.errors import Conflict, NotFound, ValidationFailed
from service.store.jobs.expectations import ExpectationStore
from service.store.runs.run_filter import RunFilter
from service.store.runs.run_views import History
from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.usecases.access.side_doors import (
    WITHHELD,
    PersonsVeil,
    status_alone,
)
from service.usecases.access.sight import choice
from service.usecases.ids import no_job, no_run
from service.usecases.paging import MAX_PAGE, check_run_cursor
from service.usecases.runs_by_hand import RunsByHand
from service.usecases.views import Page, View

LATER_SHOWN = 20
SEARCHED_PAGES = 15
"""Pages of runs that one search for a text reads."""


class Runs(RunsByHand):
    """The use cases of runs.

    Args:
        scripts: the installation's, see `service.store.rq_records.make_scripts`.
        configs: each bot's `Config`, by `bot_type`.
        about_persons: the bots whose results and logs are about persons.
    """

    def __init__(
        self, scripts: Scripts, configs: Mapping[str, type[BaseModel]], about_persons: Collection[str] = ()
    ) -> None:
        super().__init__(scripts, configs)
        self._history = History(scripts)
        self._expectations = ExpectationStore(scripts)
        self._veil = PersonsVeil(scripts, configs.keys() - set(about_persons))

    def cancel(self, job_id: str, run_id: str) -> tuple[bool, View]:
        """Cancel a run.

        Returns:
            Whether the run has ended, and the run. A run under way is asked to stop, and ends within 10 s.

        Raises:
            NotFound: there is no such run.
            Conflict: the run has ended already.
        """
        before = self.run(job_id, run_id)
        match self._runs.cancel(job_id, run_id, "cancelled by request"):
            case "gone":
                raise no_run(job_id, run_id)
            case "ended":
                raise Conflict(f"Run {run_id} has already ended ({before.data['status']})")
            case answer:
                return answer == "cancelled", self.run(job_id, run_id)

    def all_runs(
        self, *, limit: int, cursor: str | None = None, status: str | None = None,
        trigger: str | None = None, since: str | None = None, until: str | None = None, labels: Sequence[str] = (),
        job_ids: frozenset[str] | None = None, text: str | None = None,
    ) -> Page:  # fmt: skip
        """Read a page of all jobs' runs, newest first.

        Args:
            limit: the most runs on the page, 1–`MAX_PAGE`.
            cursor: the `next_cursor` of the page before.
            status: only runs with this status.
            trigger: only runs with this trigger.
            since: only runs queued at or after this timestamp.
            until: only runs queued before this timestamp.
            labels: filters such as `team:crm`, all of which must hold for a run's job.
            job_ids: only runs of these jobs.
            text: only runs that have these words in their error, reason or result, in any order and any case.

        Returns:
            The page. With a filter it may be short although more runs follow.

        Raises:
            ValidationFailed: a filter or the cursor is invalid.
        """
        check_run_cursor(cursor)
        wanted = _filter(status, trigger, since, until, labels, job_ids)
        if not text:
            return self._page(*self._history.of_all(limit, cursor, wanted))
        return self._saying(text, limit, cursor, wanted)

    def count(
        self, *, status: str | None = None, trigger: str | None = None, since: str | None = None,
        until: str | None = None, labels: Sequence[str] = (), job_ids: frozenset[str] | None = None,
        text: str | None = None,
    ) -> int | None:  # fmt: skip
        """Count the runs on all pages of `all_runs`, which explains the filters.

        Returns:
            Their number; None with a text, for a search reads only as many runs as a page needs.

        Raises:
            ValidationFailed: a filter is invalid.
        """
        wanted = _filter(status, trigger, since, until, labels, job_ids)
        return None if text else self._history.count(wanted)

    def reach(self, job_ids: frozenset[str] | None = None) -> str | None:
        """Return since when `all_runs` knows of all runs of these jobs, a timestamp; None: of all that are kept."""
        since = self._history.reach(_filter(None, None, None, None, (), job_ids))
        return None if since is None else format_ms(since)

    def _saying(self, text: str, limit: int, cursor: str | None, wanted: RunFilter) -> Page:
        """Search what the caller may read of runs. The search is bounded, as that of `History.of_all`."""
        found: list[dict[str, Any]] = []
        for _ in range(SEARCHED_PAGES):
            page = self._page(*self._history.of_all(MAX_PAGE, cursor, wanted))
            for run in page.data:
                if is_found(text, _said(run)):
                    found.append(run)
                    if len(found) == limit:
                        return Page(found, run["id"])
            cursor = page.next_cursor
            if cursor is None:
                break
        return Page(found, cursor)

    def history(self, job_id: str, *, limit: int, cursor: str | None = None) -> Page:
        """Read a page of a job's runs, newest first.

        Args:
            job_id: the job's id.
            limit: the most runs on the page, 1–`MAX_PAGE`.
            cursor: the `next_cursor` of the page before.

        Raises:
            NotFound: there is no such job.
            ValidationFailed: the cursor is invalid.
        """
        check_run_cursor(cursor)
        found = self._history.of_job(job_id, limit, cursor) if self._has(job_id) else None
        if found is None:
            raise no_job(job_id)
        return self._page(*found)

    def run(self, job_id: str, run_id: str) -> View:
        """Read one run; of a run that it has asked for, a caller without the scope `read` sees the status alone.

        Raises:
            NotFound: the job has no such run.
        """
        found = self._history.one(job_id, run_id) if is_id(run_id) and self._has(job_id) else None
        if found is None:
            raise no_run(job_id, run_id)
        return View(status_alone(*self._veil.over([found])))

    def run_alone(self, run_id: str) -> View:
        """Read one run by its id alone, whatever its job; else as `run`.

        Raises:
            NotFound: there is no such run.
        """
        if not is_id(run_id):
            raise NotFound(f"Run {run_id} not found")
        (found,) = ask(self._scripts, ("HGET", self._scripts.keys.run(run_id), "job_id"))
        try:
            return self.run("" if found is None else found.decode(errors="replace"), run_id)
        except NotFound:
            raise NotFound(f"Run {run_id} not found") from None  # without its job, which the caller may not see

    def later(self, job_id: str) -> list[dict[str, Any]]:
        """Read the next 20 runs of a job that await the time that was asked for, the soonest first."""
        (ids,) = ask(self._scripts, ("ZRANGE", self._scripts.keys.job_later(job_id), 0, LATER_SHOWN - 1))
        found = [self._history.one(job_id, run_id.decode(errors="replace")) for run_id in ids]
        return [View(run).data for run in self._veil.over([one for one in found if one is not None])]

    def late_because(self, job_id: str) -> list[str]:
        """Say what was told of a job that is late or slow, for a caller who sees it. Results are not told."""
        return [said for name, said in self._expectations.told(job_id).items() if name != RESULT]

    def awaits(self, run_id: str) -> str | None:
        """Tell until when a queued run awaits its delay, or its time; None if it awaits neither."""
        keys = self._scripts.keys
        ends = ask(self._scripts, *(("ZSCORE", key, run_id) for key in (keys.retries, keys.later)))
        return next((format_ms(int(float(end))) for end in ends if end is not None), None)

    def require_log(self, job_id: str, run_id: str) -> None:
        """Refuse to follow the log of a run.

        Raises:
            NotFound: the job has no such run.
            Forbidden: the log is about persons, and the caller lacks the scope `contacts`.
        """
        self.run(job_id, run_id)
        if self._veil.covers(job_id):
            caller().require(Scope.CONTACTS)

    def run_log(self, job_id: str, run_id: str) -> dict[str, Any]:
        """Read a run's log.

        Returns:
            `{"lines", "last_line", "trimmed"}`: the lines, the last one's number, and whether the log is kept no more.

        Raises:
            NotFound: the job has no such run.
        """
        run = self.run(job_id, run_id)
        if self._veil.covers(job_id):
            line = {"at": run.data["queued_at"], "level": "INFO", "message": WITHHELD}
            return {"lines": [line], "last_line": 0, "trimmed": False}
        log = self._history.log(run_id)
        return {"lines": log.parsed(), "last_line": log.last, "trimmed": log.trimmed}

    def _page(self, runs: Sequence[bytes], following: str | None) -> Page:
        return Page(self._veil.over(runs), following)


def _filter(
    status: str | None, trigger: str | None, since: str | None, until: str | None, labels: Sequence[str],
    job_ids: frozenset[str] | None,
) -> RunFilter:  # fmt: skip
    start, end = parse_period(since, until)
    return RunFilter(
        status=_one_of("status", status, STATUSES),
        job_ids=job_ids,
        trigger=_one_of("trigger", trigger, TRIGGERS),
        since_ms=None if start is None else start * 1000,
        until_ms=None if end is None else end * 1000,
        choice=choice(labels),
    )


def _said(run: Mapping[str, Any]) -> str:
    told = [run[name] for name in ("error", "reason", "result") if run.get(name)]
    return folded(" ".join(one if isinstance(one, str) else dumps(one).decode() for one in told))


def _one_of(name: str, value: str | None, known: Collection[str]) -> str | None:
    if value is not None and value not in known:
        raise ValidationFailed.of(name, f"must be one of {', '.join(known)}")
    return value
