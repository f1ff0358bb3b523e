"""Save many jobs by the store's own script, many in a round trip: for measurements and demonstrations."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from service.domain.records import JobRecord
from service.store.jobs.job_hashes import JobStore
from service.store.scripts import Scripts

CHUNK = 200
"""Jobs to save in one round trip."""


@dataclass(slots=True)
class _Collecting(Scripts):
    """Keeps the calls of one verb until there are enough of them for a round trip."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def run(self, verb: str, *args: str | int | float | bytes) -> Any:
        self.calls.append(args)
        if len(self.calls) == CHUNK:
            self.flush(verb)
        return [b"saved", time.time_ns() // 1_000_000]  # as lua/save_job.lua answers for a new job

    def flush(self, verb: str) -> None:
        calls, self.calls = self.calls, []
        for answer in self.run_many(verb, calls):
            if isinstance(answer, Exception):
                raise answer


def save(scripts: Scripts, records: Iterable[JobRecord]) -> list[str]:
    """Save new jobs.

    Args:
        scripts: those of the installation.
        records: the jobs; read as they are saved.

    Returns:
        Their ids, in order.
    """
    collecting = _Collecting(
        client=scripts.client, keys=scripts.keys, limits=scripts.limits, rq_fields=scripts.rq_fields
    )
    store, ids = JobStore(collecting), []
    for record in records:
        store.add(record)
        ids.append(record.id)
    collecting.flush("save_job")
    return ids
