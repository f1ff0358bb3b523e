"""Runs carried out by real processes: every way in which one can end."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rq import Queue
from rq.command import send_stop_job_command
from rq.job import Job as RQJob
from rq.registry import CanceledJobRegistry
from rq.serializers import JSONSerializer

from tests.support.installation import Installation, running
from tests.support.processes import descendants, until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="runs that do not end are ended"),
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for the tests of this module, which leave it standing."""
    with running(tmp_path_factory.mktemp("runs")) as installed:
        yield installed


def test_a_run_succeeds_and_tells_its_story(service: Installation) -> None:
    """Queued, running, success; counts, times and the job's last run follow; its log and progress can be read."""
    job_id = service.make_job(bot_config={"mode": "talk"})
    run = service.until_status(job_id, service.run_now(job_id), "success")
    assert (run["result"], run["messages_sent"], run["attempt"]) == ({"messages_sent": 1}, 1, 1)
    assert run["progress"] == {"done": 3, "total": 3}
    assert run["duration_ms"] >= 0 and run["lateness_ms"] >= 0
    _, job = service.call("GET", f"/jobs/{job_id}")
    assert (job["last_run_status"], job["last_run_at"], job["last_run_error"]) == ("success", run["started_at"], None)


def test_an_occurrence_runs_at_its_second_and_not_before(service: Installation) -> None:
    """Runs of an interval of a second start on time, and never early."""
    job_id = service.make_job(schedule_config={"seconds": 1})
    until(lambda: sum(run["status"] == "success" for run in service.history(job_id)) >= 4, 20)
    service.call("POST", f"/jobs/{job_id}/toggle", {"enabled": False})
    runs = [run for run in service.history(job_id) if run["status"] == "success"]
    assert all(run["started_at"] >= run["scheduled_for"] for run in runs)
    assert len({run["scheduled_for"] for run in runs}) == len(runs)


def test_a_bot_that_raises_makes_a_failed_run_with_a_readable_error(service: Installation) -> None:
    """The error is the exception's own message."""
    job_id = service.make_job(bot_config={"mode": "raise"})
    run = service.until_status(job_id, service.run_now(job_id), "failed")
    assert run["error"] == "ValueError: the probe was told to fail"
    _, job = service.call("GET", f"/jobs/{job_id}")
    assert (job["last_run_status"], job["last_run_error"]) == ("failed", run["error"])


def test_a_bot_whose_process_dies_fails_its_run_alone(service: Installation) -> None:
    """The horse is killed; its run fails and says how, and the next run is fine."""
    job_id = service.make_job(bot_config={"mode": "die"})
    run = service.until_status(job_id, service.run_now(job_id), "failed")
    assert "SIGKILL" in run["error"]
    service.until_status(job_id, service.run_now(job_id, {"bot_config": {"mode": "plain"}}), "success")


def test_a_run_past_its_time_is_interrupted(service: Installation) -> None:
    """The bot unwinds before it ends or is killed, the run fails and names the setting."""
    job_id = service.make_job(bot_config={"seconds": 60.0}, options={"timeout_seconds": 1})
    run = service.until_status(job_id, service.run_now(job_id), "failed")
    assert run["error"] == "timed out: the run took longer than its timeout_seconds, 1"
    assert run["result"] is None


def test_a_bot_that_swallows_the_interruption_is_killed(service: Installation) -> None:
    """Ten seconds after its time it is killed, before it ends itself, and the run says so."""
    job_id = service.make_job(bot_config={"seconds": 60.0, "mode": "swallow"}, options={"timeout_seconds": 1})
    run = service.until_status(job_id, service.run_now(job_id), "failed", seconds=25)
    assert "killed" in run["error"] and "timeout_seconds, 1" in run["error"]
    assert run["duration_ms"] > 10_000 and run["result"] is None


def test_a_bot_that_swallows_the_interruption_and_ends_has_timed_out_all_the_same(service: Installation) -> None:
    """Its time was up, whatever it made of that; nor is its run taken for one of a stopping worker, and repeated."""
    job_id = service.make_job(bot_config={"mode": "swallow", "seconds": 3.0}, options={"timeout_seconds": 1})
    run = service.until_status(job_id, service.run_now(job_id), "failed", "success")
    assert (run["status"], run["error"]) == ("failed", "timed out: the run took longer than its timeout_seconds, 1")
    assert (run["result"], len(service.history(job_id))) == ({"messages_sent": 1}, 1)


def test_deleting_a_job_stops_its_run_and_nothing_comes_back(service: Installation) -> None:
    """The bot is told, and nothing of the job or run is left when it has ended but what restoring the job needs."""
    job_id = service.make_job(bot_config={"seconds": 60.0, "mode": "heed"})
    run_id = service.run_now(job_id)
    service.until_status(job_id, run_id, "running")
    assert service.call("DELETE", f"/jobs/{job_id}")[0] == 204

    def traces() -> list[str]:
        keys = (key.decode() for key in service.client.scan_iter("*"))
        return [key for key in keys if job_id in key or run_id in key]

    until(lambda: traces() == [service.keys.deleted_job(job_id)], 15, lambda: str(traces()))
    until(lambda: not service.client.zcard(service.keys.leases), 15)


def test_the_limit_of_concurrent_runs_holds(service: Installation) -> None:
    """Three runs asked for at once never overlap when one at a time is allowed."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        job_id = service.make_job(bot_config={"seconds": 0.3, "trace": str(trace)})
        for run_id in [service.run_now(job_id) for _ in range(3)]:
            service.until_status(job_id, run_id, "success")
        assert [line.split()[0] for line in trace.read_text().splitlines()] == ["start", "end"] * 3


def test_rqs_own_stop_command_cancels_the_run(service: Installation) -> None:
    """RQ's tools can stop a run from the moment at which they see it; it is recorded as cancelled."""
    job_id = service.make_job(bot_config={"seconds": 60.0})
    run_id = service.run_now(job_id)
    service.until_status(job_id, run_id, "running")
    until(lambda: service.client.hexists(service.keys.rq_job(run_id), "worker_name"), 10)
    send_stop_job_command(service.client, run_id, serializer=JSONSerializer)
    assert "RQ's stop command" in service.until_status(job_id, run_id, "cancelled")["error"]


def failures_counted(service: Installation) -> int:
    """By RQ, of all workers that are up."""
    keys = service.client.scan_iter("rq:worker:*", _type="hash")
    return sum(int(service.client.hget(key, "failed_job_count") or 0) for key in keys)


@pytest.mark.parametrize("heeds", [True, False])
def test_a_cancelled_run_is_cancelled_in_rqs_records_and_counts_as_no_failure(
    service: Installation, heeds: bool
) -> None:
    """Whether its bot heeds the cancel, or its process is killed for it."""
    job_id = service.make_job(bot_config={"seconds": 60.0} | ({"mode": "heed"} if heeds else {}))
    run_id = service.run_now(job_id)
    service.until_status(job_id, run_id, "running")
    before = failures_counted(service)
    assert service.call("POST", f"/jobs/{job_id}/runs/{run_id}/cancel")[0] == 202
    service.until_status(job_id, run_id, "cancelled", seconds=25)
    job = RQJob.fetch(run_id, connection=service.client, serializer=JSONSerializer)
    queue = Queue(service.keys.queue_name, connection=service.client, serializer=JSONSerializer)
    assert job.get_status() == "canceled"
    assert run_id in CanceledJobRegistry(queue=queue).get_job_ids()
    assert run_id not in queue.failed_job_registry.get_job_ids()
    assert failures_counted(service) == before


def test_waiting_for_a_run_answers_its_entry(service: Installation) -> None:
    """`?wait=` answers 200 with the ended run, or 202 if it takes longer."""
    job_id = service.make_job(bot_config={"seconds": 2.0}, options={"max_concurrent_runs": 2})
    assert service.call("POST", f"/jobs/{job_id}/run?wait=0.2")[0] == 202
    status, run = service.call("POST", f"/jobs/{job_id}/run?wait=20", {"bot_config": {"seconds": 0.0}})
    assert (status, run["status"]) == (200, "success")


def test_rq_keeps_no_trace_of_a_run_that_is_over(service: Installation) -> None:
    """No job started, nothing in the registries of started runs or the intermediate list."""
    job_id = service.make_job()
    service.until_status(job_id, service.run_now(job_id), "success")
    queue = Queue(service.keys.queue_name, connection=service.client, serializer=JSONSerializer)
    until(lambda: queue.started_job_registry.count == 0, 10)
    assert service.client.llen(service.keys.rq_intermediate) == 0
    assert not list(service.client.scan_iter("rq:execution*"))


def test_a_worker_killed_in_the_middle_of_a_run_is_noticed(service: Installation) -> None:
    """The supervisor's SIGKILL takes worker and horse along; the run fails by its lease, the restart runs the next."""
    job_id = service.make_job(bot_config={"seconds": 120.0})
    run_id = service.run_now(job_id)
    service.until_status(job_id, run_id, "running")
    below = descendants(service.processes["worker"].pid)
    service.kill("worker")
    until(lambda: not [pid for pid in below if _alive(pid)], 5, lambda: f"left behind: {below}")
    run = service.until_status(job_id, run_id, "failed", seconds=60)
    assert "lease" in run["error"]
    service.start("worker")
    service.until_status(job_id, service.run_now(job_id, {"bot_config": {"seconds": 0.0}}), "success")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_one_worker_process_killed_alone_is_replaced(service: Installation) -> None:
    """The supervisor starts another in its place."""
    before = descendants(service.processes["worker"].pid)
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(set(descendants(service.processes["worker"].pid)) - set(before)) >= 1, 10)
    job_id = service.make_job()
    service.until_status(job_id, service.run_now(job_id), "success")
