"""Run views: runs as the API shows them, in a job's history and in that of all jobs, newest first.

A run that has ended changes no more, unless the erasure of a person cuts its texts. So its view is remembered until the
next erasure, and a history that clients ask for over and over costs only the reading of its ids.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson

from service.domain.access.labels import JobChoice
from service.domain.plain_json import plain, whole_number
from service.domain.schedules.run_members import names_of, overlay_of
from service.store.jobs.job_marks import read_marks
from service.store.jobs.job_views import instant, optional, text, timestamp, word
from service.store.jobs.stored_edits import edit_view
from service.store.runs.run_filter import RunFilter
from service.store.runs.run_log import RunLog, assembled, log_questions
from service.store.scripts import Scripts
from service.store.server.asking import ask, ask_packed, hash_fields
from service.store.server.exchange import packed

SCAN_PAGE, SCAN_PAGES = 200, 15
"""Runs read at a time, and how often, for one filtered page of all jobs' runs."""
FINAL = (b"success", b"failed", b"cancelled")
"""The statuses of runs that stay as they are. A skipped run does so if it has started: its bot skipped it."""
REMEMBERED, REMEMBERED_BYTES = 4096, 2048
"""How many ended runs a process remembers, and up to what size each: at most 8 MiB."""

FIELDS = (
    "job_id", "status", "started_at", "finished_at", "result", "error", "messages_sent", "profiles_visited", "trigger",
    "scheduled_for", "attempt", "queued_at", "due", "reason", "occurrences", "retry_of", "revision",
    "last_scheduled_for", "done", "total", "rehearsal", "requested_by", "members", "closed",
    "pause", "held_by", "during_pause", "not_before", "again_of", "backfill_id", "edit", "breaches", "overlay",
)  # fmt: skip
Values = Sequence[bytes | None]

_ENTRY = (
    b'{"id": "%b", "job_id": %b, "started_at": %b, "finished_at": %b, "status": %b, "result": %b, "error": %b, '
    b'"messages_sent": %d, "profiles_visited": %d, "trigger": %b, "scheduled_for": %b, "attempt": %b, "queued_at": %b, '
    b'"duration_ms": %b, "lateness_ms": %b, "reason": %b, "occurrences": %d, "retry_of": %b, "revision": %b, '
    b'"rehearsal": %b, "requested_by": %b'
)


def run_view(run_id: str, values: Values) -> bytes:
    """Make the view of a run, JSON.

    Args:
        run_id: a UUID.
        values: of `FIELDS`.

    Raises:
        ValueError, TypeError: the values are damaged.
    """
    (job_id, status, started, finished, result, error, sent, visited, trigger, occurrence, attempt, queued, due, reason,
     occurrences, retry_of, revision, last, done, total, rehearsal, requested_by, members, closed,
     pause, held_by, during_pause, not_before, again_of, backfill_id, edit, breaches, overlay) = values  # fmt: skip
    entry = _ENTRY % (
        run_id.encode(), word(job_id), optional(instant, started), optional(instant, finished), word(status),
        optional(_result, result), optional(text, error), _count(sent), _count(visited), word(trigger),
        optional(_second, occurrence), _number(attempt or b"1"), optional(instant, queued),
        _between(started, finished), _late(due, started), optional(text if started else word, reason),
        int(occurrences or 1), optional(text, retry_of), optional(_number, revision),
        b"true" if rehearsal == b"1" else b"false",
        optional(_result, requested_by),
    )  # fmt: skip
    if last is not None:
        entry += b', "last_scheduled_for": %b' % _second(last)
    for name, value, written in (
        (b"closed", closed, text), (b"pause", pause, _result), (b"held_by", held_by, text),
        (b"during_pause", during_pause, text), (b"not_before", not_before, instant), (b"again_of", again_of, text),
        (b"backfill_id", backfill_id, text), (b"breaches", breaches, _result),
        (b"overlay", overlay or (overlay_of(members) or "").encode() or None, _result),
    ):  # fmt: skip
        if value is not None:
            entry += b', "%b": %b' % (name, written(value))
    if members is not None and (names := names_of(members)):
        entry += b', "names": %b' % orjson.dumps(names)
    if edit is not None:
        entry += edit_view(int(occurrence or 0), edit)
    if total is not None:
        entry += b', "progress": %b' % _progress(done, total)
    return entry + b"}"


def _has_job(values: Any) -> bool:
    return isinstance(values, list) and values[0] is not None


def _is_final(values: Values) -> bool:
    status, started, finished = values[1:4]
    return finished is not None and (status in FINAL or (status == b"skipped" and started is not None))


def _number(value: bytes) -> bytes:
    return b"%d" % int(value)


def _second(value: bytes) -> bytes:
    return timestamp(int(value))


def _between(started: bytes | None, finished: bytes | None) -> bytes:
    """Return the time between, never negative: Redis' clock may have been set back."""
    return b"null" if started is None or finished is None else b"%d" % max(0, int(finished) - int(started))


def _late(due: bytes | None, started: bytes | None) -> bytes:
    return b"null" if started is None or due is None else b"%d" % max(0, int(started) - int(due))


def _result(value: bytes) -> bytes:
    """Return a bot's result as stored; one that not every reader takes is made plain, or null if it cannot be."""
    try:
        orjson.loads(value)
    except ValueError:
        return _readable(value)
    return value


def _readable(value: bytes) -> bytes:
    try:
        return orjson.dumps(plain(json.loads(value.decode(errors="replace"), parse_constant=lambda _: None)))
    except (ValueError, RecursionError):
        return b"null"


def _count(value: bytes | None) -> int:
    try:
        return whole_number(value or 0)
    except ValueError:
        return 0


def _progress(done: bytes | None, total: bytes) -> bytes:
    return b'{"done": %d, "total": %d}' % (_count(done), _count(total))


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
        shown = [entry for entry in self._many(ids[:limit], self._ended_since(erased_texts)) if entry is not None]
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
        if after is not None and not wanted.choice.limits.are_none and not self._of(wanted.choice, [after]):
            return found, None
        place = last = after
        looks = 0
        # A cursor names a run that the choice's limits allow. So a search that has met none goes on.
        while looks < SCAN_PAGES or last == after:
            looks += 1
            start = self._place_after(self._keys.runs, place)
            if start is None:
                return found, None
            (rows,) = ask(self._scripts, ("LRANGE", self._keys.runs, start, start + SCAN_PAGE - 1))
            if not rows:
                return found, None
            ids = [run_id.decode(errors="replace") for run_id in rows]
            place = ids[-1]
            for last, values, is_taken in self._of(wanted.choice, ids):
                if is_taken and values[1] and wanted.wants(dict(zip(FIELDS, values, strict=True))):
                    shown = self._shown(last, values)
                    found += [] if shown is None else [shown]
                    if len(found) == limit:
                        return found, last
        return found, last

    def _of(self, choice: JobChoice, run_ids: Sequence[str]) -> list[tuple[str, Any, bool]]:
        """Read runs, without those of jobs beyond a choice's limits.

        Returns:
            Their ids, their values, and whether the choice takes their jobs.
        """
        runs = list(zip(run_ids, self._read(run_ids), strict=True))
        if choice.is_all:
            return [(run_id, values, isinstance(values, list)) for run_id, values in runs]
        jobs = {run_id: values[0].decode(errors="replace") for run_id, values in runs if _has_job(values)}
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

    def _many(self, run_ids: Sequence[str], ended: dict[str, bytes]) -> list[bytes | None]:
        known = {run_id: ended.get(run_id) for run_id in run_ids}
        missing = [run_id for run_id, entry in known.items() if entry is None]
        for run_id, values in zip(missing, self._read(missing), strict=True):
            entry = known[run_id] = self._shown(run_id, values)
            if entry is not None and _is_final(values) and len(entry) <= REMEMBERED_BYTES:
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
