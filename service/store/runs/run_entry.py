"""The view of a run: JSON, put together from the texts in Redis, as the API shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson

from service.domain.plain_json import plain, whole_number
from service.domain.schedules.run_members import names_of, overlay_of
from service.store.jobs.job_views import instant, optional, text, timestamp, word
from service.store.jobs.stored_edits import edit_view

FINAL = (b"success", b"failed", b"cancelled")
"""The statuses of runs that stay as they are. A skipped run does so if it has started: its bot skipped it."""
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


def has_job(values: Any) -> bool:
    """Return whether the values of a run's fields name a job: the run is there, and a hash."""
    return isinstance(values, list) and values[0] is not None


def is_final(values: Values) -> bool:
    """Return whether a run stays as it is, by the values of its fields."""
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
