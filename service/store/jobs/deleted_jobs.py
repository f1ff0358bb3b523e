"""Deleted jobs in Redis, which can be restored for 30 days."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from service.batches import batched
from service.domain.records import JobRecord, UnreadableJob, read_job
from service.store.audit.entries import author, job_entry
from service.store.jobs.job_hashes import stored_fields
from service.store.jobs.stored_edits import edits_back, edits_of
from service.store.quotas import refuse_job
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs

KEPT_MS = 30 * 86_400_000
"""How long a deleted job can be restored; `service/store/lua/shared/deleted.lua` has the same in seconds."""
GONE = (
    "deleted_at", "deleted_by", "created_us", "last_run_at", "last_run_status", "last_run_error", "last_failed_at",
    "failures", "misfire_told_at",
)  # fmt: skip
"""Fields that a restored job does not have: those of its deletion, and those of its runs."""
AT_ONCE = 200
"""Deleted jobs read in one round trip."""


@dataclass(frozen=True, slots=True)
class DeletedJob:
    """A deleted job.

    Args:
        record: as it was.
        at: when it was deleted, ms.
        by: who deleted it, `{"actor", "name"}`; None if the service did.
    """

    record: JobRecord
    at: int
    by: Mapping[str, str] | None


class DeletedJobs:
    """Reader and restorer of deleted jobs.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def get(self, job_id: str) -> DeletedJob | None:
        """Read one deleted job; None if it does not exist, or cannot be read."""
        return next(self._many([job_id]))

    def after(self, job_id: str | None) -> Iterator[DeletedJob]:
        """Yield the deleted jobs that can be read, last deleted first, after one of them; all of them after None."""
        start = 0
        if job_id is not None:
            (rank,) = ask(self._scripts, ("ZREVRANK", self._keys.deleted_jobs, job_id))
            if rank is None:
                return
            start = int(rank) + 1
        (ids,) = ask(self._scripts, ("ZREVRANGE", self._keys.deleted_jobs, start, -1))
        for some in batched([one.decode(errors="replace") for one in ids], AT_ONCE):
            yield from (found for found in self._many(list(some)) if found is not None)

    def restore(self, deleted: DeletedJob, record: JobRecord) -> str:
        """Bring a deleted job back under its id.

        Args:
            deleted: the job as it was read.
            record: the job from now on.

        Returns:
            `restored`; `exists` if there is a job with its id; `gone` if it is no longer kept as it was read;
            `calendar` if its calendar has changed since it was read.

        Raises:
            Conflict: there are as many jobs as `MAX_JOBS` allows.
            StoreFull: Redis is nearly full.
        """
        entry = job_entry("job.undelete", record.id, deleted.record.definition, record.definition)
        writer = str(secrets.randbits(31))
        fields = stored_fields(record) | {"author": author(record.revision, deleted.record.revision), "writer": writer}
        present = [part for name, value in fields.items() if value is not None for part in (name, value)]
        absent = [*GONE, *(name for name, value in fields.items() if value is None)]
        word: bytes = self._scripts.run(
            "restore_job", record.id, deleted.record.revision, orjson.dumps(present), orjson.dumps(absent),
            "1" if record.definition.enabled else "0", fields["next_due"] or "", writer, entry.text,
            record.plan.calendar or "", edits_back(deleted.record.edits, record.edits),
        )  # fmt: skip
        refuse_job(self._scripts, [word])
        if word == b"restored":
            entry.log(after=record.revision)
        return word.decode()

    def _many(self, ids: list[str]) -> Iterator[DeletedJob | None]:
        keys = [key for job_id in ids for key in (self._keys.deleted_job(job_id), self._keys.deleted_edits(job_id))]
        answers = ask(self._scripts, *(("HGETALL", key) for key in keys))
        for job_id, answer, edits in zip(ids, answers[::2], answers[1::2], strict=True):
            yield None if isinstance(answer, Exception) else _read(job_id, pairs(answer), edits)


def _read(job_id: str, fields: Mapping[bytes, bytes], edits: Any) -> DeletedJob | None:
    try:
        by = fields.get(b"deleted_by")
        record = read_job(job_id, fields)
        record = replace(record, edits=edits_of(record.edits.stamp, edits))
        return DeletedJob(record, int(fields[b"deleted_at"]), None if by is None else json.loads(by))
    except (UnreadableJob, ValueError, KeyError):
        return None
