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
    def enabled_jobs(self) -> str:
        """String: how many jobs are enabled."""
        return f"{self.prefix}:enabled_jobs"

    @property
    def due(self) -> str:
        """The due index, a sorted set: job id -> when its next occurrence is due, ms."""
        return f"{self.prefix}:due_jobs"

    @property
    def ended_jobs(self) -> str:
        """Sorted set of the ended jobs that are to be deleted: job id -> when, ms."""
        return f"{self.prefix}:ended_jobs"

    @property
    def expect_due(self) -> str:
        """Sorted set of the jobs of which something is expected: job id -> when to judge them next, ms."""
        return f"{self.prefix}:expect_due"

    def expectation(self, job_id: str) -> str:
        """Name the hash of all that the verdict about a job's expectations follows from."""
        return f"{self.prefix}:job:{job_id}:expect"

    def job(self, job_id: str) -> str:
        """Name the hash of a job: its definition, its plan, and the outcome of its last run."""
        return f"{self.prefix}:job:{job_id}"

    def history(self, job_id: str) -> str:
        """Name the capped list of a job's run ids, newest first."""
        return f"{self.prefix}:job:{job_id}:runs"

    def waiting(self, job_id: str) -> str:
        """Name the list of the ids of a job's runs that wait for a slot, oldest first."""
        return f"{self.prefix}:job:{job_id}:line"

    def on_hold(self, job_id: str) -> str:
        """Name the list of the ids of a job's runs that a pause holds, oldest first."""
        return f"{self.prefix}:job:{job_id}:hold"

    def logs(self, job_id: str) -> str:
        """Name the capped list of the ids of a job's ended runs whose logs are kept, last ended first."""
        return f"{self.prefix}:job:{job_id}:logs"

    def revisions(self, job_id: str) -> str:
        """Name the capped list of a job's former definitions, JSON, newest first."""
        return f"{self.prefix}:job:{job_id}:revisions"

    def epochs(self, job_id: str) -> str:
        """Name the capped list of all that a job's instants followed from before it changed, JSON, newest first."""
        return f"{self.prefix}:job:{job_id}:epochs"

    def edits(self, job_id: str) -> str:
        """Name the hash of a job's changed occurrences: instant, epoch seconds -> the change, JSON."""
        return f"{self.prefix}:job:{job_id}:edits"

    @property
    def edits_due(self) -> str:
        """Sorted set of the changed occurrences that are not decided: `job id/instant` -> when it is due, ms."""
        return f"{self.prefix}:edits_due"

    @property
    def deleted_jobs(self) -> str:
        """Sorted set of the deleted jobs that can be restored: job id -> when it was deleted, ms."""
        return f"{self.prefix}:deleted"

    def deleted_job(self, job_id: str) -> str:
        """Name the hash of a deleted job, which can be restored."""
        return f"{self.prefix}:deleted:{job_id}"

    def deleted_revisions(self, job_id: str) -> str:
        """Name the list of a deleted job's former definitions."""
        return f"{self.prefix}:deleted:{job_id}:revisions"

    def deleted_edits(self, job_id: str) -> str:
        """Name the hash of a deleted job's changed occurrences."""
        return f"{self.prefix}:deleted:{job_id}:edits"

    def idempotency(self, digest: str) -> str:
        """Name the hash of the answer to a request with an `Idempotency-Key`.

        `digest` stands for route, job and key.
        """
        return f"{self.prefix}:idempotency:{digest}"
