"""Reader of a job's history for the bot of one of its runs, newest entries first and a page at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from service.domain.runs.past_runs import PastRun
from service.store.scripts import Scripts
from service.store.server.asking import ask, ask_packed, hash_fields, pairs

FIRST_PAGE, PAGE = 20, 200
"""Entries read at first, which mostly suffice, and then at a time. An occurrence that was decided out of order, because
somebody moved it, is found if it is on the same page as its neighbours."""
_FIELDS = (
    "status", "trigger", "scheduled_for", "last_scheduled_for", "started_at", "finished_at", "rehearsal", "reason",
)  # fmt: skip


class PastRuns:
    """The histories of jobs.

    Args:
        scripts: the scripts of this installation, on the connection to use.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def pages(self, job_id: str) -> Iterator[list[PastRun]]:
        """Yield a job's history in pages, newest first, without entries that outside hands have damaged."""
        start, size = 0, FIRST_PAGE
        while True:
            (ids,) = ask(self._scripts, ("LRANGE", self._keys.history(job_id), start, start + size - 1))
            if not ids or isinstance(ids, Exception):
                return
            names = [run_id.decode(errors="replace") for run_id in ids]
            rows = ask_packed(self._scripts, hash_fields([self._keys.run(name) for name in names], _FIELDS))
            yield [run for name, row in zip(names, rows, strict=True) if (run := _past(name, row)) is not None]
            start, size = start + size, PAGE

    def changed(self, job_id: str) -> list[int]:
        """Read which occurrences somebody has changed that the job has not passed yet, epoch seconds."""
        (answer,) = ask(self._scripts, ("HGETALL", self._keys.edits(job_id)))
        return [] if isinstance(answer, Exception) else [int(one) for one in pairs(answer) if one.isdigit()]

    def is_trimmed(self, job_id: str) -> bool:
        """Return whether a job's history is as long as it may be, so that older entries may be gone."""
        length, its_open = ask(
            self._scripts, ("LLEN", self._keys.history(job_id)), ("HGET", self._keys.job(job_id), "open")
        )
        if not isinstance(length, int):
            return True
        return length - int(its_open or 0) >= self._scripts.limits.history

    def result(self, run_id: str) -> dict[str, Any]:
        """Read a run's result; empty if it is no longer kept."""
        (text,) = ask(self._scripts, ("HGET", self._keys.run(run_id), "result"))
        return _object(text)

    def requested_by(self, run_id: str) -> str | None:
        """Read the name of the key that asked for a run; None if nobody did."""
        (text,) = ask(self._scripts, ("HGET", self._keys.run(run_id), "requested_by"))
        return name_in(text)


def name_in(requested_by: str | bytes | None) -> str | None:
    """Read the name from a run's field `requested_by`."""
    name = _object(requested_by).get("name")
    return name if isinstance(name, str) else None


def _object(text: str | bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _past(run_id: str, row: Any) -> PastRun | None:
    if not isinstance(row, list) or row[0] is None:
        return None
    status, trigger, first, last, started, finished, rehearsal, reason = row
    try:
        # What a clock that was ahead decided is not decided any more.
        decided = trigger == b"schedule" and not (reason == b"clock" and started is None)
        return PastRun(
            run_id, status.decode(), decided, _number(first), _number(last or first), _number(started),
            _number(finished), rehearsal == b"1",
        )  # fmt: skip
    except ValueError:
        return None


def _number(value: bytes | None) -> int | None:
    return None if value is None else int(value)
