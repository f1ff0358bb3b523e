"""What this service relies on in RQ and rq-scheduler: an upgrade that changes it fails here first."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import rq_scheduler
from redis import Redis
from rq import Queue, Worker
from rq.executions import Execution, ExecutionRegistry
from rq.job import Job as RQJob
from rq.job import JobStatus
from rq.registry import BaseRegistry, CanceledJobRegistry, FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry
from rq.results import Result
from rq.serializers import JSONSerializer
from rq.utils import as_text

from service.dispatch import RUN_FUNCTION, Scheduler, rq_template
from service.keys import Keys
from service.store.scripts import Limits
from service.worker.process import BotWorker

RUN = "0b7f7a1e-0000-4000-8000-000000000001"


def test_the_versions_are_those_that_were_read() -> None:
    """service/worker and the scripts were written against these."""
    assert (version("rq"), version("rq-scheduler")) == ("3.0.0", "0.14.0")


def test_rq_names_its_keys_as_ours_say(redis_client: Redis, keys: Keys) -> None:
    """Every key of RQ's that the scripts write."""
    queue = Queue(keys.queue_name, connection=redis_client, serializer=JSONSerializer)
    job = RQJob(id=RUN, connection=redis_client, serializer=JSONSerializer)
    execution = Execution("token", RUN, redis_client, worker_name="w")
    names = {
        keys.rq_queue: queue.key,
        keys.rq_queues: Queue.redis_queues_keys,
        keys.rq_intermediate: queue.intermediate_queue_key,
        keys.rq_started: StartedJobRegistry(queue=queue).key,
        keys.rq_finished: FinishedJobRegistry(queue=queue).key,
        keys.rq_failed: FailedJobRegistry(queue=queue).key,
        keys.rq_canceled: CanceledJobRegistry(queue=queue).key,
        keys.rq_job(RUN): as_text(job.key),
        keys.rq_results(RUN): Result.get_key(RUN),  # type: ignore[no-untyped-call]
        keys.rq_execution(f"{RUN}:token"): execution.key,
        keys.rq_executions(RUN): ExecutionRegistry(RUN, redis_client).key,
        keys.rq_worker("w"): Worker.redis_worker_namespace_prefix + "w",
        keys.rq_worker_executions("w"): execution.worker_executions_key,
    }
    assert list(names) == list(names.values())


def test_the_template_is_what_rq_would_store(redis_client: Redis, keys: Keys) -> None:
    """Read back through RQ it is our function, without arguments and time-out; its data is JSON."""
    template = rq_template(keys, redis_client)
    redis_client.hset(keys.rq_job(RUN), mapping={**template, b"status": b"queued"})  # type: ignore[dict-item]
    job = RQJob.fetch(RUN, connection=redis_client, serializer=JSONSerializer)
    assert (job.func_name, list(job.args), job.kwargs, job.timeout) == (RUN_FUNCTION, [], {}, -1)
    assert job.origin == keys.queue_name
    assert b"pickle" not in template["data"]


def test_rq_calls_the_ends_of_a_job_as_the_scripts_do() -> None:
    """The statuses that `service/lua/shared/rq.lua` writes."""
    assert [JobStatus.FINISHED.value, JobStatus.FAILED.value, JobStatus.CANCELED.value] == [
        "finished", "failed", "canceled",
    ]  # fmt: skip


def test_rq_clears_its_registry_of_cancelled_jobs_by_no_means_of_its_own() -> None:
    """Therefore the reaper does it; once RQ can, it should."""
    assert CanceledJobRegistry.cleanup is BaseRegistry.cleanup


def test_rq_keeps_a_result_as_the_runner_words_it() -> None:
    """The fields that `service.worker.horse.rq_result` hands to the script."""
    fields = Result("x", Result.Type.FAILED, None, exc_string="why", serializer=JSONSerializer).serialize()  # type: ignore[arg-type]
    assert {"type", "worker_name", "exc_string"} <= set(fields)


def test_what_is_overridden_is_still_there() -> None:
    """Each method that the worker and the scheduler replace exists in the class that they extend."""
    for ours, theirs in ((BotWorker, Worker), (Scheduler, rq_scheduler.Scheduler)):
        replaced = [name for name in vars(ours) if not name.startswith("__") and inspect.isfunction(vars(ours)[name])]
        inherited = {name for name in replaced if hasattr(theirs, name)}
        wanted = {
            BotWorker: {
                "execute_job",
                "request_stop",
                "dequeue_job_and_maintain_ttl",
                "run_maintenance_tasks",
                "heartbeat",
            },
            Scheduler: {"run", "heartbeat", "enqueue_jobs"},
        }[ours]
        assert wanted <= inherited


def test_a_stock_rqscheduler_finds_nothing_of_ours(redis_client: Redis, keys: Keys) -> None:
    """Its index and its lock are other keys than ours."""
    ours = Scheduler(redis_client, keys, Limits())
    stock = rq_scheduler.Scheduler(connection=redis_client)
    assert ours.scheduled_jobs_key != stock.scheduled_jobs_key
    assert ours.scheduler_lock_key != stock.scheduler_lock_key
