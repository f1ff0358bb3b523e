"""Decides about due jobs: reads them, plans each, and commits the plans in batches.

Planning is pure (`service.domain.decision_batch`). One script commits a batch (`lua/decide.lua`), and Redis carries it
out while the next batch is planned. The script checks that each job is still as it was when it was planned; this
compare-and-set decides every occurrence exactly once, under any number of schedulers and kills.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from redis.exceptions import ResponseError

from service.domain.decision_batch import DecisionBatch
from service.domain.planning import plan_again
from service.domain.records import UnreadableJob
from service.errors import ServiceError, ValidationFailed
from service.store.jobs.due import DueEntry, read_due
from service.store.jobs.due_index import DueIndex
from service.store.jobs.job_hashes import JobStore
from service.store.scripts import Scripts
from service.store.server.translation import translate_errors

log = logging.getLogger(__name__)

READ_AT_ONCE = 500
"""Due jobs read at a time."""
BATCH = 100
"""Decisions committed at a time; between two batches Redis serves others."""

CANNOT_BE_PLANNED = (ValidationFailed, ArithmeticError, LookupError, ValueError, TypeError)


class DueJobs:
    """The due jobs of this installation, and their decisions.

    Args:
        scripts: the scripts of this installation.
        jobs: the job store.
    """

    def __init__(self, scripts: Scripts, jobs: JobStore) -> None:
        self._scripts = scripts
        self._jobs = jobs
        self.index = DueIndex(scripts, self._plan_again)

    def read(self) -> tuple[int, Sequence[DueEntry]]:
        """Return the time, epoch milliseconds, and the jobs that are due at it, at most `READ_AT_ONCE`."""
        return read_due(self._scripts, READ_AT_ONCE)

    def decide(self, due: Sequence[DueEntry], now_ms: int) -> int:
        """Plan and commit, each batch while Redis carries out the one before it.

        Args:
            due: the jobs, as `read` returned them.
            now_ms: the time that came with them.

        Returns:
            How many jobs were decided.

        Raises:
            StoreUnavailable: Redis is away, or refuses to write.
        """
        decided = 0
        under_way: list[tuple[DecisionBatch, Callable[[], list[bytes]]]] = []
        try:
            for batch in self._planned(due, now_ms):
                if under_way:
                    decided += self._committed(*under_way.pop())
                under_way.append((batch, self._begin(batch)))
        finally:  # each answer is read once, and always: nobody else may find it on the connection
            if under_way:
                decided += self._committed(*under_way.pop())
        return decided

    def _begin(self, batch: DecisionBatch) -> Callable[[], list[bytes]]:
        return self._scripts.begin("decide", json.dumps(batch.argument()), self._scripts.keys.prefix)

    def _planned(self, due: Sequence[DueEntry], now_ms: int) -> Iterator[DecisionBatch]:
        batch = DecisionBatch(now_ms)
        for entry in due:
            self._plan(entry, batch)
            if batch.decisions >= BATCH:
                yield batch
                batch = DecisionBatch(now_ms)
        if batch.decisions:
            yield batch

    def _plan(self, entry: DueEntry, batch: DecisionBatch) -> None:
        """Plan one due job, or set it aside: one bad job never stops the others."""
        try:
            job = entry.read()
            if job.next_due == entry.due:
                batch.add(job)
            else:
                self.index.restore([job.id])
        except UnreadableJob as error:
            self._set_aside(entry.job_id, entry.due, str(error))
        except (ServiceError, *CANNOT_BE_PLANNED) as error:
            log.exception("Job %s cannot be planned", entry.job_id, extra={"job_id": entry.job_id})
            self._set_aside(entry.job_id, entry.due, f"its next occurrence cannot be computed ({error})")

    def _committed(self, batch: DecisionBatch, answer: Callable[[], list[bytes]]) -> int:
        """Read the outcome of a batch. Return how many of its jobs were decided."""
        decided, stale = 0, []
        for job_id, verdict in zip(batch.job_ids, answer(), strict=True):
            if verdict == b"decided":
                decided += 1
            elif verdict == b"stale":
                stale.append(job_id)
            elif verdict.startswith(b"!"):
                self._refused(job_id, verdict[1:].decode(errors="replace"))
        # A stale job was decided or changed meanwhile. Otherwise the index and the job disagree, and would never agree
        # again.
        self.index.restore(stale)
        return decided

    def _refused(self, job_id: str, error: str) -> None:
        """Handle a commit that Redis refused: a key of the wrong type concerns one job, anything else all of them."""
        if "WRONGTYPE" not in error:
            with translate_errors():
                raise ResponseError(error)
        log.error("Job %s: Redis refused its commit: %s", job_id, error, extra={"job_id": job_id})
        # Whatever its score is now: the script may have moved the job on before it met that key.
        self._set_aside(job_id, "", f"Redis refused its commit ({error})")

    def _set_aside(self, job_id: str, score: int | str, reason: str) -> None:
        log.error("Job %s is set aside: %s", job_id, reason, extra={"job_id": job_id})
        self._scripts.run("set_aside", job_id, score, reason[:500])

    def _plan_again(self, job_id: str) -> None:
        """Plan an enabled job that has no plan: somebody else removed it, or the job was once set aside.

        The reason to set it aside may be gone: somebody repaired the job, or this release understands it.
        """
        try:
            record = self._jobs.get(job_id)
            if record is None or not record.definition.enabled or record.plan.next_occurrence is not None:
                return
            planned = replace(record, plan=plan_again(record), revision=record.revision + 1)
            if self._jobs.replace(planned, record.revision):
                log.warning("Job %s had no plan; it is %s again", job_id, planned.plan.state, extra={"job_id": job_id})
        except (UnreadableJob, *CANNOT_BE_PLANNED) as error:
            log.error("Job %s stays set aside: %s", job_id, error, extra={"job_id": job_id})
