"""Reader of what badges and status pages show: a few fields of each job, and its newest runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from service.batches import batched
from service.domain.access.labels import JobChoice
from service.domain.badges.standing import JobFacts
from service.domain.pauses.pause import Pause, covering
from service.store.jobs.job_marks import JobMarks, marks_of
from service.store.scripts import Scripts
from service.store.server.asking import ask, ask_packed, hash_fields

AT_ONCE, LISTS_AT_ONCE = 200, 10
"""Jobs, and jobs with their runs, that one look reads: some ms of work, after which an event loop serves others."""
_FIELDS = (
    "bot_type", "labels", "enabled", "state", "last_run_status", "failures", "open", "health", "next_due",
    "last_run_at", "name",
)  # fmt: skip
_RUN_FIELDS = ("status", "finished_at", "rehearsal")


class StandingJob(NamedTuple):
    """A job, its name, when its last run started, ms, and its bot and labels."""

    id: str
    name: str
    facts: JobFacts
    last_run_ms: int | None
    marks: JobMarks


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
    start = 0  # by rank: a job may be left out of one look if another is deleted meanwhile
    while found := ask(scripts, ("ZRANGE", scripts.keys.jobs, start, start + AT_ONCE - 1))[0]:
        yield from _read(scripts, choice, pauses, now_ms, [job_id.decode(errors="replace") for job_id in found])
        start += AT_ONCE


def _read(
    scripts: Scripts, choice: JobChoice, pauses: Sequence[Pause], now_ms: int, job_ids: Sequence[str]
) -> Iterator[StandingJob]:
    rows = ask_packed(scripts, hash_fields([scripts.keys.job(job_id) for job_id in job_ids], _FIELDS))
    for job_id, row in zip(job_ids, rows, strict=True):
        job = _job(job_id, row, choice, pauses, now_ms) if isinstance(row, list) else None
        if job is not None:
            yield job


def _job(job_id: str, row: Any, choice: JobChoice, pauses: Sequence[Pause], now_ms: int) -> StandingJob | None:
    bot, labels, enabled, state, status, failures, open_runs, health, due, ran, name = row
    marks = marks_of(bot, labels)
    if marks is None or not choice.takes(*marks):
        return None
    is_paused = bool(pauses) and bool(covering(pauses, now_ms, job_id, *marks))
    facts = JobFacts(
        enabled == b"1", _text(state), _text(status), _number(failures) or 0, _number(open_runs) or 0, _text(health),
        _number(due), is_paused,
    )  # fmt: skip
    return StandingJob(job_id, _text(name) or "", facts, _number(ran), marks)


def newest_runs(scripts: Scripts, job_ids: Sequence[str], count: int) -> Mapping[str, list[RunMark]]:
    """Read the newest runs of jobs, newest first, without rehearsals.

    Args:
        scripts: the scripts of this installation.
        job_ids: the jobs.
        count: how many runs of each.
    """
    keys, found = scripts.keys, dict[str, list[RunMark]]((job_id, []) for job_id in job_ids)
    for some in batched(job_ids, LISTS_AT_ONCE):
        lists = ask(scripts, *(("LRANGE", keys.history(job_id), 0, count - 1) for job_id in some))
        runs = [
            (job_id, run_id.decode(errors="replace"))
            for job_id, ids in zip(some, lists, strict=True)
            for run_id in ([] if isinstance(ids, Exception) else ids)
        ]
        questions = hash_fields([keys.run(run_id) for _, run_id in runs], _RUN_FIELDS)
        for (job_id, _), row in zip(runs, ask_packed(scripts, questions) if runs else [], strict=True):
            if isinstance(row, list) and row[0] is not None and row[2] != b"1":
                found[job_id].append(RunMark(row[0].decode(errors="replace"), _number(row[1])))
    return found


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None
