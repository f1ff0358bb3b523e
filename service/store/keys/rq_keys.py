"""RQ's keys, as RQ 3.0.0 names them, for our queue and our workers."""

from __future__ import annotations


class RqKeys:
    """Keys that RQ owns; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    @property
    def queue_name(self) -> str:
        """Name of the one RQ queue that all runs go through."""
        return f"{self.prefix}-queue"

    @property
    def rq_queue(self) -> str:
        """List of the ids of runs that wait for a worker."""
        return f"rq:queue:{self.queue_name}"

    @property
    def rq_intermediate(self) -> str:
        """List of the ids that a worker of RQ has popped and not started."""
        return f"rq:queue:{self.queue_name}:intermediate"

    @property
    def rq_started(self) -> str:
        """Sorted set of the executions under way -> when they count as abandoned, s."""
        return f"rq:wip:{self.queue_name}"

    @property
    def rq_finished(self) -> str:
        """Sorted set of finished runs -> when RQ drops their record, s."""
        return f"rq:finished:{self.queue_name}"

    @property
    def rq_failed(self) -> str:
        """Sorted set of failed runs -> when RQ drops their record, s."""
        return f"rq:failed:{self.queue_name}"

    @property
    def rq_canceled(self) -> str:
        """Sorted set of cancelled runs -> when RQ drops their record, s."""
        return f"rq:canceled:{self.queue_name}"

    @property
    def rq_suspended(self) -> str:
        """String that `rq suspend` sets: workers take nothing then."""
        return "rq:suspended"

    @property
    def rq_queues(self) -> str:
        """Set of the names of all queues."""
        return "rq:queues"

    def rq_job(self, run_id: str) -> str:
        """Name the hash of RQ's record of a run."""
        return f"rq:job:{run_id}"

    def rq_results(self, run_id: str) -> str:
        """Name the stream of RQ's results of a run."""
        return f"rq:results:{run_id}"

    def rq_execution(self, execution: str) -> str:
        """Name the hash of one execution; RQ calls it `<job id>:<execution id>`, ours are run id and claim token."""
        return f"rq:execution:{execution}"

    def rq_executions(self, run_id: str) -> str:
        """Name the sorted set of the executions of a run."""
        return f"rq:executions:{run_id}"

    def rq_worker(self, worker: str) -> str:
        """Name the hash of a worker."""
        return f"rq:worker:{worker}"

    def rq_worker_executions(self, worker: str) -> str:
        """Name the set of the executions that a worker has under way."""
        return f"rq:worker:{worker}:executions"
