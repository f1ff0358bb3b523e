"""Keys of jobs."""

from __future__ import annotations


class JobKeys:
    """Keys of jobs and of their indices; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    @property
    def jobs(self) -> str:
        """Sorted set: job id -> when it was created, µs."""
        return f"{self.prefix}:jobs"

    @property
    def enabled(self) -> str:
        """Set of the enabled jobs' ids."""
        return f"{self.prefix}:enabled"

    @property
    def due(self) -> str:
        """The due index, a sorted set: job id -> when its next occurrence is due, ms."""
        return f"{self.prefix}:due"

    def job(self, job_id: str) -> str:
        """Name the hash of a job: its definition, its plan, and the outcome of its last run."""
        return f"{self.prefix}:job:{job_id}"

    def history(self, job_id: str) -> str:
        """Name the capped list of a job's run ids, newest first."""
        return f"{self.prefix}:job:{job_id}:history"

    def open(self, job_id: str) -> str:
        """Name the set of the ids of a job's runs that have not ended."""
        return f"{self.prefix}:job:{job_id}:open"

    def slots(self, job_id: str) -> str:
        """Name the set of the ids of the runs that hold one of a job's `max_concurrent_runs` slots."""
        return f"{self.prefix}:job:{job_id}:slots"

    def waiting(self, job_id: str) -> str:
        """Name the list of the ids of a job's runs that wait for a slot, oldest first."""
        return f"{self.prefix}:job:{job_id}:waiting"

    def logs(self, job_id: str) -> str:
        """Name the capped list of the ids of a job's ended runs whose logs are kept, last ended first."""
        return f"{self.prefix}:job:{job_id}:logs"

    def idempotency(self, digest: str) -> str:
        """Name the hash of the answer to a request with an `Idempotency-Key`.

        `digest` stands for route, job and key.
        """
        return f"{self.prefix}:idempotency:{digest}"
