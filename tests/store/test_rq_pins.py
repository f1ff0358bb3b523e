"""What this service relies on in RQ and rq-scheduler: an upgrade that changes it fails here first."""

from __future__ import annotations

import asyncio
import inspect
import json
from importlib.metadata import version
from typing import Any

import hiredis
import pytest
import redis
import redis.asyncio
import rq.worker.base
import rq.worker.worker_classes
import rq_scheduler
import rq_scheduler.scheduler
from redis import Redis
from redis.exceptions import NoScriptError
from rq import Queue, Worker
from rq.command import send_command
from rq.defaults import DEFAULT_RESULT_TTL
from rq.executions import Execution, ExecutionRegistry
from rq.job import Job as RQJob
from rq.job import JobStatus
from rq.registry import BaseRegistry, CanceledJobRegistry, FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry
from rq.results import Result
from rq.serializers import JSONSerializer
from rq.utils import as_text

from service.scheduler.foreign_entries import EntryRefused
from service.scheduler.scheduler import Scheduler
from service.store.keys import Keys
from service.store.rq_records import RUN_FUNCTION, rq_template
from service.store.scripts import RQ_SUCCESS_TTL, Limits
from service.store.server.connection import wait_readable
from service.store.server.packing import packed
from service.worker.process import BotWorker
from tests.store import members
from tests.support.servers.valkey import ValkeyServer

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
    """Read back through RQ it is our function, without arguments and time-out; its data is plain JSON, and RQ keeps a
    success for as long as we do.
    """
    template = rq_template(keys, redis_client)
    redis_client.hset(keys.rq_job(RUN), mapping={**template, b"status": b"queued"})  # type: ignore[dict-item]
    job = RQJob.fetch(RUN, connection=redis_client, serializer=JSONSerializer)
    assert (job.func_name, list(job.args), job.kwargs, job.timeout) == (RUN_FUNCTION, [], {}, -1)
    assert job.origin == keys.queue_name
    assert json.loads(template["data"]) == [RUN_FUNCTION, None, [], {}]
    assert job.get_result_ttl(default_ttl=DEFAULT_RESULT_TTL) == RQ_SUCCESS_TTL


def test_rq_calls_the_ends_of_a_job_as_the_scripts_do() -> None:
    """The statuses that `service/store/lua/shared/rq.lua` writes."""
    assert [JobStatus.FINISHED.value, JobStatus.FAILED.value, JobStatus.CANCELED.value] == [
        "finished", "failed", "canceled",
    ]  # fmt: skip


def test_rq_clears_its_registry_of_cancelled_jobs_by_no_means_of_its_own() -> None:
    """Therefore the reaper does it; once RQ can, it should."""
    assert CanceledJobRegistry.cleanup is BaseRegistry.cleanup


def test_rq_keeps_a_result_as_the_runner_words_it() -> None:
    """The fields that `service.worker.endings.rq_result` hands to the script."""
    fields = Result("x", Result.Type.FAILED, None, exc_string="why", serializer=JSONSerializer).serialize()  # type: ignore[arg-type]
    assert {"type", "worker_name", "exc_string"} <= set(fields)


def test_no_other_member_of_rqs_worker_is_used() -> None:
    """What ours calls, replaces, reads or sets of what RQ's classes have: all was read, and all is still there."""
    assert members.inherited(BotWorker, rq.worker.base, rq.worker.worker_classes) == {
        "__init__", "_pubsub_exception_handler", "_set_ip_address", "bootstrap", "handle_payload", "heartbeat",
        "ip_address", "name", "register_death", "request_stop", "set_state", "teardown", "work",
    }  # fmt: skip


def test_no_other_member_of_rq_schedulers_scheduler_is_used() -> None:
    """As for the worker; what is refused is in `service/scheduler/foreign_entries.py`."""
    assert members.inherited(Scheduler, rq_scheduler.scheduler) == {
        "__init__", "_lock_acquired", "connection", "enqueue_jobs", "heartbeat", "name", "run", "scheduled_jobs_key",
        "scheduler_lock_key", "stop",
    }  # fmt: skip


@pytest.mark.slow(reason="the whole source is read")
def test_no_other_name_of_these_libraries_is_imported() -> None:
    """A new one is added here by whoever has read what it does."""
    assert members.imported() == {
        "hiredis", "hiredis.pack_command", "redis", "redis.Redis", "redis.asyncio", "redis.asyncio.client.PubSub",
        "redis.asyncio.connection.AbstractConnection", "redis.asyncio.retry.Retry", "redis.backoff.NoBackoff",
        "redis.client.Pipeline", "redis.client.PubSub", "redis.driver_info.DriverInfo", "redis.retry.Retry",
        *(f"redis.exceptions.{name}" for name in (
            "AskError", "AuthenticationError", "BusyLoadingError", "ClusterCrossSlotError", "ClusterError",
            "ConnectionError", "MasterDownError", "MaxConnectionsError", "NoPermissionError", "NoScriptError",
            "OutOfMemoryError", "ReadOnlyError", "RedisError", "ResponseError", "TimeoutError", "TryAgainError",
        )),
        "rq.Queue", "rq.Worker", "rq.exceptions.NoSuchJobError", "rq.job.Job", "rq.registry.FailedJobRegistry",
        "rq.registry.FinishedJobRegistry", "rq.results.Result", "rq.serializers.JSONSerializer",
        "rq.worker.WorkerStatus", "rq.worker_registration.clean_worker_registry", "rq_dashboard", "rq_dashboard.web",
        "rq_scheduler",
    }  # fmt: skip


@pytest.mark.slow(reason="the whole source is read")
def test_no_other_private_attribute_of_theirs_is_used() -> None:
    """redis-py has no public way from a connection to its parser, socket and transport. The last one is Python's: the
    end of a forked copy.
    """
    assert members.private() == {
        ("service/store/server/connection.py", "_sock"),
        ("service/store/server/own_connection.py", "_parser"),
        ("service/store/server/own_connection.py", "_reader"),
        ("service/store/server/own_connection.py", "_sock"),
        ("service/store/server/shared_connection.py", "_parser"),
        ("service/store/server/shared_connection.py", "_writer"),
        ("service/worker/horse.py", "_exit"),
    }


class Receiving(asyncio.Protocol):
    """Puts what comes into a queue."""

    def __init__(self, received: asyncio.Queue[bytes]) -> None:
        self._received = received

    def data_received(self, data: bytes) -> None:
        self._received.put_nowait(data)


def test_a_connection_that_has_signed_in_can_be_taken_over(valkey_server: ValkeyServer) -> None:
    """Its transport is asyncio's, with nothing unread; its parser names errors; hiredis tells messages from answers."""

    async def take_over() -> list[Any]:
        connection: Any = redis.asyncio.Connection(port=valkey_server.port)
        await connection.connect()
        transport, received = connection._writer.transport, asyncio.Queue[bytes]()
        assert isinstance(transport, asyncio.Transport) and not connection._reader._buffer
        transport.set_protocol(Receiving(received))
        transport.write(packed("EVALSHA", "0" * 40, 0) + packed("SUBSCRIBE", "c"))
        reader, found = hiredis.Reader(replyError=connection._parser.parse_error), list[Any]()
        while len(found) < 2:
            reader.feed(await received.get())
            while (answer := reader.gets()) is not False:
                found.append(answer)
        transport.abort()
        return found

    refusal, message = asyncio.run(take_over())
    assert isinstance(refusal, NoScriptError)
    assert isinstance(message, hiredis.PushNotification) and message[:2] == [b"subscribe", b"c"]


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_connection_is_made_by_a_function_of_ours(valkey_server: ValkeyServer, protocol: int) -> None:
    """`redis_connect_func` takes the place of `on_connect`, which it calls."""
    called: list[str] = []

    def connected(connection: Any) -> None:
        connection.on_connect()
        called.append("connected")

    options: Any = {"redis_connect_func": connected}
    with redis.Redis(port=valkey_server.port, protocol=protocol, **options) as client:
        assert client.ping() and called == ["connected"]


def test_rqs_loop_begins_and_ends_as_ours_does() -> None:
    """Ours stands in place of what is between; RQ's own hears commands from `bootstrap` on."""
    loop = inspect.getsource(Worker.work)
    for step in ("self.bootstrap(", "self._install_signal_handlers(", "self.teardown("):
        assert step in loop
    assert "self.subscribe(" in inspect.getsource(Worker.bootstrap)
    assert "exception_handler=self._pubsub_exception_handler" in inspect.getsource(Worker.subscribe)
    assert "self.register_death(" in inspect.getsource(Worker.teardown)


@pytest.mark.parametrize("modes", [{"burst": True}, {"max_jobs": 1}, {"with_scheduler": True}])
def test_a_mode_of_rqs_that_our_worker_lacks_is_refused(modes: dict[str, Any]) -> None:
    """Nothing is begun."""
    with pytest.raises(ValueError, match="burst"):
        BotWorker.work(BotWorker.__new__(BotWorker), **modes)


OWN = {"count", "enqueue_jobs", "heartbeat", "run"}
"""rq-scheduler's methods that ours replace, and the one that only counts."""


def _methods() -> list[str]:
    found = inspect.getmembers(rq_scheduler.Scheduler, inspect.isfunction)
    return sorted(name for name, _ in found if not name.startswith("_") and name not in OWN)


@pytest.mark.parametrize("name", _methods())
def test_rq_schedulers_own_methods_refuse(redis_client: Redis, keys: Keys, name: str) -> None:
    """Each public one there is, also of a release to come: with whatever arguments, and nothing is written."""
    redis_client.zadd(keys.due, {"a job of ours": 1})
    before = redis_client.dump(keys.due)
    scheduler = Scheduler(redis_client, keys, Limits())
    with pytest.raises(EntryRefused, match="API"):
        getattr(scheduler, name)("anything", at=1)
    with pytest.raises(EntryRefused, match=name):
        getattr(scheduler, name)()
    assert (redis_client.keys("*"), redis_client.dump(keys.due)) == ([keys.due.encode()], before)


def test_the_methods_that_the_refusals_are_for_are_among_them() -> None:
    """The list that is tested is not empty by accident."""
    assert {
        "acquire_lock", "cancel", "change_execution_time", "cron", "enqueue_at", "enqueue_in", "enqueue_job",
        "get_jobs", "schedule",
    } <= set(_methods())  # fmt: skip


def test_rqs_commands_come_as_they_are_understood(redis_client: Redis) -> None:
    """By the worker's name, whatever the database; each as JSON, in the words that `service.worker.commands` knows."""
    channel = Worker([Queue(connection=redis_client)], name="w", connection=redis_client).pubsub_channel_name
    elsewhere = Redis(port=redis_client.connection_pool.connection_kwargs["port"], db=9)
    heard: list[bytes] = []
    with redis_client.pubsub() as pubsub:  # type: ignore[no-untyped-call]
        pubsub.subscribe(**{channel: lambda message: heard.append(message["data"])})
        assert pubsub.get_message(timeout=5) is not None
        for name, more in (
            ("shutdown", {}), ("kill-horse", {}), ("stop-job", {"job_id": RUN}),
            ("stop-execution", {"job_id": RUN, "execution_id": "token"}),
        ):  # fmt: skip
            send_command(elsewhere, "w", name, **more)
            pubsub.get_message(timeout=5)
    elsewhere.close()
    assert [json.loads(command) for command in heard] == [
        {"command": "shutdown"}, {"command": "kill-horse"}, {"command": "stop-job", "job_id": RUN},
        {"command": "stop-execution", "job_id": RUN, "execution_id": "token"},
    ]  # fmt: skip
    assert "handle_payload" in inspect.getsource(Worker.subscribe)
    assert "_pubsub_exception_handler" in inspect.getsource(Worker.subscribe)


def test_a_stock_rqscheduler_finds_nothing_of_ours(redis_client: Redis, keys: Keys) -> None:
    """Its index and its lock are other keys than ours."""
    ours = Scheduler(redis_client, keys, Limits())
    stock = rq_scheduler.Scheduler(connection=redis_client)
    assert ours.scheduled_jobs_key != stock.scheduled_jobs_key
    assert ours.scheduler_lock_key != stock.scheduler_lock_key


def test_a_connection_of_redis_py_has_a_socket_and_says_what_it_has_read_already(redis_client: Redis) -> None:
    """`wait_readable` waits for the socket by itself: redis-py's wait is in whole milliseconds.

    Two messages that come at once are read at once, and the second is then in no socket any more.
    """
    pubsub = redis_client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    pubsub.subscribe("news")
    assert pubsub.get_message(timeout=5) is None
    connection = pubsub.connection
    assert (wait_readable(connection, 0), connection._sock.fileno() > 0) == (False, True)
    with redis_client.pipeline() as pipe:
        pipe.publish("news", "one")
        pipe.publish("news", "two")
        pipe.execute()
    for expected in (b"one", b"two"):
        assert wait_readable(connection, 5)
        message = pubsub.get_message(timeout=5)
        assert message is not None and message["data"] == expected
    assert not wait_readable(connection, 0)
    pubsub.close()
