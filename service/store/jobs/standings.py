"""Reader of what badges and status pages show: a few fields of each job, and its newest runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from service.domain.access.labels import JobChoice
from service.domain.badges.standing import JobFacts
from service.domain.pauses.pause import Pause, covering
from service.store.jobs.job_hashes import AT_ONCE, JobStore
from service.store.jobs.job_marks import marks_of
from service.store.scripts import Scripts
from service.store.server.asking import ask, ask_packed, hash_fields

_FIELDS = ("bot_type", "labels", "enabled", "state", "last_run_status", "health", "next_due", "last_run_at")
_RUN_FIELDS = ("status", "finished_at", "rehearsal")


class StandingJob(NamedTuple):
    """A job, and when its last run started, ms."""

    id: str
    facts: JobFacts
    last_run_ms: int | None


class RunMark(NamedTuple):
    """How a run ended, and when, ms."""

    status: str
    finished_ms: int | None


def standing_jobs(
    scripts: Scripts, choice: JobChoice, pauses: Sequence[Pause], now_ms: int, job_ids: Sequence[str] | None = None
) -> Iterator[StandingJob]:
    """Read the jobs that a choice takes, in the order of their creation and in bounded memory.

    Args:
        scripts: the scripts of this installation.
        choice: among all jobs.
        pauses: those that are stored.
        now_ms: the time, ms.
        job_ids: only these; None for all.
    """
    if job_ids is not None:
        yield from _read(scripts, choice, pauses, now_ms, job_ids)
        return
    store, position = JobStore(scripts), None
    while places := store.ids_after(position, AT_ONCE):
        yield from _read(scripts, choice, pauses, now_ms, [place.job_id for place in places])
        position = places[-1]


def _read(
    scripts: Scripts, choice: JobChoice, pauses: Sequence[Pause], now_ms: int, job_ids: Sequence[str]
) -> Iterator[StandingJob]:
    rows = ask_packed(scripts, hash_fields([scripts.keys.job(job_id) for job_id in job_ids], _FIELDS))
    for job_id, row in zip(job_ids, rows, strict=True):
        job = _job(job_id, row, choice, pauses, now_ms) if isinstance(row, list) else None
        if job is not None:
            yield job


def _job(job_id: str, row: Any, choice: JobChoice, pauses: Sequence[Pause], now_ms: int) -> StandingJob | None:
    bot, labels, enabled, state, status, health, due, ran = row
    marks = marks_of(bot, labels)
    if marks is None or not choice.takes(*marks):
        return None
    is_paused = bool(pauses) and bool(covering(pauses, now_ms, job_id, *marks))
    facts = JobFacts(enabled == b"1", _text(state), _text(status), _text(health), _number(due), is_paused)
    return StandingJob(job_id, facts, _number(ran))


def newest_runs(scripts: Scripts, job_ids: Sequence[str], count: int) -> Mapping[str, list[RunMark]]:
    """Read the newest runs of jobs, newest first, without rehearsals.

    Args:
        scripts: the scripts of this installation.
        job_ids: the jobs.
        count: how many runs of each.
    """
    if not job_ids:
        return {}
    keys = scripts.keys
    lists = ask(scripts, *(("LRANGE", keys.history(job_id), 0, count - 1) for job_id in job_ids))
    found: dict[str, list[RunMark]] = {}
    for job_id, ids in zip(job_ids, lists, strict=True):
        names = [] if isinstance(ids, Exception) else [run_id.decode(errors="replace") for run_id in ids]
        rows = ask_packed(scripts, hash_fields([keys.run(name) for name in names], _RUN_FIELDS)) if names else []
        found[job_id] = [
            RunMark(row[0].decode(errors="replace"), _number(row[1]))
            for row in rows
            if isinstance(row, list) and row[0] is not None and row[2] != b"1"
        ]
    return found


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None
