"""Keys of the release before schema 3, whose processes may still be up beside those of today.

Its scripts go on under these names until its last process is gone. Of today's scripts, only the migration's and the
take-over's touch them: the scheduler that acts takes over what it finds, see
`docs/decisions/0050-counters-and-the-older-release.md`.
"""

from __future__ import annotations


class OlderKeys:
    """Keys of the older release; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    @property
    def adopted(self) -> str:
        """Hash, our own: id of a run that a worker of the older release has under way -> its job's id."""
        return f"{self.prefix}:adopted"

    @property
    def old_due(self) -> str:
        """Its due index, a sorted set."""
        return f"{self.prefix}:due"

    @property
    def old_enabled(self) -> str:
        """Its set of the enabled jobs' ids. Since the migration: the jobs of adopted runs that it may switch off."""
        return f"{self.prefix}:enabled"

    def old_history(self, job_id: str) -> str:
        """Name its list of a job's run ids, newest first."""
        return f"{self.prefix}:job:{job_id}:history"

    def old_waiting(self, job_id: str) -> str:
        """Name its list of the ids of a job's runs that wait for a slot, oldest first."""
        return f"{self.prefix}:job:{job_id}:waiting"

    def old_open(self, job_id: str) -> str:
        """Name its set of the ids of a job's runs that have not ended."""
        return f"{self.prefix}:job:{job_id}:open"

    def old_slots(self, job_id: str) -> str:
        """Name its set of the ids of the runs that hold one of a job's slots."""
        return f"{self.prefix}:job:{job_id}:slots"

    @property
    def old_queue_name(self) -> str:
        """Name of its RQ queue."""
        return f"{self.prefix}-runs"

    @property
    def old_queue(self) -> str:
        """List of the ids of runs that wait for one of its workers."""
        return f"rq:queue:{self.old_queue_name}"

    @property
    def old_intermediate(self) -> str:
        """List of the ids that one of its workers has popped and not started."""
        return f"rq:queue:{self.old_queue_name}:intermediate"

    @property
    def old_started(self) -> str:
        """Sorted set of the executions that its workers have under way."""
        return f"rq:wip:{self.old_queue_name}"

    @property
    def old_finished(self) -> str:
        """Sorted set of the finished runs of its queue."""
        return f"rq:finished:{self.old_queue_name}"

    @property
    def old_failed(self) -> str:
        """Sorted set of the failed runs of its queue."""
        return f"rq:failed:{self.old_queue_name}"

    @property
    def old_canceled(self) -> str:
        """Sorted set of the cancelled runs of its queue."""
        return f"rq:canceled:{self.old_queue_name}"

    @property
    def old_workers(self) -> str:
        """Set of the keys of its workers."""
        return f"rq:workers:{self.old_queue_name}"
