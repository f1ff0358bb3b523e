"""Jobs that the release before schema 3 has kept, or still works on: brought to the records of today.

The migration does it for all jobs (`service.store.migrations`), the scheduler that acts for those whose runs are still
under way there (`service.scheduler.take_over`). Decision 0050 explains it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from redis.exceptions import ResponseError

from service.domain.kinds import kind_of
from service.domain.records import stored_options
from service.store.scripts import Scripts
from service.store.server.exchange import exchange
from service.store.server.packing import packed
from service.store.server.translation import translate_errors

log = logging.getLogger(__name__)

JOBS_AT_ONCE = 40
RUNS_AT_ONCE = 1_000
"""Redis serves nobody else during one round trip: so many jobs, with histories of so many runs together, take it a few
milliseconds."""

RENAMED = ("queue", "finished", "failed", "canceled")
"""RQ's list and registries whose contents move under the new queue's name."""

Row = tuple[str, str, int]
"""A job's id, its kind ('' for none), and how many runs its history has."""


class OlderJobs:
    """The older release's jobs and runs.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def rename(self) -> None:
        """Give the due index, RQ's queue and its registries their new names, if those are free: all at once, in order.

        Under the names of before, an old scheduler finds nothing to decide, and an old worker nothing to claim.
        """
        names = [(getattr(self._keys, f"old_{name}"), getattr(self._keys, f"rq_{name}")) for name in RENAMED]
        with translate_errors():
            for old, new in ((self._keys.old_due, self._keys.due), *names):
                if self._scripts.client.exists(old):
                    self._scripts.client.renamenx(old, new)

    def is_at_work(self) -> bool:
        """Return whether processes of the older release are up, or have left anything since the last look."""
        keys = self._keys
        (found,) = self._scripts.read(
            lambda pipe: pipe.exists(
                keys.adopted, keys.old_queue, keys.old_intermediate, keys.old_started, keys.old_due, keys.old_workers,
                keys.old_finished, keys.old_failed, keys.old_canceled,
            )
        )  # fmt: skip
        return bool(found)

    def take_over(self) -> bool:
        """Take over what the older release has left since the last look. Return whether there is more."""
        more, written = self._scripts.run("take_over", RUNS_AT_ONCE)
        job_ids = [job_id.decode() for job_id in written]
        if job_ids:
            self.recount(job_ids)
            self._scripts.run_many("restore_due", [[job_id] for job_id in job_ids])
            self._scripts.read(lambda pipe: pipe.zrem(self._keys.old_due, *job_ids))
        return bool(more)

    def recount(self, job_ids: Sequence[str]) -> int:
        """Count the jobs' runs from the records, and store the jobs' kinds. Return how many of the jobs are enabled.

        Args:
            job_ids: up to some hundred jobs.
        """
        enabled = 0
        for batch in _batches(self._rows(job_ids)):
            answers = self._scripts.run_many("recount_job", [(job_id, kind) for job_id, kind, _ in batch])
            enabled += sum(_is_enabled(row[0], answer) for row, answer in zip(batch, answers, strict=True))
        return enabled

    def _rows(self, job_ids: Sequence[str]) -> Iterator[Row]:
        keys = self._keys
        commands = []
        for job_id in job_ids:
            commands += [
                packed("HMGET", keys.job(job_id), "schedule_type", "schedule_config", "options"),
                packed("LLEN", keys.history(job_id)),
                packed("LLEN", keys.old_history(job_id)),
            ]
        with translate_errors():
            answers = exchange(self._scripts.client, commands)
        for index, job_id in enumerate(job_ids):
            fields, *lengths = answers[3 * index : 3 * index + 3]
            yield job_id, _kind(fields), sum(length for length in lengths if isinstance(length, int))


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    runs = 0
    for row in rows:
        if batch and (runs + row[2] > RUNS_AT_ONCE or len(batch) == JOBS_AT_ONCE):
            yield batch
            batch, runs = [], 0
        batch.append(row)
        runs += row[2]
    if batch:
        yield batch


def _is_enabled(job_id: str, answer: Any) -> bool:
    """Read an answer of recount_job.lua; a key of the wrong type concerns one job, any other refusal all of them."""
    if isinstance(answer, ResponseError):
        if "WRONGTYPE" not in str(answer):
            with translate_errors():
                raise answer
        log.error("Job %s: its runs cannot be counted: %s", job_id, answer, extra={"job_id": job_id})
        return False
    return bool(answer == [b"1"])


def _kind(fields: Any) -> str:
    """Return the kind of a stored job; '' if it has none, or is damaged."""
    if isinstance(fields, ResponseError) or None in fields:
        return ""
    return _kind_of(*fields)


@lru_cache(maxsize=8192)
def _kind_of(schedule_type: bytes, schedule_config: bytes, options: bytes) -> str:
    try:
        return kind_of(schedule_type.decode(), json.loads(schedule_config), stored_options(options.decode())) or ""
    except (ValueError, TypeError, AttributeError):
        return ""
