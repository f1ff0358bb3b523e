"""Run views: runs as the API shows them, in a job's history and in that of all jobs, newest first.

A run that has ended changes no more, unless the erasure of a person cuts its texts. So its view is remembered until the
next erasure, and a history that clients ask for over and over costs only the reading of its ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from service.batches import batched
from service.domain.access.labels import JobChoice
from service.domain.ids import is_id
from service.domain.runs.past_runs import LISTED_RUNS
from service.store.jobs.job_marks import JobMarks, read_marks
from service.store.runs.known_facts import KnownFacts
from service.store.runs.run_entry import FIELDS, has_job, is_final, run_view
from service.store.runs.run_filter import RunFilter
from service.store.runs.run_log import RunLog, assembled, log_questions
from service.store.scripts import Scripts
from service.store.server.asking import ask, ask_packed, hash_fields
from service.store.server.exchange import packed

SCAN_PAGE, SCAN_PAGES = 200, 15
"""Runs read at a time, and how often, for one filtered page of all jobs' runs."""
COUNTED = 1000
"""Runs that one command counts."""
REMEMBERED, REMEMBERED_BYTES = 4096, 2048
"""How many ended runs a process remembers, and up to what size each: at most 8 MiB."""


class History:
    """Reader of run views.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys
        self._ended: dict[str, bytes] = {}
        self._erased_texts: bytes | None = None
        self._facts = KnownFacts(scripts)

    def one(self, job_id: str, run_id: str) -> bytes | None:
        """Read one run of a job, JSON; None if there is no such job or run."""
        exists, values = ask_packed(
            self._scripts,
            [packed("EXISTS", self._keys.job(job_id)), *hash_fields([self._keys.run(run_id)], FIELDS)],
        )
        if not exists:
            return None
        shown = self._shown(run_id, values)
        return shown if shown is not None and values[0] == job_id.encode() else None

    def of_job(self, job_id: str, limit: int, after: str | None = None) -> tuple[list[bytes], str | None] | None:
        """Read up to `limit` runs of a job, newest first, after the run `after`.

        Args:
            job_id: the job.
            limit: runs on the page.
            after: where the page before ended; None for the first page.

        Returns:
            The runs, JSON, and where to go on, if there are more; a page is short by the runs that have gone meanwhile.
            None if there is no such job.
        """
        listed = self._keys.history(job_id)
        start = self._place_after(listed, after)
        exists, found, erased_texts = ask(
            self._scripts, ("EXISTS", self._keys.job(job_id)), ("LRANGE", listed, start or 0, (start or 0) + limit),
            ("GET", self._keys.erased_texts),
        )  # fmt: skip
        if not exists:
            return None
        ids = [run_id.decode(errors="replace") for run_id in found] if start is not None else []
        shown = [
            entry for entry in self._many(ids[:limit], self._ended_since(erased_texts), False) if entry is not None
        ]
        return shown, ids[limit - 1] if len(ids) > limit else None

    def of_all(self, limit: int, after: str | None, wanted: RunFilter) -> tuple[list[bytes], str | None]:
        """Read up to `limit` runs of all jobs that a filter accepts, newest first, after the run `after`.

        Args:
            limit: runs on the page.
            after: where the page before ended; None for the first page.
            wanted: the filter.

        Returns:
            The runs, JSON, and where to go on, if there may be more; a page may be short, for the search is bounded.
        """
        found: list[bytes] = []
        listed = self._listed(wanted)
        if after is not None and not wanted.choice.limits.are_none and not self._of(wanted.choice, [after]):
            return found, None
        place = last = after
        looks, size = 0, limit if wanted.wants_all else SCAN_PAGE
        # A cursor names a run that the choice's limits allow. So a search that has met none goes on.
        while looks < SCAN_PAGES or last == after:
            looks += 1
            start = self._place_after(listed, place)
            if start is None:
                return found, None
            rows, erased_texts = ask(
                self._scripts, ("LRANGE", listed, start, start + size - 1), ("GET", self._keys.erased_texts)
            )
            if not rows:
                return found, None
            ids = [run_id.decode(errors="replace") for run_id in rows]
            place, size = ids[-1], SCAN_PAGE
            for last, shown in self._found(wanted, ids, self._ended_since(erased_texts)):
                found += [] if shown is None else [shown]
                if len(found) == limit:
                    return found, last
        return found, last

    def count(self, wanted: RunFilter) -> int:
        """Count the runs that a filter accepts, of all that are listed together.

        What is known of runs may be of some that have gone since. So Redis counts those that are there.
        """
        (rows,) = ask(self._scripts, ("LRANGE", self._listed(wanted), 0, -1))
        known = self._facts.of([run_id.decode(errors="replace") for run_id in rows])
        if not wanted.wants_all:
            known = {run_id: facts for run_id, facts in known.items() if wanted.wants(facts)}
        if not wanted.choice.is_all:
            jobs = {run_id: (facts["job_id"] or b"").decode(errors="replace") for run_id, facts in known.items()}
            marks = read_marks(self._scripts, jobs.values())
            known = {run_id: known[run_id] for run_id, job in jobs.items() if _takes(wanted.choice, marks.get(job))}
        keys = [self._keys.run(run_id) for run_id in known]
        commands = [("EXISTS", *some) for some in batched(keys, COUNTED)]
        return sum(ask(self._scripts, *commands)) if commands else 0

    def reach(self, wanted: RunFilter) -> int | None:
        """Find since when all runs are listed of which a filter chooses, ms; None if none has left that list."""
        listed = self._listed(wanted)
        if listed != self._keys.runs:
            return None
        length, rows = ask(self._scripts, ("LLEN", listed), ("LRANGE", listed, -SCAN_PAGE, -1))
        if length < LISTED_RUNS:
            return None
        keys = [self._keys.run(run_id.decode(errors="replace")) for run_id in rows[::-1]]
        times = ask(self._scripts, *(("HGET", key, "queued_at") for key in keys))
        return next((int(time) for time in times if time is not None), None)

    def _listed(self, wanted: RunFilter) -> str:
        """Return the list to look through: of a single job's runs its own, which has them all together."""
        job_ids = tuple(wanted.job_ids or ())
        return self._keys.history(job_ids[0]) if len(job_ids) == 1 and is_id(job_ids[0]) else self._keys.runs

    def _found(
        self, wanted: RunFilter, run_ids: Sequence[str], ended: dict[str, bytes]
    ) -> Iterator[tuple[str, bytes | None]]:
        """Yield the runs that a choice's limits allow, each with its view if the filter accepts it."""
        if wanted.wants_all:
            yield from zip(run_ids, self._many(run_ids, ended), strict=True)
            return
        if wanted.choice.is_all:
            known = self._facts.of(run_ids)
            chosen = [run_id for run_id in run_ids if (facts := known.get(run_id)) is not None and wanted.wants(facts)]
            shown = dict(zip(chosen, self._many(chosen, ended), strict=True))
            yield from ((run_id, shown.get(run_id)) for run_id in run_ids)
            return
        for run_id, values, is_taken in self._of(wanted.choice, run_ids):
            is_wanted = is_taken and values[1] and wanted.wants(dict(zip(FIELDS, values, strict=True)))
            yield run_id, self._shown(run_id, values) if is_wanted else None

    def _of(self, choice: JobChoice, run_ids: Sequence[str]) -> list[tuple[str, Any, bool]]:
        """Read runs, without those of jobs beyond a choice's limits.

        Returns:
            Their ids, their values, and whether the choice takes their jobs.
        """
        runs = list(zip(run_ids, self._read(run_ids), strict=True))
        if choice.is_all:
            return [(run_id, values, isinstance(values, list)) for run_id, values in runs]
        jobs = {run_id: values[0].decode(errors="replace") for run_id, values in runs if has_job(values)}
        marks = read_marks(self._scripts, jobs.values())
        found = []
        for run_id, values in runs:
            job = marks.get(jobs.get(run_id, ""))
            if choice.limits.are_none or (job is not None and choice.limits.allow(*job)):
                found.append((run_id, values, job is not None and choice.takes(*job)))
        return found

    def log(self, run_id: str) -> RunLog:
        """Read a run's whole log."""
        return assembled(ask(self._scripts, *log_questions(self._keys, run_id, after=0, limit=0)), after=0)

    def follow(self, run_id: str, after: int, limit: int) -> tuple[dict[str, Any] | None, RunLog]:
        """Read one run (None if it is gone), and then up to `limit` lines each of its log's two ends.

        In this order: a run that has ended writes no more lines.

        Args:
            run_id: the run.
            after: the number of the line after which to start.
            limit: so many lines of each end.
        """
        questions = [packed(*question) for question in log_questions(self._keys, run_id, after, limit)]
        values, *found = ask_packed(self._scripts, hash_fields([self._keys.run(run_id)], FIELDS) + questions)
        entry = self._shown(run_id, values)
        return None if entry is None else orjson.loads(entry), assembled(found, after, limit)

    def _place_after(self, listed: str, after: str | None) -> int | None:
        """Find where in a list to go on after a run; None if that run is gone."""
        if after is None:
            return 0
        (place,) = ask(self._scripts, ("LPOS", listed, after))
        return None if place is None else int(place) + 1

    def _ended_since(self, erased_texts: bytes | None) -> dict[str, bytes]:
        """Return the views of ended runs that were read since the last erasure.

        Each erasure begins another dict. So a view that was read before it, by another thread, is not remembered after.
        """
        if erased_texts != self._erased_texts:
            self._erased_texts, self._ended = erased_texts, {}
        return self._ended

    def _many(self, run_ids: Sequence[str], ended: dict[str, bytes], may_be_gone: bool = True) -> list[bytes | None]:
        """Read views, None of runs that are gone.

        Args:
            run_ids: the runs.
            ended: the views that are remembered.
            may_be_gone: whether the list of all runs names them, which keeps ids of runs that have left a history.
        """
        known = {run_id: ended.get(run_id) for run_id in run_ids}
        missing = [run_id for run_id, entry in known.items() if entry is None]
        remembered = [run_id for run_id, entry in known.items() if entry is not None] if may_be_gone else []
        there = [packed("EXISTS", self._keys.run(run_id)) for run_id in remembered]
        questions = there + hash_fields([self._keys.run(run_id) for run_id in missing], FIELDS)
        answers = ask_packed(self._scripts, questions) if questions else []
        for run_id, exists in zip(remembered, answers[: len(there)], strict=True):
            if not exists:
                known[run_id] = None
                ended.pop(run_id, None)
        for run_id, values in zip(missing, answers[len(there) :], strict=True):
            entry = known[run_id] = self._shown(run_id, values)
            if entry is not None and is_final(values) and len(entry) <= REMEMBERED_BYTES:
                if len(ended) >= REMEMBERED:
                    ended.clear()
                ended[run_id] = entry
        return [known[run_id] for run_id in run_ids]

    def _read(self, run_ids: Sequence[str]) -> list[Any]:
        return ask_packed(self._scripts, hash_fields([self._keys.run(run_id) for run_id in run_ids], FIELDS))

    @staticmethod
    def _shown(run_id: str, values: Any) -> bytes | None:
        """Make a view; None if the run is gone or damaged."""
        try:
            return run_view(run_id, values) if values[1] is not None else None
        except (ValueError, TypeError):
            return None


def _takes(choice: JobChoice, marks: JobMarks | None) -> bool:
    return marks is not None and choice.takes(*marks)
