"""What a cancelled run leaves in RQ's own records: it was cancelled, which is no failure."""

from __future__ import annotations

import pytest
from rq import Queue
from rq.job import Job as RQJob
from rq.registry import CanceledJobRegistry
from rq.results import Result
from rq.serializers import JSONSerializer

from service.domain.run_records import Claim, JobFields, Outcome, Retry
from service.scheduler.reaper import Reaper
from service.store.server.redis_clock import RedisClock
from service.worker.endings import rq_result
from tests.support.store_rig import Rig

RETRY = "0b7f7a1e-0000-4000-8000-000000000001"
BROKEN_OFF = Outcome("failed", "worker stopped", {"messages_sent": 1})
ENDS = [Outcome("success", None, {}), BROKEN_OFF, Outcome("cancelled", "killed because it did not heed")]


def result_of(run_id: str, outcome: Outcome) -> list[str]:
    """What a worker hands to the script for RQ."""
    return rq_result(Claim(run_id, "token", 0, {"id": run_id, "worker": "worker-1"}, JobFields()), outcome)


def cancelled(rig: Rig, outcome: Outcome) -> str:
    """A run that was told to stop, and whose bot then came to this end."""
    rig.client.hset(rig.keys.rq_worker("worker-1"), "name", "worker-1")
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    assert rig.runs.cancel(job_id, run_id, "cancelled by request") == "told"
    assert rig.runs.finish(run_id, token, outcome, rq_result=result_of(run_id, outcome))
    assert rig.use.run(job_id, run_id).data["status"] == "cancelled"
    return run_id


@pytest.mark.parametrize("outcome", ENDS, ids=lambda outcome: outcome.status)
def test_a_cancelled_run_is_cancelled_to_rq_too(rig: Rig, outcome: Outcome) -> None:
    """Status and registry say so, and neither a failure's record nor the worker's counters do."""
    run_id = cancelled(rig, outcome)
    queue = Queue(rig.keys.queue_name, connection=rig.client, serializer=JSONSerializer)
    job = RQJob.fetch(run_id, connection=rig.client, serializer=JSONSerializer)
    assert job.get_status() == "canceled" and job.is_canceled and job.ended_at is not None
    assert CanceledJobRegistry(queue=queue).get_job_ids() == [run_id]
    assert queue.failed_job_registry.get_job_ids() == queue.finished_job_registry.get_job_ids() == []
    assert Result.fetch_latest(job, JSONSerializer) is None
    assert rig.client.hkeys(rig.keys.rq_worker("worker-1")) == [b"name"]
    assert not list(rig.client.scan_iter("rq:execution*"))


def test_a_failed_run_still_fails_to_rq(rig: Rig) -> None:
    """With its error as RQ's result, and counted."""
    rig.client.hset(rig.keys.rq_worker("worker-1"), "name", "worker-1")
    run_id = rig.use.run_now(rig.make_job())
    rig.runs.finish(run_id, rig.start(run_id), BROKEN_OFF, rq_result=result_of(run_id, BROKEN_OFF))
    job = RQJob.fetch(run_id, connection=rig.client, serializer=JSONSerializer)
    latest = Result.fetch_latest(job, JSONSerializer)
    assert (job.get_status(), latest and latest.exc_string) == ("failed", "worker stopped")
    assert rig.client.hget(rig.keys.rq_worker("worker-1"), "failed_job_count") == b"1"


def test_rqs_record_of_a_cancelled_run_goes_after_a_day(rig: Rig) -> None:
    """Its job expires; its registry entry is cleared by the reaper, since RQ never clears this registry."""
    run_id = cancelled(rig, ENDS[0])
    now_ms = RedisClock(rig.client).now_ms()
    assert 86_300 < rig.client.ttl(rig.keys.rq_job(run_id)) <= 86_400
    rig.client.zadd(rig.keys.rq_canceled, {"long-gone": now_ms // 1000 - 1})
    Reaper(rig.runs, rig.job_store, rig.keys, rig.client).pass_over(now_ms)
    assert rig.client.zrange(rig.keys.rq_canceled, 0, -1) == [run_id.encode()]
    Reaper(rig.runs, rig.job_store, rig.keys, rig.client).pass_over(now_ms + 86_401_000)
    assert not rig.client.exists(rig.keys.rq_canceled)


@pytest.mark.parametrize("where", ["queued", "waiting", "delayed", "disabled"])
def test_a_run_that_is_cancelled_before_it_starts_leaves_nothing_in_rq(rig: Rig, where: str) -> None:
    """Wherever it is: in RQ's queue, in line for a slot, awaiting its delay, or called off with its job."""
    job_id = rig.make_job()
    first = rig.run_due(job_id)
    run_id = first
    if where == "waiting":
        run_id = rig.use.run_now(job_id)
    elif where in ("delayed", "disabled"):
        rig.runs.finish(first, rig.start(first), Outcome("failed", "no"), retry=Retry(RETRY, 2, 60_000))
        run_id = RETRY
    if where == "disabled":
        rig.jobs.toggle(job_id, {"enabled": False})
    else:
        assert rig.runs.cancel(job_id, run_id, "cancelled by request") == "cancelled"
    assert rig.use.run(job_id, run_id).data["status"] == "cancelled"
    assert not rig.client.exists(rig.keys.rq_job(run_id), rig.keys.rq_results(run_id), rig.keys.rq_canceled)
    assert run_id not in rig.queue()
    assert not rig.client.zscore(rig.keys.queued, run_id) and not rig.client.zscore(rig.keys.retries, run_id)


def test_a_deleted_job_takes_its_cancelled_runs_out_of_the_registry_in_time(rig: Rig) -> None:
    """Its runs' records in RQ go as those of any other ended run: by themselves."""
    run_id = cancelled(rig, ENDS[0])
    job_id = str(rig.jobs.list(limit=1, cursor=None).data[0]["id"])
    rig.jobs.delete(job_id)
    assert rig.client.ttl(rig.keys.rq_job(run_id)) > 0
