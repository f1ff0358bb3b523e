"""Numbers of single jobs, for metrics: when each succeeded last, how long its last run took, how it is doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.store.scripts import Scripts

MOST_JOBS = 500
"""The most jobs whose numbers are read."""
MOST_RUNS = 20
"""The newest so many runs of a job are looked through for its last success."""
_FIRST_LOOK = 2
"""A job that is well has its last success among its newest runs, so most jobs cost one round trip more."""


@dataclass(frozen=True, slots=True)
class JobNumbers:
    """One job.

    Args:
        succeeded_at: when its last success ended, ms; None if none of its newest runs was one.
        took_ms: from start to end of the last run that had started and has ended.
        failures: for good, in a row.
        health: `ok`, `late`, `slow` or `empty`; None if nothing is expected of it.
    """

    job_id: str
    name: str
    succeeded_at: int | None
    took_ms: int | None
    failures: int
    health: str | None


def read_job_numbers(scripts: Scripts) -> tuple[list[JobNumbers], int]:
    """Read the numbers of the jobs that were created first, in a few round trips.

    Returns:
        The jobs, in the order of their creation, and how many more there are.

    Raises:
        StoreUnavailable: Redis is away.
    """
    keys = scripts.keys
    ids, count = scripts.read(lambda pipe: (pipe.zrange(keys.jobs, 0, MOST_JOBS - 1), pipe.zcard(keys.jobs)))
    names = [found.decode() for found in ids]
    hashes = scripts.read(
        lambda pipe: [pipe.hmget(keys.job(name), "name", "failures", "health", "expect") for name in names]
    )
    ended = _newest_ends(scripts, names)
    found = [
        JobNumbers(
            name, title.decode(errors="replace"), *ended[name], _number(failures) or 0,
            None if expect is None else (health or b"ok").decode(errors="replace"),
        )
        for name, (title, failures, health, expect) in zip(names, hashes, strict=True)
        if title is not None
    ]  # fmt: skip
    return found, max(0, int(count) - len(names))


def _newest_ends(scripts: Scripts, names: Sequence[str]) -> dict[str, tuple[int | None, int | None]]:
    """Return of each job when it succeeded last, and how long its last run took; ms."""
    found: dict[str, tuple[int | None, int | None]] = dict.fromkeys(names, (None, None))
    open_ones = list(names)
    for first, last in ((0, _FIRST_LOOK - 1), (_FIRST_LOOK, MOST_RUNS - 1)):
        for name, values in _runs(scripts, open_ones, first, last):
            found[name] = _with_run(found[name], values)
        open_ones = [name for name in open_ones if None in found[name]]
    return found


def _runs(scripts: Scripts, names: Sequence[str], first: int, last: int) -> list[tuple[str, Sequence[Any]]]:
    """Read what counts of some runs of each job, the newest first, each beside its job."""
    keys = scripts.keys
    lines = scripts.read(lambda pipe: [pipe.lrange(keys.history(name), first, last) for name in names])
    ids = [(name, run.decode()) for name, line in zip(names, lines, strict=True) for run in line]
    fields = ("status", "started_at", "finished_at", "rehearsal")
    values = scripts.read(lambda pipe: [pipe.hmget(keys.run(run), *fields) for _, run in ids])
    return [(name, its) for (name, _), its in zip(ids, values, strict=True)]


def _with_run(so_far: tuple[int | None, int | None], values: Sequence[Any]) -> tuple[int | None, int | None]:
    """Take in an older run than those before; rehearsals and what has not started and ended count for nothing."""
    status, started, finished, rehearsal = values
    start, end = _number(started), _number(finished)
    if rehearsal or start is None or end is None:
        return so_far
    succeeded, took = so_far
    if succeeded is None and status == b"success":
        succeeded = end
    return succeeded, max(0, end - start) if took is None else took


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None
