"""Workers whose horse takes runs by itself, between two looks of its parent: it takes none that it must not."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rq import Worker

from service.worker.board import UNWATCHED_SECONDS
from tests.support.installation import Installation
from tests.support.processes import descendants, until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]


@pytest.fixture
def service(light_server: ValkeyServer, tmp_path: Path) -> Iterator[Installation]:
    """An installation with one worker."""
    with Installation(tmp_path, light_server, WORKER_CONCURRENCY="1") as installed:
        yield installed.start("web", "scheduler", "worker").until_healthy()


def until_waiting(service: Installation, count: int = 1) -> None:
    """Waits until so many horses wait for a run."""
    until(lambda: service.client.info("clients")["blocked_clients"] == count, 30, lambda: service.log("worker"))


def waits_in_line(service: Installation, run_id: str) -> bool:
    """Whether a run is in the queue, and not on the way out of it."""
    queue = service.client.lrange(service.keys.rq_queue, 0, -1)
    return run_id.encode() in queue and not service.client.llen(service.keys.rq_intermediate)


def test_rqs_stop_command_in_a_runs_first_instant_is_a_cancel_of_that_run(service: Installation) -> None:
    """It comes before the worker has looked at its board, or even before the run is claimed."""
    until(lambda: len(Worker.all(service.client)) == 1, 10)
    channel = f"rq:pubsub:{Worker.all(service.client)[0].name}"
    for pause in (0.0, 0.001, 0.01, 0.1):
        job_id = service.make_job(bot_config={"seconds": 300.0, "mode": "heed"})
        until_waiting(service)
        run_id = service.run_now(job_id)
        time.sleep(pause)  # an instant that nobody can choose exactly
        assert service.client.publish(channel, json.dumps({"command": "stop-job", "job_id": run_id})) == 1
        run = service.until_status(job_id, run_id, "cancelled", "failed", "success")
        assert (run["status"], run["error"]) == ("cancelled", "stopped by RQ's stop command")
        plain = service.make_job()
        service.until_status(plain, service.run_now(plain), "success")


def test_a_waiting_worker_takes_nothing_while_rqs_workers_are_suspended(service: Installation) -> None:
    """What it pops at that moment goes back in front; it runs once they go on."""
    job_id = service.make_job(options={"max_concurrent_runs": 2})
    until_waiting(service)
    service.client.set("rq:suspended", 1)
    first, second = (service.run_now(job_id) for _ in range(2))
    until(lambda: Worker.all(service.client)[0].get_state() == "suspended", 10)
    until_waiting(service, 0)
    assert waits_in_line(service, first) and waits_in_line(service, second)
    assert [run["status"] for run in service.history(job_id)] == ["queued", "queued"]
    service.client.delete("rq:suspended")
    runs = [service.until_status(job_id, run_id, "success") for run_id in (first, second)]
    assert runs[0]["started_at"] <= runs[1]["started_at"]


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process that is stopped meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_horse_takes_no_run_while_its_parent_is_frozen(service: Installation) -> None:
    """Nobody would renew the run's lease. What it pops goes back; when the parent wakes, it runs."""
    job_id = service.make_job()
    until_waiting(service)
    parent = _parent_of_horse(service)
    with frozen(parent):
        over = time.monotonic() + UNWATCHED_SECONDS
        until(lambda: time.monotonic() > over, 30)
        run_id = service.run_now(job_id)
        until_waiting(service, 0)
        until(lambda: waits_in_line(service, run_id), 30)
        assert service.run(job_id, run_id)["status"] == "queued"
    service.until_status(job_id, run_id, "success")
    assert parent in descendants(service.processes["worker"].pid), "the process is the same"


def _parent_of_horse(service: Installation) -> int:
    supervisor = service.processes["worker"].pid
    (parent,) = [pid for pid in descendants(supervisor) if _parent(pid) == supervisor]
    return parent


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_run_whose_parent_was_frozen_past_its_lease_is_not_carried_on(service: Installation) -> None:
    """It has failed by its lease; the parent that wakes ends what is left of it, and goes on with the next."""
    told = service.folder / "trace"
    job_id = service.make_job(bot_config={"seconds": 300.0, "trace": str(told)})
    run_id = service.run_now(job_id)
    service.until_status(job_id, run_id, "running")
    until(told.exists, 30)
    with frozen(_parent_of_horse(service)):
        run = service.until_status(job_id, run_id, "failed", seconds=60)
        assert "lease" in run["error"]
    horse = int(told.read_text().split()[1])
    until(lambda: horse not in descendants(service.processes["worker"].pid), 30)
    plain = service.make_job()
    service.until_status(plain, service.run_now(plain), "success")
    assert service.run(job_id, run_id) == run


def test_a_waiting_worker_that_is_stopped_leaves_at_once_and_loses_nothing(service: Installation) -> None:
    """Though runs come at that very moment: each is carried out once, by the next worker at the latest."""
    asked = []
    jobs = [service.make_job(options={"max_concurrent_runs": 10}) for _ in range(2)]
    for pause in (0.0, 0.002, 0.02):
        until_waiting(service)
        asked += [(job_id, service.run_now(job_id)) for job_id in jobs]
        time.sleep(pause)  # an instant that nobody can choose exactly
        asked += [(job_id, service.run_now(job_id)) for job_id in jobs]
        service.kill("worker", signal.SIGTERM)
        assert "Traceback" not in service.log("worker")
        service.start("worker")
    for job_id, run_id in asked:
        service.until_status(job_id, run_id, "success")
    assert sum(len(service.history(job_id)) for job_id in jobs) == len(asked)
    until_waiting(service)
    service.kill("worker", signal.SIGTERM)
    assert "killed" not in service.log("worker") and "left to the reaper" not in service.log("worker")
